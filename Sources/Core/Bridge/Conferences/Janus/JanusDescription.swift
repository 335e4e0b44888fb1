/// A description of a Janus server, and the candidates that follow it: servers with `full_trickle` send them one by one.
struct JanusDescription: Sendable, Equatable {
    /// Candidates that are kept of those that come after the description.
    private static let most = 64
    private static let end = "a=end-of-candidates"

    /// Nil before it has come.
    var sdp: String?
    private var candidates: [String] = []

    init(_ sdp: String? = nil) { self.sdp = sdp }

    /// Takes one of them; nil when there are no more.
    mutating func add(_ candidate: String?) {
        guard candidates.count < Self.most else { return }
        candidates.append(candidate.map { "a=" + $0 } ?? Self.end)
    }

    /// The description once it has its candidates. They stand at the end of every section: all share one transport, and any may be refused.
    var complete: String? {
        guard let lines = sdp?.split(whereSeparator: \.isNewline) else { return nil }
        guard candidates.last == Self.end || lines.contains(where: { $0.hasPrefix("a=candidate:") }) else { return nil }
        var result: [String] = []
        var isInSection = false
        for line in lines {
            if line.hasPrefix("m=") {
                if isInSection { result += candidates }
                isInSection = true
            }
            result.append(String(line))
        }
        return (result + candidates).map { $0 + "\r\n" }.joined()
    }
}
