import Bridge
import BridgeModel
import LinuxIO
import RTP
import Synchronization

@testable import PipelineChild

/// A hub for tests: copies datagrams from a publisher's sockets to viewers' sockets and keyframe requests the other way.
final class TestHub: Sendable {
    struct Seen {
        var packets: [Int: Int] = [:]
        var senderReports: [Int: Int] = [:]
        var keyframeRequests = 0
        /// VP8 packets that begin a keyframe.
        var keyframes = 0
    }

    let publisherEnds: [Int32]
    private let sources: [DatagramSocket]
    private let sinks = Mutex<[[DatagramSocket]]>([])
    private let readers = Mutex<[DatagramReader]>([])
    private let seenState = Mutex(Seen())

    /// Passes nothing on while closed.
    private let isForwarding = Atomic(true)

    init(tracks: Int) throws {
        var near: [DatagramSocket] = []
        var far: [Int32] = []
        for _ in 0..<tracks {
            let pair = try SocketPair.datagram()
            near.append(DatagramSocket(descriptor: pair.near))
            far.append(pair.far)
        }
        sources = near
        publisherEnds = far
        let reader = try DatagramReader(sockets: near) { [weak self] index, header, packet in self?.pass(index, header, packet) }
        readers.withLock { $0.append(reader) }
    }

    var seen: Seen { seenState.withLock { $0 } }

    /// The child's ends of a new viewer's sockets.
    func addViewer() throws -> [Int32] {
        let pairs = try sources.map { _ in try SocketPair.datagram() }
        let near = pairs.map { DatagramSocket(descriptor: $0.near) }
        sinks.withLock { $0.append(near) }
        let reader = try DatagramReader(sockets: near) { [weak self] index, header, _ in
            guard header.kind == .keyframeRequest else { return }
            self?.seenState.withLock { $0.keyframeRequests += 1 }
            self?.requestKeyframe(ofTrack: index)
        }
        readers.withLock { $0.append(reader) }
        return pairs.map(\.far)
    }

    func requestKeyframe(ofTrack index: Int) {
        let header = MediaDatagram(kind: .keyframeRequest, track: UInt8(index), sequence: 0, time: MonotonicTime(nanoseconds: 0))
        Self.send(header, UnsafeRawBufferPointer(start: nil, count: 0), to: sources[index])
    }

    func stop() {
        for reader in readers.withLock({ $0 }) { reader.stop() }
    }

    private func pass(_ index: Int, _ header: MediaDatagram, _ packet: UnsafeRawBufferPointer) {
        seenState.withLock { seen in
            if header.kind == .rtp { seen.packets[index, default: 0] += 1 }
            if header.kind == .rtp, index == 0, Self.beginsKeyframe(packet) { seen.keyframes += 1 }
            if header.kind == .senderReport { seen.senderReports[index, default: 0] += 1 }
        }
        for viewer in sinks.withLock({ $0 }) { Self.send(header, packet, to: viewer[index]) }
    }

    private static func beginsKeyframe(_ packet: UnsafeRawBufferPointer) -> Bool {
        RTPPacketView(reading: packet).map { PayloadTraits(codec: .vp8, payload: $0.payload)?.contains(.keyframe) == true } ?? false
    }

    private static func send(_ header: MediaDatagram, _ packet: UnsafeRawBufferPointer, to socket: DatagramSocket) {
        withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
            header.write(to: bytes)
            socket.send(UnsafeRawBufferPointer(bytes), packet)
        }
    }
}
