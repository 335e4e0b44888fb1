import BridgeModel

/// The header extensions of one section that can be agreed on (RFC 8285 section 5 to 7).
struct OfferedExtensions {
    /// In the offer's order; each id and each kind once.
    private(set) var list: [NegotiatedExtension] = []

    /// Lines of one section that are read: one-byte headers have 14 ids, two-byte headers 255.
    private static let limit = 255

    /// Takes those of the wanted kinds that may go our way. `direction` is ours; ids above 14 need `mixesHeaders`.
    init(_ section: PeerSection, wanted: Set<HeaderExtensionKind>, direction: MediaDirection, mixesHeaders: Bool) {
        let highest: UInt8 = mixesHeaders ? 255 : 14
        for value in section.attributes.all("extmap").prefix(Self.limit) {
            guard let item = NegotiatedExtension(offered: value), wanted.contains(item.kind) else { continue }
            // 15 means the end of one-byte headers (RFC 8285 section 4.2).
            guard item.id <= highest, item.id != 15, item.allows(direction) else { continue }
            if !list.contains(where: { $0.id == item.id || $0.kind == item.kind }) { list.append(item) }
        }
    }
}

extension NegotiatedExtension {
    /// Reads `<id>[/<direction>] <URI> [attributes]`; nil when it is malformed or of no known kind.
    init?(offered value: String) {
        let words = SDPText.words(value)
        guard words.count >= 2, let kind = HeaderExtensionKind(uri: words[1]) else { return nil }
        let parts = SDPText.split(words[0], at: UInt8(ascii: "/"), keepingEmpty: true)
        guard parts.count <= 2, let number = parts.first, let id = SDPText.decimal(number, as: UInt8.self), id > 0 else { return nil }
        self.init(id: id, kind: kind)
        if parts.count == 2 {
            guard let direction = MediaDirection(rawValue: String(parts[1])) else { return nil }
            offeredDirection = direction
        }
    }

    /// Whether the direction that stands in the offer lets it go our way.
    func allows(_ ours: MediaDirection) -> Bool {
        guard let offeredDirection else { return true }
        return ours.receives && offeredDirection.sends || ours.sends && offeredDirection.receives
    }

    /// The line of an answer: a direction only where the offer had one, turned round (RFC 8285 section 7).
    var attribute: SDPAttribute {
        let direction = offeredDirection.map { "/\($0.reversed.rawValue)" } ?? ""
        return SDPAttribute("extmap", "\(id)\(direction) \(kind.uri)")
    }
}

extension MediaDirection {
    /// As the other side sees it.
    package var reversed: MediaDirection {
        switch self {
        case .sendonly: .recvonly
        case .recvonly: .sendonly
        case .sendrecv, .inactive: self
        }
    }
}
