internal import BridgeModel

// Sample entries: what a track's samples are (ISO/IEC 14496-12 section 8.5.2) and how their decoder is set up.
extension BoxWriter {
    mutating func sampleEntry(_ track: MovieTrack) {
        box(track.format.entryType) { entry in
            entry.append(zeros: 6)
            entry.append(UInt16(1))  // data_reference_index: this file
            switch track.format.kind {
            case .video: entry.visual(track)
            case .audio: entry.audio(track)
            }
            entry.configuration(track)
        }
    }

    /// ISO/IEC 14496-12 section 12.1.3.2.
    private mutating func visual(_ track: MovieTrack) {
        append(zeros: 16)
        append(UInt16(clamping: track.width))
        append(UInt16(clamping: track.height))
        append(UInt32(0x48_0000))  // 72 dpi
        append(UInt32(0x48_0000))
        append(UInt32(0))
        append(UInt16(1))  // one picture a sample
        append(zeros: 32)  // compressorname
        append(UInt16(0x18))  // depth: colour without alpha
        append(UInt16.max)  // pre_defined: -1
    }

    /// ISO/IEC 14496-12 section 12.2.3.2.
    private mutating func audio(_ track: MovieTrack) {
        append(zeros: 8)
        append(UInt16(clamping: track.channels))
        append(UInt16(16))
        append(UInt32(0))
        append(UInt32(clamping: min(track.sampleRate, 65_535)) << 16)
    }

    private mutating func configuration(_ track: MovieTrack) {
        switch track.format {
        case .avc(let record): box("avcC") { $0.append(record) }
        case .hevc(let record): box("hvcC") { $0.append(record) }
        case .vp9(let configuration): fullBox("vpcC", version: 1) { $0.append(configuration.record) }
        case .av1(let record): box("av1C") { $0.append(record) }
        case .opus(let head): box("dOps") { $0.append(opusSpecific(head)) }
        case .aac(let record): fullBox("esds") { $0.append(elementaryStream(record)) }
        }
    }
}

/// The content of `dOps` (Opus in ISOBMFF section 4.3.2): the same as OpusHead behind its name and version, but big-endian.
private func opusSpecific(_ head: [UInt8]) -> [UInt8] {
    let fields = head.dropFirst(9)
    guard fields.count >= 10 else { return [] }
    let at = { (range: Range<Int>) in fields.dropFirst(range.lowerBound).prefix(range.count) }
    return [0] + at(0..<1) + at(1..<3).reversed() + at(3..<7).reversed() + at(7..<9).reversed() + fields.dropFirst(9)
}

/// The reverse of `opusSpecific`; nil when it is cut or of another version.
func opusHead(ofSpecific content: ArraySlice<UInt8>) -> [UInt8]? {
    guard content.count >= 11, content.first == 0 else { return nil }
    let at = { (range: Range<Int>) in content.dropFirst(range.lowerBound).prefix(range.count) }
    let fields = Array(at(1..<2)) + at(2..<4).reversed() + at(4..<8).reversed() + at(8..<10).reversed()
    return Array("OpusHead".utf8) + [1] + fields + content.dropFirst(10)
}

/// Descriptors of ISO/IEC 14496-1 section 7.2.6, as ISO/IEC 14496-14 section 3.1 wants them in `esds`.
enum Descriptor {
    static let elementaryStream: UInt8 = 3
    static let decoderConfiguration: UInt8 = 4
    static let decoderSpecific: UInt8 = 5
    static let synchronisation: UInt8 = 6
    /// `objectTypeIndication` of MPEG-4 audio.
    static let audio: UInt8 = 0x40
    /// `streamType` of audio, with the reserved bit.
    static let audioStream: UInt8 = 5 << 2 | 1

    /// Tag, length in groups of seven bits, content.
    static func bytes(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = [UInt8(content.count & 0x7F)]
        var rest = content.count >> 7
        while rest > 0 {
            length.insert(0x80 | UInt8(rest & 0x7F), at: 0)
            rest >>= 7
        }
        return [tag] + length + content
    }
}

private func elementaryStream(_ configuration: [UInt8]) -> [UInt8] {
    let rates = [UInt8](repeating: 0, count: 3 + 4 + 4)  // buffer size, largest and average bit rate: not told
    let decoder = [Descriptor.audio, Descriptor.audioStream] + rates + Descriptor.bytes(Descriptor.decoderSpecific, configuration)
    let synchronisation = Descriptor.bytes(Descriptor.synchronisation, [2])  // as MP4 files must have it
    let content = [0, 0, 0] + Descriptor.bytes(Descriptor.decoderConfiguration, decoder) + synchronisation
    return Descriptor.bytes(Descriptor.elementaryStream, content)
}
