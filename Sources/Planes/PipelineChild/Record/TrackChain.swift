internal import BridgeModel
internal import GStreamerKit

/// One track's way from RTP packets to frames: appsrc, depayloader, parser, appsink. Built from the plan before data flows; no transcoding.
struct TrackChain {
    /// Where packets go in.
    let source: AppSource
    private let elements: [Element]

    /// Packets that wait for the depayloader at most: two seconds of 4K video.
    private static let packetLimit = 4096

    /// Makes the elements. `receive` gets caps and frames on the streaming thread and must not wait.
    init(_ track: TrackDescription, receive: @escaping @Sendable (AppSinkItem) -> Bool) throws {
        guard let format = FrameFormat(track.codec) else {
            throw GStreamerError(
                .missingElement, "\(track.codec.encodingName) cannot be recorded: GStreamer 1.22 has no depayloader for it")
        }
        source = try AppSource(caps: Caps(RTPCaps.text(track)), limit: Self.packetLimit, bufferSize: 2048)
        let middle = try format.elements.map { try Element($0) }
        for parser in middle where parser.factoryName.hasSuffix("parse") && format.repeatsParameterSets {
            // Parameter sets before every keyframe: a change of resolution stays decodable, and so does every cluster by itself.
            try parser.set("config-interval", "-1")
        }
        let sink = try AppSink(caps: format.caps.map { try Caps($0) }, receive: receive)
        elements = [source.element] + middle + [sink.element]
    }

    /// Adds the chain to a pipeline and links it.
    func join(_ pipeline: Pipeline) throws(GStreamerError) {
        try pipeline.add(elements)
        try Element.chain(elements)
    }
}

/// The elements that turn a codec's packets into frames as Matroska stores them (RFC 9559 codec mappings).
private struct FrameFormat {
    var elements: [String]
    var caps: String?
    var repeatsParameterSets = false

    init?(_ codec: Codec) {
        switch codec {
        case .vp8: (elements, caps) = (["rtpvp8depay"], nil)
        case .vp9: (elements, caps) = (["rtpvp9depay", "vp9parse"], "video/x-vp9,alignment=super-frame")
        case .h264:
            (elements, caps) = (["rtph264depay", "h264parse"], "video/x-h264,stream-format=avc,alignment=au")
            repeatsParameterSets = true
        case .h265:
            (elements, caps) = (["rtph265depay", "h265parse"], "video/x-h265,stream-format=hvc1,alignment=au")
            repeatsParameterSets = true
        case .opus: (elements, caps) = (["rtpopusdepay"], nil)
        case .pcmu: (elements, caps) = (["rtppcmudepay"], nil)
        case .pcma: (elements, caps) = (["rtppcmadepay"], nil)
        case .av1: return nil
        }
    }
}

/// A track as `application/x-rtp` caps.
enum RTPCaps {
    /// `fmtp` parameters that a depayloader reads: parameter sets that come only in the SDP.
    private static let parameters: Set<String> = ["sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps"]

    static func text(_ track: TrackDescription) -> String {
        var text = "application/x-rtp,media=\(track.kind.rawValue),encoding-name=\(track.codec.encodingName)"
        text += ",payload=\(track.payloadType),clock-rate=\(track.codec.clockRate)"
        if let channels = track.channels { text += ",encoding-params=(string)\(channels)" }
        for (name, value) in formatParameters(track.formatParameters) { text += ",\(name)=(string)\(Caps.quoted(value))" }
        return text
    }

    /// The known parameters whose value is base64 and commas; the text came from a peer.
    private static func formatParameters(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: ";").compactMap { parameter in
            let trimmed = parameter.drop { $0 == " " }
            guard let equals = trimmed.firstIndex(of: "=") else { return nil }
            let name = trimmed[..<equals].lowercased()
            let value = trimmed[trimmed.index(after: equals)...]
            guard parameters.contains(name), !value.isEmpty, value.utf8.allSatisfy(isBase64) else { return nil }
            return (name, String(value))
        }
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: ","):
            true
        default: false
        }
    }
}

extension RecordingAssembler.Format {
    /// From the caps of the frames, as GStreamer prints them.
    init(caps: String) {
        width = Self.field("width", in: caps).flatMap { Int($0) } ?? 0
        height = Self.field("height", in: caps).flatMap { Int($0) } ?? 0
        codecPrivate = Self.field("codec_data", in: caps).map(Self.bytes) ?? []
    }

    /// The value of `, name=(type)value`.
    private static func field(_ name: String, in caps: String) -> Substring? {
        for part in caps.split(separator: ",") {
            let field = part.drop { $0 == " " }
            guard field.hasPrefix(name + "=("), let end = field.firstIndex(of: ")") else { continue }
            return field[field.index(after: end)...].prefix { $0 != ";" && $0 != " " }
        }
        return nil
    }

    private static func bytes(_ hexadecimal: Substring) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
