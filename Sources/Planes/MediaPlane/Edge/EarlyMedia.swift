import BridgeModel

/// What a connected publisher sends before its tracks may enter the hub, in the order of arrival: authentic RTP and RTCP, already decrypted.
///
/// A browser sends its first keyframe with the end of the handshake, while the bridge still asks whether the stream may be published. It belongs to
/// one media worker.
final class EarlyMedia {
    /// More is dropped: half a second of a fast camera, and what a publisher that is never let in costs.
    static let capacity = 512 * 1024

    private struct Entry {
        var count: Int
        var isControl: Bool
        var arrival: MonotonicTime
    }

    private var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Packets that found no room.
    private(set) var dropped = 0

    /// Keeps a packet. What comes behind a packet that found no room is kept if it fits: a receiver asks for what is missing.
    func append(_ packet: UnsafeRawBufferPointer, isControl: Bool, arrival: MonotonicTime) {
        guard bytes.count + packet.count <= Self.capacity else {
            dropped += 1
            return
        }
        bytes.append(contentsOf: packet)
        entries.append(Entry(count: packet.count, isControl: isControl, arrival: arrival))
    }

    /// Lends each packet, which may be changed, and forgets all.
    func takeAll(_ body: (_ packet: UnsafeMutableRawBufferPointer, _ isControl: Bool, _ arrival: MonotonicTime) -> Void) {
        let taken = entries
        entries = []
        bytes.withUnsafeMutableBytes { buffer in
            var start = 0
            for entry in taken {
                body(UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + entry.count]), entry.isControl, entry.arrival)
                start += entry.count
            }
        }
        bytes = []
    }
}
