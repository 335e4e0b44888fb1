import BridgeModel

extension TrickleFragment {
    /// Reads a fragment; lines end with CRLF or LF. Attributes without meaning here are checked for form and passed over, as RFC 8840 section
    /// 9.2 has it. Throws for what breaks the grammar or a limit, and for a fragment that says nothing; never traps.
    package static func parse(_ text: String) throws(SDPError) -> TrickleFragment {
        var parser = TrickleFragmentParser()
        return try parser.parse(text)
    }

    /// Writes the fragment with CRLF line ends; `parse(print())` gives it back.
    package func print() -> String {
        var lines = isLite ? ["a=ice-lite"] : []
        if let credentials {
            lines += ["a=ice-ufrag:\(credentials.ufrag)", "a=ice-pwd:\(credentials.password.revealed)"]
        }
        if isEnd { lines.append("a=end-of-candidates") }
        for section in sections { lines += section.lines }
        return lines.map { $0 + "\r\n" }.joined()
    }
}

extension TrickleFragment.Section {
    /// The `m=` line is a placeholder: RFC 8840 section 4.4 gives its port, transport and formats no meaning.
    fileprivate var lines: [String] {
        ["m=\(media) 9 UDP/TLS/RTP/SAVPF 0"] + (mid.map { ["a=mid:\($0)"] } ?? []) + candidates.map { "a=\($0)" }
            + (isEnd ? ["a=end-of-candidates"] : [])
    }
}

/// Reads a fragment line by line. It holds what was read so far; one parser reads one text.
private struct TrickleFragmentParser {
    private var fragment = TrickleFragment(credentials: nil)
    private var ufrag: String?
    private var password: String?
    private var candidateCount = 0

    mutating func parse(_ text: String) throws(SDPError) -> TrickleFragment {
        guard text.utf8.count <= TrickleFragment.Limits.bytes else { throw .tooLarge }
        var number = 0
        for line in Self.lines(of: text) {
            number += 1
            guard line.utf8.count <= SessionDescription.Limits.lineBytes else { throw .lineTooLong(line: number) }
            try take(line, number: number)
        }
        fragment.credentials = try credentials()
        guard fragment.credentials != nil || !fragment.candidates.isEmpty else { throw .emptyFragment }
        return fragment
    }

    /// Lines without LF or CRLF; blank ones at the end do not count.
    private static func lines(of text: String) -> [Substring] {
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            Substring(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Only `a=` and `m=` lines make up a fragment (RFC 8840 section 9.2).
    private mutating func take(_ line: Substring, number: Int) throws(SDPError) {
        guard line.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { throw .malformedLine(number) }
        let value = line.dropFirst(2)
        if line.hasPrefix("m=") {
            guard takeSection(value) else { throw try sectionFault(number) }
        } else {
            guard line.hasPrefix("a="), let name = value.split(separator: ":", maxSplits: 1).first, SDPText.isToken(name),
                value.first != ":"
            else { throw .malformedLine(number) }
            try takeAttribute(String(name), SDPText.trimmed(value.dropFirst(name.count + 1)), line: value, number: number)
        }
    }

    private func sectionFault(_ number: Int) throws(SDPError) -> SDPError {
        fragment.sections.count < SessionDescription.Limits.sections ? .malformedLine(number) : .tooManySections
    }

    /// `m=<media> <port> <proto> <fmt> ...`
    private mutating func takeSection(_ value: Substring) -> Bool {
        let words = SDPText.words(value)
        guard fragment.sections.count < SessionDescription.Limits.sections, words.count >= 4, SDPText.isToken(words[0]),
            SDPText.decimal(words[1], as: UInt16.self) != nil
        else { return false }
        fragment.sections.append(TrickleFragment.Section(media: String(words[0]), mid: nil))
        return true
    }

    private mutating func takeAttribute(_ name: String, _ value: Substring, line: Substring, number: Int) throws(SDPError) {
        switch name {
        case "ice-ufrag": ufrag = try agreed(ufrag, value, length: 4...256)
        case "ice-pwd": password = try agreed(password, value, length: 22...256)
        case "ice-lite": fragment.isLite = true
        case "mid": try takeMid(value, number: number)
        case "candidate": try takeCandidate(line)
        case "end-of-candidates": takeEnd()
        default: break
        }
    }

    /// Bundled sections share one transport: each mention must be the same.
    private func agreed(_ earlier: String?, _ value: Substring, length: ClosedRange<Int>) throws(SDPError) -> String {
        guard SDPText.isICEText(value, length: length), earlier ?? String(value) == value else { throw .invalidICECredentials }
        return String(value)
    }

    /// Some clients leave the `m=` line out and begin a section with its mid.
    private mutating func takeMid(_ value: Substring, number: Int) throws(SDPError) {
        guard SDPText.isToken(value), value.utf8.count <= 64 else { throw .malformedLine(number) }
        if fragment.sections.last.map({ $0.mid != nil }) ?? true {
            guard fragment.sections.count < SessionDescription.Limits.sections else { throw .tooManySections }
            fragment.sections.append(TrickleFragment.Section(mid: nil))
        }
        let last = fragment.sections.count - 1
        guard !fragment.sections.contains(where: { $0.mid.map { $0 == value } ?? false }) else { throw .duplicateMid(section: last) }
        fragment.sections[last].mid = String(value)
    }

    private mutating func takeCandidate(_ line: Substring) throws(SDPError) {
        let text = String(line)
        _ = try CandidateGate.parse(line: text)
        candidateCount += 1
        guard candidateCount <= TrickleFragment.Limits.candidates else { throw .tooLarge }
        if fragment.sections.isEmpty { fragment.sections.append(TrickleFragment.Section(mid: nil)) }
        fragment.sections[fragment.sections.count - 1].candidates.append(text)
    }

    private mutating func takeEnd() {
        guard !fragment.sections.isEmpty else {
            fragment.isEnd = true
            return
        }
        fragment.sections[fragment.sections.count - 1].isEnd = true
    }

    private func credentials() throws(SDPError) -> IceParameters? {
        switch (ufrag, password) {
        case (nil, nil): return nil
        case (let ufrag?, let password?): return IceParameters(ufrag: ufrag, password: Redacted(password))
        case (_?, nil), (nil, _?): throw .missingICECredentials
        }
    }
}

extension IceParameters {
    /// Those of the transport that an offer's bundled sections share. Throws what is wrong with the description.
    package init(offer: SessionDescription) throws(SDPError) {
        let transport = try CheckedOffer(offer).transport
        self.init(ufrag: transport.ufrag, password: Redacted(transport.password))
    }

    /// Those of the transport that an answer's sections share. Throws what is wrong with the description.
    package init(answer: String) throws(SDPError) {
        let remote = try PeerDescription(answer).remote
        self.init(ufrag: remote.ufrag, password: remote.password)
    }
}
