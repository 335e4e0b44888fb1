internal import BridgeModel

/// Reads the sample entry of a track (section 8.5.2).
enum SampleEntryReader {
    /// Bytes before the first box of a visual and of an audio sample entry.
    private static let visualSize = 78
    private static let audioSize = 28

    /// The first entry of `stsd`; nil for a format that is not ours. Throws `malformed`.
    static func track(number: UInt32, timescale: UInt32, _ descriptions: Box) throws(ISOMediaError) -> MovieTrack? {
        var reader = BoxReader(descriptions.content)
        reader.skip(8)
        guard let entry = try reader.box() else { throw .malformed("stsd") }
        switch entry.type {
        case "avc1", "hvc1", "vp09", "av01": return try visual(number, entry)
        case "Opus", "mp4a": return try audio(number, timescale: timescale, entry)
        default: return nil
        }
    }

    private static func visual(_ number: UInt32, _ entry: Box) throws(ISOMediaError) -> MovieTrack? {
        var reader = BoxReader(entry.content)
        reader.skip(24)
        let (width, height) = (reader.number(UInt16.self), reader.number(UInt16.self))
        guard entry.content.count >= visualSize else { throw .malformed(entry.type) }
        let boxes = try Box(type: entry.type, content: entry.content.dropFirst(visualSize)).children()
        let format: SampleFormat
        switch entry.type {
        case "avc1": format = .avc(configuration: Array(try boxes.required("avcC").content))
        case "hvc1": format = .hevc(configuration: Array(try boxes.required("hvcC").content))
        case "av01": format = .av1(configuration: Array(try boxes.required("av1C").content))
        default:
            guard let configuration = VP9Configuration(reading: try boxes.required("vpcC").content.dropFirst(4)) else {
                throw .malformed("vpcC")
            }
            format = .vp9(configuration)
        }
        return MovieTrack(number: number, format: format, width: Int(width), height: Int(height))
    }

    private static func audio(_ number: UInt32, timescale: UInt32, _ entry: Box) throws(ISOMediaError) -> MovieTrack? {
        var reader = BoxReader(entry.content)
        reader.skip(16)
        let channels = reader.number(UInt16.self)
        guard entry.content.count >= audioSize else { throw .malformed(entry.type) }
        let boxes = try Box(type: entry.type, content: entry.content.dropFirst(audioSize)).children()
        let format: SampleFormat
        if entry.type == "Opus" {
            guard let head = opusHead(ofSpecific: try boxes.required("dOps").content) else { throw .malformed("dOps") }
            format = .opus(head: head)
        } else {
            guard let configuration = audioConfiguration(try boxes.required("esds").content.dropFirst(4)) else { throw .malformed("esds") }
            format = .aac(configuration: configuration)
        }
        return MovieTrack(
            number: number, format: format, channels: Int(channels), sampleRate: entry.type == "Opus" ? 48_000 : Int(timescale))
    }

    /// The AudioSpecificConfig within an elementary stream descriptor.
    private static func audioConfiguration(_ content: ArraySlice<UInt8>) -> [UInt8]? {
        guard let stream = Descriptor.content(Descriptor.elementaryStream, in: content), stream.count > 3 else { return nil }
        guard let decoder = Descriptor.content(Descriptor.decoderConfiguration, in: stream.dropFirst(3)), decoder.count > 13 else {
            return nil
        }
        return Descriptor.content(Descriptor.decoderSpecific, in: decoder.dropFirst(13)).map { Array($0) }
    }
}

extension Descriptor {
    /// The content of the descriptor that stands first; nil for another one, and when it is cut. A length has four bytes at most.
    static func content(_ tag: UInt8, in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard bytes.first == tag else { return nil }
        var rest = bytes.dropFirst()
        var length = 0
        for _ in 0..<4 {
            guard let byte = rest.popFirst() else { return nil }
            length = length << 7 | Int(byte & 0x7F)
            guard byte & 0x80 != 0 else { return length <= rest.count ? rest.prefix(length) : nil }
        }
        return nil
    }
}
