extension AddressRules {
    /// The description without candidates at addresses that the bridge must not send to: connectivity checks go wherever an answer says. `host` is
    /// that of the conference, in lower case; its exemption holds for what it names.
    package func keepingAllowedCandidates(of sdp: String, host: String) -> String {
        let lines = sdp.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline).filter { line in
            guard line.hasPrefix("a=candidate:") else { return true }
            // foundation, component, transport, priority, address (RFC 8839 section 5.1)
            let words = line.split(separator: " ")
            guard words.count > 4, let address = IPAddress(parsing: String(words[4])) else { return false }
            return refusal(of: address, host: host) == nil
        }
        return lines.map { $0 + "\r\n" }.joined()
    }
}
