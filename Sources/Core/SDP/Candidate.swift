package import BridgeModel

/// An ICE candidate that we can use: UDP, component 1, a literal address (RFC 8839 section 5.1).
package struct Candidate: Sendable, Hashable {
    /// Groups candidates of one base; 1 to 32 ICE characters.
    package var foundation: String
    /// Higher is tried first (RFC 8445 section 5.1.2).
    package var priority: UInt32
    /// IPv4 in dotted or IPv6 in colon form, without a zone.
    package var address: String
    /// UDP, never 0.
    package var port: UInt16
    /// How the candidate was found.
    package var type: Kind
    /// `raddr` and `rport`.
    package var related: Related?

    /// `typ`.
    package enum Kind: String, Sendable {
        case host, srflx, prflx, relay
    }

    /// The base or mapped address of a reflexive or relayed candidate.
    package struct Related: Sendable, Hashable {
        /// A literal address.
        package var address: String
        /// 0 where it is hidden.
        package var port: UInt16
    }

    /// `candidate:...`, as in `RTCIceCandidateInit.candidate` and behind `a=`.
    package func print() -> String {
        let base = "candidate:\(foundation) 1 udp \(priority) \(address) \(port) typ \(type.rawValue)"
        guard let related else { return base }
        return "\(base) raddr \(related.address) rport \(related.port)"
    }
}

/// The only way in for candidates of peers.
package enum CandidateGate {
    /// Longest line that is read; a line with two IPv6 addresses and every known extension has 300 bytes.
    private static let longest = 1024

    /// Reads a trickled candidate. nil means: well-formed, but of no use here, so ignore it (TCP, `.local` and other host names, RTCP's own
    /// component, an unusable port, and the end-of-candidates mark). Throws `invalidCandidate` for text that is no candidate.
    package static func parse(_ candidate: IceCandidate) throws(SDPError) -> Candidate? {
        guard !candidate.isEnd else { return nil }
        return try parse(line: candidate.candidate)
    }

    /// Reads `candidate:...`, with or without `a=` before it.
    static func parse(line: String) throws(SDPError) -> Candidate? {
        guard line.utf8.count <= longest, line.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { throw .invalidCandidate }
        let text = line.hasPrefix("a=") ? line.dropFirst(2) : line[...]
        guard text.hasPrefix("candidate:") else { throw .invalidCandidate }
        let words = SDPText.words(text.dropFirst("candidate:".count))
        guard words.count >= 8, words.count.isMultiple(of: 2), words[6] == "typ", isFoundation(words[0]) else { throw .invalidCandidate }
        guard let component = SDPText.decimal(words[1], as: UInt16.self), (1...256).contains(component),
            let priority = SDPText.decimal(words[3], as: UInt32.self), let port = SDPText.decimal(words[5], as: UInt16.self),
            SDPText.isToken(words[2]), SDPText.isToken(words[7]), isHost(words[4])
        else { throw .invalidCandidate }
        let related = try related(words.dropFirst(8))
        guard component == 1, words[2].lowercased() == "udp", port > 0, IPAddressText.isAddress(words[4]) else { return nil }
        guard let kind = Candidate.Kind(rawValue: String(words[7])) else { return nil }
        return Candidate(
            foundation: String(words[0]), priority: priority, address: String(words[4]), port: port, type: kind,
            related: kind == .host ? nil : related)
    }

    private static func isFoundation(_ word: Substring) -> Bool {
        SDPText.isICEText(word, length: 1...32)
    }

    /// A literal address or what could be a host name.
    private static func isHost(_ word: Substring) -> Bool {
        IPAddressText.isAddress(word)
            || word.utf8.count <= 253
                && word.utf8.allSatisfy { SDPText.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    /// `raddr` and `rport` among the pairs after the type; every other extension is passed over.
    private static func related(_ words: ArraySlice<Substring>) throws(SDPError) -> Candidate.Related? {
        var address: Substring?
        var port: UInt16?
        for index in stride(from: words.startIndex, to: words.endIndex, by: 2) {
            switch words[index] {
            case "raddr": address = words[index + 1]
            case "rport":
                port = SDPText.decimal(words[index + 1])
                guard port != nil else { throw .invalidCandidate }
            default: break
            }
        }
        guard let address, let port else { return nil }
        guard isHost(address) else { throw .invalidCandidate }
        return IPAddressText.isAddress(address) ? Candidate.Related(address: String(address), port: port) : nil
    }
}

extension MediaSection {
    /// The usable candidates of this section in their order, at most `limit`. A malformed line costs only itself: the peer can still be
    /// found by its own checks.
    func candidates(limit: Int) -> [Candidate] {
        var result: [Candidate] = []
        var seen: Set<Candidate> = []
        for attribute in attributes where attribute.name == "candidate" {
            guard let candidate = try? CandidateGate.parse(line: "candidate:" + (attribute.value ?? "")) else { continue }
            if result.count < limit, seen.insert(candidate).inserted { result.append(candidate) }
        }
        return result
    }
}
