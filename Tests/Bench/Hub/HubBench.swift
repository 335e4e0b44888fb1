import Bridge
import BridgeModel
import Glibc
import LinuxIO
import MediaPlane
import RTP

/// Packets a second through the hub: one source thread that sends as fast as the hub takes, N sinks that are drained by one thread.
///
/// `bench-hub [seconds]` prints one line for each number of sinks. The figures include the reading side, which is a child process in real life.
@main struct HubBench {
    static func main() async throws {
        let seconds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 3
        print("sinks  packets in/s  packets out/s  dropped/s  CPU us per packet out (hub and drain)")
        for sinkCount in [1, 10, 100] { try await measure(sinkCount: sinkCount, seconds: seconds) }
    }

    private static func measure(sinkCount: Int, seconds: Int) async throws {
        let hub = try Hub()
        defer { hub.shutdown() }
        let source = try SocketPair.datagram()
        let feed = Feed(socket: DatagramSocket(descriptor: source.near))
        let track = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
        hub.publish(StreamID("bench"), tracks: [track], sources: [MediaDescriptor(source.far)])
        var sinks: [DatagramSocket] = []
        for number in 0..<sinkCount {
            let sink = try SocketPair.datagram()
            sinks.append(DatagramSocket(descriptor: sink.near))
            hub.subscribe(
                PipelineID("\(number)"), to: StreamID("bench"), tracks: [0], sinks: [MediaDescriptor(sink.far)],
                timing: .recorded(since: MonotonicTime(nanoseconds: 0)))
        }
        let drain = try Drain(sinks)
        _ = await hub.totals()
        let usageBefore = processSeconds()
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .seconds(seconds) { feed.sendFrame() }
        let totals = await hub.totals()
        let elapsed = ContinuousClock.now - start
        let usage = processSeconds() - usageBefore
        drain.stop()
        report(sinkCount, totals, seconds: Double(elapsed.wholeMilliseconds) / 1000, processorSeconds: usage)
    }

    private static func report(_ sinks: Int, _ totals: HubTotals, seconds: Double, processorSeconds: Double) {
        let rates = [totals.packetsIn, totals.packetsOut, totals.packetsDropped].map { Int(Double($0) / seconds) }
        let cost = processorSeconds * 1_000_000 / Double(max(1, totals.packetsOut))
        print("\(sinks)  \(rates[0])  \(rates[1])  \(rates[2])  \((cost * 100).rounded() / 100)")
    }

    private static func processSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }
}

/// Frames of ten packets of 1,200 bytes, a keyframe every thirty.
final class Feed {
    private let socket: DatagramSocket
    private var sequence: UInt16 = 0
    private var frame: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: MediaDatagram.headerSize + RTPPacketView.fixedHeaderSize + 1200)

    init(socket: DatagramSocket) { self.socket = socket }

    func sendFrame() {
        let payload: [UInt8] = [0x10, frame % 30 == 0 ? 0 : 1, 0, 0, 0x9D, 0x01, 0x2A]
        let now = MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds)
        for number in 0..<10 {
            let header = RTPHeader(
                marker: number == 9, payloadType: 96, sequence: sequence, timestamp: UInt32(truncatingIfNeeded: now.nanoseconds / 11_111),
                ssrc: 1)
            buffer.withUnsafeMutableBytes { bytes in
                MediaDatagram(kind: .rtp, track: 0, sequence: 0, time: now).write(to: bytes)
                header.write(to: UnsafeMutableRawBufferPointer(rebasing: bytes[MediaDatagram.headerSize...]))
                bytes[28...].copyBytes(from: payload)
                if number > 0 { bytes[28] = 0 }
            }
            sequence &+= 1
            send()
        }
        frame += 1
    }

    /// Waits for room: the bench measures how fast the hub is, not how it drops.
    private func send() {
        while buffer.withUnsafeBytes({ socket.send($0) }) == .full {
            var room = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&room, 1, 100)
        }
    }
}

/// Reads all sinks empty on a thread of its own.
final class Drain: Sendable {
    private let thread: JoinableThread
    private let wakeUp: EventFD

    init(_ sinks: [DatagramSocket]) throws(SystemError) {
        let wakeUp = try EventFD()
        self.wakeUp = wakeUp
        thread = try JoinableThread(name: "drain") { try? Drain.run(sinks, until: wakeUp) }
    }

    func stop() {
        wakeUp.signal()
        thread.join()
    }

    private static func run(_ sinks: [DatagramSocket], until wakeUp: EventFD) throws(SystemError) {
        var epoll = try Epoll()
        var batch = DatagramBatch(datagramSize: MediaDatagram.maximumSize)
        for (index, sink) in sinks.enumerated() { try epoll.add(sink.descriptor, token: UInt64(index)) }
        try epoll.add(wakeUp.descriptor, token: .max)
        while true {
            for index in 0..<(try epoll.wait(timeout: nil)) {
                let token = epoll.event(index).token
                guard token != .max else { return }
                while case .datagrams(DatagramBatch.capacity) = batch.receive(from: sinks[Int(token)]) {}
            }
        }
    }
}
