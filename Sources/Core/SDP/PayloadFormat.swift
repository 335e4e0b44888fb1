package import BridgeModel

/// One payload type of a media section, put together from `a=rtpmap`, `a=fmtp` and `a=rtcp-fb`.
package struct PayloadFormat: Sendable, Equatable {
    /// 0...63 or 96...127; the types between collide with RTCP when it is multiplexed (RFC 5761 section 4).
    package var payloadType: UInt8
    /// As it came; names are compared without regard to case.
    package var encodingName: String
    /// Hz.
    package var clockRate: UInt32
    /// Audio channels, 1 when the map does not say.
    package var channels: UInt8
    /// What `a=fmtp` says about it.
    package var parameters: FormatParameters
    /// `nack`, `nack pli`, `ccm fir`, ...; those of `a=rtcp-fb:*` included.
    package var feedback: [String]

    /// The codec that the bridge carries under this name and clock; nil for RTX, FEC, comfort noise and the unknown.
    package var codec: Codec? {
        guard let codec = Self.codecs[encodingName.uppercased()] else { return nil }
        guard codec != .aac else { return isPlainAAC ? codec : nil }
        return codec.clockRate == clockRate && (codec != .opus || channels == 2) ? codec : nil
    }

    /// RFC 3640 section 3.3.6 (AAC-hbr) as cameras send it: frames in their order, with nothing between their sizes, and described by `config`.
    private var isPlainAAC: Bool {
        guard AudioSpecificConfig.rates.contains(clockRate), parameters["mode"]?.lowercased() == "aac-hbr" else { return false }
        guard let config = parameters["config"], AudioSpecificConfig(hexadecimal: config) != nil else { return false }
        let sizes = [("sizelength", "13"), ("indexlength", "3"), ("indexdeltalength", "3")]
        guard sizes.allSatisfy({ name, size in parameters[name] == size }) else { return false }
        let others = [
            "ctsdeltalength", "dtsdeltalength", "randomaccessindication", "streamstateindication", "auxiliarydatasizelength",
            "maxdisplacement",
        ]
        return others.allSatisfy { parameters[$0].map { $0 == "0" } ?? true }
    }

    /// The payload type that this format retransmits (RFC 4588 section 8.1); nil when it is no RTX format.
    package var retransmittedType: UInt8? {
        guard encodingName.lowercased() == "rtx", let apt = parameters["apt"] else { return nil }
        return SDPText.decimal(apt)
    }

    /// Text of `a=rtpmap` without the payload type.
    var map: String {
        channels > 1 ? "\(encodingName)/\(clockRate)/\(channels)" : "\(encodingName)/\(clockRate)"
    }

    /// By their names in capitals.
    private static let codecs = Dictionary(uniqueKeysWithValues: Codec.allCases.map { ($0.encodingName, $0) })
}

/// The parameters of one `a=fmtp` in their order. Only those of plain form are kept: a name and a value of visible characters without `;`.
package struct FormatParameters: Sendable, Equatable {
    /// One `name=value`; the value is empty where none was given (`a=fmtp:101 0-15`).
    package struct Parameter: Sendable, Equatable {
        /// In the case in which it came.
        package var name: String
        /// Empty where none was given.
        package var value: String
    }

    /// In their order.
    package private(set) var list: [Parameter]

    package init(_ text: some StringProtocol) {
        list = SDPText.split(text, at: UInt8(ascii: ";")).compactMap { part in
            let pair = SDPText.split(SDPText.trimmed(part), at: UInt8(ascii: "="), maxSplits: 1, keepingEmpty: true)
            guard let name = pair.first, SDPText.isVisible(name) else { return nil }
            let value = pair.count == 2 ? pair[1] : ""
            guard value.isEmpty || SDPText.isVisible(value) else { return nil }
            return Parameter(name: String(name), value: String(value))
        }
    }

    init(_ list: [Parameter]) { self.list = list }

    /// The value of the first parameter of this name, in any case.
    package subscript(_ name: String) -> String? {
        list.first { $0.name == name || $0.name.lowercased() == name }?.value
    }

    /// Gives the first parameter of this name, in any case, a value; appends it where there is none.
    mutating func set(_ name: String, to value: String) {
        if let index = list.firstIndex(where: { $0.name.lowercased() == name }) {
            list[index].value = value
        } else {
            list.append(Parameter(name: name, value: value))
        }
    }

    /// The text of `a=fmtp` without the payload type; empty when there are none.
    package var text: String {
        list.map { $0.value.isEmpty ? $0.name : "\($0.name)=\($0.value)" }.joined(separator: ";")
    }
}

extension MediaSection {
    /// The formats of an RTP section in the order of its `m=` line. Types without a legal `a=rtpmap` are left out, except the static PCMU
    /// and PCMA (RFC 3551 section 6).
    package var payloadFormats: [PayloadFormat] {
        var table = PayloadFormatTable()
        for attribute in attributes { table.take(attribute) }
        var seen: Set<UInt8> = []
        return formats.compactMap { text in
            guard let type = SDPText.decimal(text, as: UInt8.self), Self.isUsable(type), seen.insert(type).inserted else { return nil }
            return table.format(type)
        }
    }

    private static func isUsable(_ type: UInt8) -> Bool {
        type < 64 || (96...127).contains(type)
    }
}

/// Collects the attributes of a section by payload type in one pass, so that hostile sections cost no more than their length.
private struct PayloadFormatTable {
    private struct Map {
        var name: String
        var clockRate: UInt32
        var channels: UInt8
    }

    private static let staticMaps: [UInt8: Map] = [
        0: Map(name: "PCMU", clockRate: 8000, channels: 1), 8: Map(name: "PCMA", clockRate: 8000, channels: 1),
    ]

    private var maps: [UInt8: Map] = staticMaps
    private var parameters: [UInt8: FormatParameters] = [:]
    private var feedback: [UInt8: [String]] = [:]
    private var commonFeedback: [String] = []

    func format(_ type: UInt8) -> PayloadFormat? {
        guard let map = maps[type] else { return nil }
        var all: [String] = []
        for item in (feedback[type] ?? []) + commonFeedback where !all.contains(item) { all.append(item) }
        return PayloadFormat(
            payloadType: type, encodingName: map.name, clockRate: map.clockRate, channels: map.channels,
            parameters: parameters[type] ?? FormatParameters(""), feedback: all)
    }

    mutating func take(_ attribute: SDPAttribute) {
        switch attribute.name {
        case "rtpmap", "fmtp", "rtcp-fb": break
        default: return
        }
        guard let value = attribute.value else { return }
        let parts = SDPText.split(value, at: UInt8(ascii: " "), maxSplits: 1)
        guard parts.count == 2 else { return }
        let text = SDPText.trimmed(parts[1])
        if attribute.name == "rtcp-fb", parts[0] == "*" {
            add(text, to: &commonFeedback)
            return
        }
        guard let type = SDPText.decimal(parts[0], as: UInt8.self), type < 128 else { return }
        switch attribute.name {
        case "rtpmap": maps[type] = Self.map(text) ?? maps[type]
        case "fmtp": parameters[type] = parameters[type] ?? FormatParameters(text)
        default: add(text, to: &feedback[type, default: []])
        }
    }

    /// No section names more kinds of feedback than this in earnest; what is beyond is dropped.
    private static let feedbackLimit = 16

    private func add(_ text: Substring, to list: inout [String]) {
        guard list.count < Self.feedbackLimit, !list.contains(String(text)) else { return }
        list.append(String(text))
    }

    /// `<encoding name>/<clock rate>[/<channels>]`.
    private static func map(_ text: Substring) -> Map? {
        let parts = SDPText.split(text, at: UInt8(ascii: "/"), keepingEmpty: true)
        guard (2...3).contains(parts.count), SDPText.isToken(parts[0]) else { return nil }
        guard let rate = SDPText.decimal(parts[1], as: UInt32.self), rate > 0 else { return nil }
        guard parts.count == 3 else { return Map(name: String(parts[0]), clockRate: rate, channels: 1) }
        guard let channels = SDPText.decimal(parts[2], as: UInt8.self), channels > 0 else { return nil }
        return Map(name: String(parts[0]), clockRate: rate, channels: channels)
    }
}
