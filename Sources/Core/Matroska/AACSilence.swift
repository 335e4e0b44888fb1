package import BridgeModel

/// What stands in a recording for AAC that did not come: frames that decode to nothing (ISO/IEC 14496-3 section 4.4.2.1). One or two channels.
package struct AACSilence: Sendable, Equatable {
    /// How long one frame of it lasts.
    package let frame: Duration
    /// One frame.
    package let packet: [UInt8]
    /// The same for a time in which nothing came of any track: such a time stays a gap, for `ClusterIndex` too.
    package let gap: [UInt8]

    /// `global_gain` scales what is not there, so that it can tell a gap from other silence, and both from what encoders make.
    private static let usualGain: UInt32 = 0x5A
    private static let gapGain: UInt32 = 0xA5

    /// Nil for layouts of more than two channels, and for other types than LC.
    package init?(_ config: AudioSpecificConfig) {
        guard config.coreType == 2, (1...2).contains(config.channels) else { return nil }
        frame = config.frame
        packet = Self.block(channels: Int(config.channels), gain: Self.usualGain)
        gap = Self.block(channels: Int(config.channels), gain: Self.gapGain)
    }

    /// Whether a frame is one of `gap`.
    static func isGap(_ frame: some Collection<UInt8>) -> Bool { gaps.contains { frame.count == $0.count && frame.elementsEqual($0) } }

    private static let gaps = [block(channels: 1, gain: gapGain), block(channels: 2, gain: gapGain)]

    /// A `raw_data_block`: a channel element without any band (`max_sfb` is 0), the end, and zeros up to the byte.
    private static func block(channels: Int, gain: UInt32) -> [UInt8] {
        var bits: [Bool] = []
        func add(_ value: UInt32, _ count: Int) {
            for place in (0..<count).reversed() { bits.append(value >> place & 1 == 1) }
        }
        add(channels == 1 ? 0 : 1, 3)  // single_channel_element, channel_pair_element
        add(0, 4)  // element_instance_tag
        if channels == 2 { add(0, 1) }  // common_window
        for _ in 0..<channels {
            add(gain, 8)
            add(0, 1 + 2 + 1 + 6 + 1)  // ics_info: one long window, max_sfb 0, no prediction
            add(0, 3)  // no pulses, no noise shaping, no gain control
        }
        add(7, 3)  // end of the block
        bits += [Bool](repeating: false, count: (8 - bits.count % 8) % 8)
        return stride(from: 0, to: bits.count, by: 8).map { start in
            var byte: UInt8 = 0
            for bit in bits[start..<start + 8] { byte = byte << 1 | (bit ? 1 : 0) }
            return byte
        }
    }
}

/// Silence that stands for a time in which nothing came of any track.
enum GapSilence {
    /// Whether a piece of sound is such silence, whatever its codec.
    static func isGap(_ bytes: some Collection<UInt8>) -> Bool {
        sizes.contains(bytes.count) && (OpusSilence.isGap(bytes) || AACSilence.isGap(bytes))
    }

    /// Bytes of such pieces; those of AAC are 4 and 7.
    static let sizes = OpusSilence.gapSizes
}
