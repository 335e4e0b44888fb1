internal import Glibc
internal import Synchronization

/// One thread that waits for readable descriptors, posted work and a tick: the loop of things that are few and slow (control sockets of children).
///
/// Handlers run on the loop's thread, one at a time; they never block. After `stop` nothing runs any more.
package final class DescriptorLoop: Sendable {
    private struct Shared {
        var work: [@Sendable () -> Void] = []
        var handlers: [Int32: @Sendable () -> Void] = [:]
        var isStopping = false
    }

    private let shared = Mutex(Shared())
    private let wakeRead: Int32
    private let wakeWrite: Int32
    private let tick: Duration
    private let onTick: @Sendable () -> Void

    /// Starts the thread. `onTick` runs on it at least every `tick`.
    package init(tick: Duration, onTick: @escaping @Sendable () -> Void) throws(SystemError) {
        (wakeWrite, wakeRead) = try SocketPair.datagram(bufferBytes: 4096)
        self.tick = tick
        self.onTick = onTick
        let box = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<DescriptorLoop>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard status == 0 else {
            box.release()
            throw SystemError(call: "pthread_create", number: status)
        }
        pthread_detach(thread)
    }

    deinit {
        close(wakeRead)
        close(wakeWrite)
    }

    /// Calls `onReadable` whenever `descriptor` is readable or hung up (level-triggered), until `remove`.
    package func add(_ descriptor: Int32, onReadable: @escaping @Sendable () -> Void) {
        shared.withLock { $0.handlers[descriptor] = onReadable }
        post {}
    }

    /// Stops watching; call it before the descriptor is closed.
    package func remove(_ descriptor: Int32) {
        shared.withLock { _ = $0.handlers.removeValue(forKey: descriptor) }
    }

    /// Runs `body` on the loop's thread, in the order of the calls.
    package func post(_ body: @escaping @Sendable () -> Void) {
        shared.withLock { $0.work.append(body) }
        var byte: UInt8 = 1
        // A full socket means that a wake-up is already on its way.
        _ = send(wakeWrite, &byte, 1, Int32(MSG_DONTWAIT))
    }

    /// Ends the thread after the work that was posted before. Returns at once.
    package func stop() {
        post { [weak self] in self?.shared.withLock { $0.isStopping = true } }
    }

    private func run() {
        var lastTick = ContinuousClock.now
        while !shared.withLock({ $0.isStopping }) {
            let wait = max(0, min(tick.milliseconds, (tick - (ContinuousClock.now - lastTick)).milliseconds))
            var waits = [pollfd(fd: wakeRead, events: Int16(POLLIN), revents: 0)]
            waits += shared.withLock { $0.handlers.keys.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) } }
            poll(&waits, nfds_t(waits.count), Int32(wait))
            for ready in waits where ready.revents != 0 { serve(ready.fd) }
            let work = shared.withLock { state in
                defer { state.work = [] }
                return state.work
            }
            for body in work { body() }
            if ContinuousClock.now - lastTick >= tick {
                lastTick = .now
                onTick()
            }
        }
    }

    private func serve(_ descriptor: Int32) {
        guard descriptor != wakeRead else {
            var byte: UInt8 = 0
            while recv(wakeRead, &byte, 1, Int32(MSG_DONTWAIT)) > 0 {}
            return
        }
        shared.withLock { $0.handlers[descriptor] }?()
    }
}

extension Duration {
    /// Rounded up: a wait of less than a millisecond would otherwise be none, and the loop would turn without rest until it is over.
    fileprivate var milliseconds: Int64 {
        let perMillisecond: Int64 = 1_000_000_000_000_000
        return components.seconds * 1000 + (components.attoseconds + perMillisecond - 1) / perMillisecond
    }
}
