/// What stands in a recording for sound that did not come.
package enum OpusSilence {
    /// How long one frame of it lasts.
    package static let frame: Duration = .milliseconds(20)
    /// One frame of 20 ms that says 'nothing to hear' (RFC 6716 section 3.1: CELT only, full band, mono, one frame, no data).
    package static let packet: [UInt8] = [0xF8] + noData
    /// Frames of a packet at most: none lasts longer than 120 ms (section 3.2.5).
    package static let mostFrames = 6

    private static let noData: [UInt8] = [0xFF, 0xFE]
    /// The same, as 'so many frames of one length' (section 3.2.5), also where it is one.
    private static let head: UInt8 = 0xFB

    /// Silence for a time in which nothing came of any track. It plays like `packet`, but can be told from it: such a time stays a gap, for
    /// `ClusterIndex` too, while players that count samples keep their sound beside the pictures.
    package static func gap(frames: Int) -> [UInt8] {
        let count = min(max(1, frames), mostFrames)
        return [head, UInt8(count)] + Array(repeating: noData, count: count).flatMap { $0 }
    }

    /// Whether a packet is one of `gap`.
    static func isGap(_ packet: some Collection<UInt8>) -> Bool {
        guard packet.first == head, gapSizes.contains(packet.count), packet.count % 2 == 0 else { return false }
        return packet.elementsEqual(gap(frames: packet.count / 2 - 1))
    }

    /// Bytes of the packets that `gap` makes.
    static let gapSizes = 4...(2 + 2 * mostFrames)
}
