import Glibc
import LinuxIO
import Synchronization

/// Takes everything from many sockets on the second processor, and counts what it took, without looking at it.
final class Drain: Sendable {
    private final class Counters: Sendable {
        let isStopping = Atomic(false)
        let datagrams = Atomic<UInt64>(0)
    }

    private let counters = Counters()
    private let thread: JoinableThread

    /// The sockets stay open until `stop`.
    init(_ sockets: [UDPSocket]) throws {
        let counters = counters
        thread = try JoinableThread(name: "drain") {
            try? pinThread(0, toProcessor: 1)
            var batch = UDPReceiveBatch()
            while !counters.isStopping.load(ordering: .relaxed) {
                for socket in sockets {
                    while case .messages(let count) = batch.receive(from: socket) {
                        for index in 0..<count {
                            let message = batch.message(index)
                            let size = max(1, message.segmentSize)
                            counters.datagrams.add(UInt64((message.bytes.count + size - 1) / size), ordering: .relaxed)
                        }
                        guard count == UDPReceiveBatch.capacity else { break }
                    }
                }
                Threads.sleep(0.001)
            }
        }
    }

    /// Datagrams so far.
    var taken: UInt64 { counters.datagrams.load(ordering: .relaxed) }

    func stop() {
        counters.isStopping.store(true, ordering: .relaxed)
        thread.join()
    }
}
