import BridgeModel

/// The sources that a section announces by SSRC (RFC 5576).
struct OfferedSources {
    /// The encodings of the section's first track: one, or one a layer, the lowest first.
    let encodings: [MediaSource]
    /// Names of the first track, from `a=msid` or from its SSRC lines as Plan B had them.
    let identity: StreamIdentity?

    init(_ attributes: AttributeIndex) {
        var reader = Reader()
        for value in attributes.all("ssrc-group") { reader.takeGroup(value) }
        for value in attributes.all("ssrc") { reader.takeSource(value) }
        encodings = reader.encodings
        let own = attributes.all("msid").lazy.compactMap { StreamIdentity($0) }.first
        identity = own ?? encodings.first.flatMap { reader.identities[$0.ssrc] }
    }

    /// Collects lines.
    private struct Reader {
        /// A section of a browser has two sources, six with simulcast, a few tracks more in Plan B; what is beyond this is not read.
        private static let limit = 64
        /// Characters of a name that are kept.
        private static let longestName = 255

        /// In order of first mention.
        private var order: [UInt32] = []
        private var known: Set<UInt32> = []
        private var names: [UInt32: String] = [:]
        private var retransmissions: [UInt32: UInt32] = [:]
        private var repairs: [UInt32: UInt32] = [:]
        private var layers: [UInt32] = []
        private(set) var identities: [UInt32: StreamIdentity] = [:]

        /// The layers of the first `SIM` group, or the first source that protects no other one. Further tracks of a Plan B section are left out.
        var encodings: [MediaSource] {
            let secondary = Set(retransmissions.values).union(repairs.values)
            let sources = layers.isEmpty ? Array(order.filter { !secondary.contains($0) }.prefix(1)) : layers
            return sources.map { MediaSource(ssrc: $0, rtx: retransmissions[$0], fec: repairs[$0], cname: names[$0]) }
        }

        mutating func takeGroup(_ value: String) {
            let words = SDPText.words(value)
            let members = words.dropFirst().prefix(Self.limit).compactMap { SDPText.decimal($0, as: UInt32.self) }
            guard let kind = words.first, members.count == words.count - 1, Set(members).count == members.count else { return }
            // Source 0 is webrtcbin's way to say that it does not know the source yet.
            guard members.count >= 2, !members.contains(0) else { return }
            switch kind {
            case "FID" where members.count == 2: Self.pair(members, in: &retransmissions)
            case "FEC-FR" where members.count == 2: Self.pair(members, in: &repairs)
            case "SIM" where layers.isEmpty && members.count <= 8: layers = members
            default: break
            }
        }

        private static func pair(_ members: [UInt32], in pairs: inout [UInt32: UInt32]) {
            if pairs.count < limit, pairs[members[0]] == nil { pairs[members[0]] = members[1] }
        }

        mutating func takeSource(_ value: String) {
            let parts = SDPText.split(value, at: UInt8(ascii: " "), maxSplits: 1)
            guard let id = parts.first, let source = SDPText.decimal(id, as: UInt32.self), source != 0 else { return }
            if !known.contains(source) {
                guard order.count < Self.limit else { return }
                known.insert(source)
                order.append(source)
            }
            guard parts.count == 2 else { return }
            let attribute = SDPText.split(parts[1], at: UInt8(ascii: ":"), maxSplits: 1)
            guard attribute.count == 2, attribute[1].utf8.count <= Self.longestName else { return }
            switch attribute[0] {
            case "cname" where SDPText.isVisible(attribute[1]): names[source] = names[source] ?? String(attribute[1])
            case "msid": identities[source] = identities[source] ?? StreamIdentity(String(attribute[1]))
            default: break
            }
        }
    }
}

extension StreamIdentity {
    /// Reads `<stream> [<track>]` (RFC 8830 section 2); nil when it is malformed. Names have at most 64 characters.
    init?(_ value: String) {
        let words = SDPText.words(value)
        guard (1...2).contains(words.count), words.allSatisfy({ SDPText.isToken($0) && $0.utf8.count <= 64 }) else { return nil }
        self.init(stream: String(words[0]), track: words.count == 2 ? String(words[1]) : nil)
    }

    /// The text of `a=msid`.
    var text: String { track.map { "\(stream) \($0)" } ?? stream }
}
