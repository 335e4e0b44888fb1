import BridgeModel

/// The simulcast layers that a section offers to send, by rid (RFC 8851, RFC 8853).
struct OfferedLayers {
    /// In the offer's order, at most `limit`. Fewer than two are no simulcast, and none are given.
    let list: [SimulcastLayer]
    /// In the form of the drafts of RFC 8853.
    let isDraft: Bool

    /// Alternatives and layers in one attribute that are read.
    private static let readLimit = 32

    /// Takes the layers that may use payload type `format`.
    init(_ attributes: AttributeIndex, format: UInt8, limit: Int) {
        var rids: [Substring: SimulcastLayer] = [:]
        let lines = attributes.all("rid").prefix(Self.readLimit)
        for line in lines {
            guard let rid = SentRID(Substring(line)), rids[rid.id] == nil, rid.formats.isEmpty || rid.formats.contains(format) else {
                continue
            }
            rids[rid.id] = rid.layer
        }
        var layers: [SimulcastLayer] = []
        let value = attributes.first("simulcast") ?? ""
        isDraft = value.contains("rid=")
        for (id, isPaused) in Self.sent(value) where layers.count < limit {
            guard var layer = rids.removeValue(forKey: id) else { continue }
            layer.isPaused = isPaused
            layers.append(layer)
        }
        list = layers.count >= 2 ? layers : []
    }

    /// The rids behind `send`, of alternatives the first, `~` marking those that are paused. Drafts of RFC 8853 wrote `rid=` before the list.
    private static func sent(_ value: String) -> [(Substring, Bool)] {
        let words = SDPText.words(value)
        guard let index = words.firstIndex(of: "send"), index + 1 < words.count else { return [] }
        let list = words[index + 1].hasPrefix("rid=") ? words[index + 1].dropFirst(4) : words[index + 1]
        return SDPText.split(list, at: UInt8(ascii: ";")).prefix(readLimit).compactMap { alternatives in
            guard let first = SDPText.split(alternatives, at: UInt8(ascii: ",")).first else { return nil }
            return first.hasPrefix("~") ? (first.dropFirst(), true) : (first, false)
        }
    }
}

/// `a=rid:<id> send [pt=<list>;][<restriction>=<value>;...]`.
private struct SentRID {
    let id: Substring
    let layer: SimulcastLayer
    /// Empty: any.
    let formats: Set<UInt8>

    /// What one-byte header extensions can carry (RFC 8852 section 3.3, RFC 8285 section 4.2).
    private static let longest = 16

    init?(_ value: Substring) {
        let words = SDPText.split(value, at: UInt8(ascii: " "), maxSplits: 2)
        guard words.count >= 2, words[1] == "send", Self.isID(words[0]) else { return nil }
        id = words[0]
        var layer = SimulcastLayer(rid: String(id))
        var formats: Set<UInt8> = []
        let restrictions = FormatParameters(words.count == 3 ? words[2] : "")
        for type in SDPText.split(restrictions["pt"] ?? "", at: UInt8(ascii: ",")).prefix(128) {
            guard let type = SDPText.decimal(type, as: UInt8.self) else { return nil }
            formats.insert(type)
        }
        self.formats = formats
        if let width: UInt32 = Self.number("max-width", restrictions), let height: UInt32 = Self.number("max-height", restrictions) {
            layer.largest = PictureSize(width: width, height: height)
        }
        layer.maximumBitrate = Self.number("max-br", restrictions)
        self.layer = layer
    }

    private static func number<Number: FixedWidthInteger>(_ name: String, _ parameters: FormatParameters) -> Number? {
        parameters[name].flatMap { SDPText.decimal($0) }
    }

    /// RFC 8851 section 10: letters, digits, `-` and `_`.
    private static func isID(_ text: Substring) -> Bool {
        (1...longest).contains(text.utf8.count)
            && text.utf8.allSatisfy { SDPText.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }
}
