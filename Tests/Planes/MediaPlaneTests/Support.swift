import Bridge
import BridgeModel
import Glibc
import LinuxIO
import MediaPlane
import RTP

enum Tracks {
    static let video = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
    static let audio = TrackDescription(index: 1, codec: .opus, payloadType: 111, channels: 2, mid: "1")
}

/// A datagram as a child sees it.
struct Received: Sendable {
    var datagram: MediaDatagram
    var content: [UInt8]

    /// The RTP header of the content.
    var header: RTPHeader? { content.withUnsafeBytes { bytes in RTPPacketView(reading: bytes).map { RTPHeader($0) } } }
    var payload: [UInt8] { content.withUnsafeBytes { bytes in RTPPacketView(reading: bytes).map { Array($0.payload) } } ?? [] }
}

/// The child's end of a media socket; closes it at the end.
final class ChildSocket {
    /// What the hub is given.
    let hubEnd: MediaDescriptor
    private var socket: DatagramSocket?
    private var buffer = [UInt8](repeating: 0, count: MediaDatagram.maximumSize)

    init(bufferBytes: Int32 = 512 * 1024) throws {
        let pair = try SocketPair.datagram(bufferBytes: bufferBytes)
        socket = DatagramSocket(descriptor: pair.near)
        hubEnd = MediaDescriptor(pair.far)
    }

    func close() { socket = nil }

    /// Sends raw bytes; false when the socket is full or closed.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { socket?.send($0) } == .sent
    }

    @discardableResult func send(_ kind: MediaDatagram.Kind, track: UInt8, content: [UInt8] = []) -> Bool {
        var head = [UInt8](repeating: 0, count: MediaDatagram.headerSize)
        let time = MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds)
        head.withUnsafeMutableBytes { MediaDatagram(kind: kind, track: track, sequence: 0, time: time).write(to: $0) }
        return send(head + content)
    }

    /// The next datagram, waited for up to `limit`; nil when none came.
    func receive(within limit: Duration = .seconds(5)) -> Received? {
        guard let socket else { return nil }
        var wait = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, Int32(limit.wholeMilliseconds)) == 1 else { return nil }
        guard case .datagram(let count) = buffer.withUnsafeMutableBytes({ socket.receive(into: $0) }) else { return nil }
        return buffer[..<count].withUnsafeBytes { bytes in
            MediaDatagram(reading: bytes).map { Received(datagram: $0, content: Array(bytes.dropFirst(MediaDatagram.headerSize))) }
        }
    }

    /// So many datagrams, each waited for; fewer when one did not come.
    func receive(count: Int) -> [Received] {
        var received: [Received] = []
        while received.count < count, let next = receive() { received.append(next) }
        return received
    }

    /// Everything that is there already.
    func receiveWaiting() -> [Received] {
        var received: [Received] = []
        while let next = receive(within: .zero) { received.append(next) }
        return received
    }

    /// Waits until the hub has closed its end: a send finds nobody.
    func isClosedByHub() -> Bool {
        let deadline = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < deadline {
            if [UInt8(0)].withUnsafeBytes({ socket?.send($0) }) == .closed { return true }
            sched_yield()
        }
        return false
    }
}

/// A publisher of one VP8 and one Opus track.
final class Publisher {
    let video: ChildSocket
    let audio: ChildSocket
    private let ssrc: UInt32
    private var videoSequence: UInt16
    private var audioSequence: UInt16 = 0
    private var timestamp: UInt32

    init(ssrc: UInt32 = 0xA0, sequence: UInt16 = 1000, timestamp: UInt32 = 90_000) throws {
        video = try ChildSocket()
        audio = try ChildSocket()
        self.ssrc = ssrc
        self.timestamp = timestamp
        videoSequence = sequence
    }

    var sources: [MediaDescriptor] { [video.hubEnd, audio.hubEnd] }
    static let tracks = [Tracks.video, Tracks.audio]

    func publish(on hub: Hub, as stream: StreamID) { hub.publish(stream, tracks: Self.tracks, sources: sources) }

    /// One frame in `packets` packets; the last byte of each payload is `mark`.
    func sendFrame(keyframe: Bool, packets: Int = 1, size: Int = 8, mark: UInt8 = 0) {
        timestamp &+= 3000
        for number in 0..<packets {
            let head: [UInt8] = [number == 0 ? 0x10 : 0x00, keyframe ? 0 : 1, 0, 0, 0x9D, 0x01, 0x2A]
            let payload = head + [UInt8](repeating: mark, count: max(1, size - head.count))
            let header = RTPHeader(
                marker: number == packets - 1, payloadType: 96, sequence: videoSequence, timestamp: timestamp, ssrc: ssrc)
            videoSequence &+= 1
            video.send(.rtp, track: 0, content: Self.packet(header, payload))
        }
    }

    func sendAudio() {
        let header = RTPHeader(payloadType: 111, sequence: audioSequence, timestamp: UInt32(audioSequence) * 960, ssrc: ssrc + 1)
        audioSequence &+= 1
        audio.send(.rtp, track: 1, content: Self.packet(header, [0xFC, 1, 2]))
    }

    func sendReport(ntp: UInt64) {
        var bytes = [UInt8](repeating: 0, count: SenderReportView.size)
        bytes.withUnsafeMutableBytes { SenderReportView(ssrc: ssrc, ntp: ntp, rtp: timestamp).write(to: $0) }
        video.send(.senderReport, track: 0, content: bytes)
    }

    static func packet(_ header: RTPHeader, _ payload: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: RTPPacketView.fixedHeaderSize) + payload
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        return bytes
    }
}

/// Waits until the hub has taken in so many packets altogether.
func waitForPackets(_ count: UInt64, in hub: Hub) async -> Bool {
    await wait(for: hub) { $0.packetsIn >= count }
}

/// Waits until the hub's counters are as wanted.
func wait(for hub: Hub, until isWanted: (HubTotals) -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
        if isWanted(await hub.totals()) { return true }
        try? await Task.sleep(for: .milliseconds(1))
    }
    return false
}

/// How many descriptors this process has open.
func openDescriptorCount() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
}
