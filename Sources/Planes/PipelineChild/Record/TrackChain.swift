internal import BridgeModel
internal import GStreamerKit

/// An H.265 track's way from RTP packets to frames: appsrc, depayloader, parser, appsink. Built from the plan before data flows; no transcoding.
struct TrackChain {
    /// Where packets go in.
    let source: AppSource
    private let elements: [Element]

    /// Packets that wait for the depayloader at most: two seconds of 4K video.
    private static let packetLimit = 4096

    /// Makes the elements. `receive` gets caps and frames on the streaming thread and must not wait.
    init(_ track: TrackDescription, receive: @escaping @Sendable (AppSinkItem) -> Bool) throws {
        source = try AppSource(caps: Caps(RTPCaps.text(track)), limit: Self.packetLimit, bufferSize: 2048)
        let parser = try Element("h265parse")
        // Parameter sets before every keyframe: a change of resolution stays decodable, and so does every cluster by itself.
        try parser.set("config-interval", "-1")
        let sink = try AppSink(caps: Caps("video/x-h265,stream-format=hvc1,alignment=au"), receive: receive)
        elements = [source.element, try Element("rtph265depay"), parser, sink.element]
    }

    /// Adds the chain to a pipeline and links it.
    func join(_ pipeline: Pipeline) throws(GStreamerError) {
        try pipeline.add(elements)
        try Element.chain(elements)
    }
}

/// A track as `application/x-rtp` caps.
enum RTPCaps {
    static func text(_ track: TrackDescription) -> String {
        var text = "application/x-rtp,media=\(track.kind.rawValue),encoding-name=\(track.codec.encodingName)"
        text += ",payload=\(track.payloadType),clock-rate=\(track.clockRate)"
        for (name, value) in ParameterSetTexts.values(of: track.formatParameters).sorted(by: { $0.key < $1.key }) {
            text += ",\(name)=(string)\(Caps.quoted(value))"
        }
        return text
    }
}

/// The parameters of an `a=fmtp` line that a depacketizer or a decoder reads: parameter sets and configurations that come only in the SDP.
enum ParameterSetTexts {
    private static let names: Set<String> = ["sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps", "config"]

    /// Those whose value is base64 or hexadecimal and commas; the text came from a peer.
    static func values(of text: String) -> [String: String] {
        var values: [String: String] = [:]
        for parameter in text.split(separator: ";") {
            let trimmed = parameter.drop { $0 == " " }
            guard let equals = trimmed.firstIndex(of: "=") else { continue }
            let name = trimmed[..<equals].lowercased()
            let value = trimmed[trimmed.index(after: equals)...]
            guard names.contains(name), !value.isEmpty, value.utf8.allSatisfy(isBase64) else { continue }
            values[name] = String(value)
        }
        return values
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

extension TrackDescription {
    /// `config` of AAC: an AudioSpecificConfig (RFC 3640 section 4.1).
    var audioConfiguration: [UInt8]? {
        ParameterSetTexts.values(of: formatParameters)["config"].flatMap { AudioSpecificConfig.bytes(hexadecimal: $0) }
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
