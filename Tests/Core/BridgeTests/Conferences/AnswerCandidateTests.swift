import Bridge
import Testing

@Suite struct AnswerCandidateTests {
    private func candidate(_ address: String) -> String { "a=candidate:1 1 UDP 2130706431 \(address) 3478 typ host" }

    private func kept(_ addresses: [String], _ rules: AddressRules, host: String = "meet.example") -> [String] {
        let lines = ["v=0", "m=video 9 UDP/TLS/RTP/SAVPF 96"] + addresses.map(candidate) + ["a=mid:0"]
        let sdp = rules.keepingAllowedCandidates(of: lines.map { $0 + "\r\n" }.joined(), host: host)
        #expect(sdp.hasPrefix("v=0\r\nm=video") && sdp.hasSuffix("a=mid:0\r\n"))
        return addresses.filter { sdp.contains(candidate($0) + "\r\n") }
    }

    private let all = ["127.0.0.1", "10.0.0.7", "169.254.169.254", "8.8.8.8", "::1", "2001:4860::8888", "224.0.0.1", "x.local", ""]

    @Test func checksGoToPublicAddressesAlone() { #expect(kept(all, AddressRules()) == ["8.8.8.8", "2001:4860::8888"]) }

    @Test func whatTheOperatorExemptsIsSentTo() {
        #expect(kept(all, AddressRules(allowPrivate: true)) == ["127.0.0.1", "10.0.0.7", "8.8.8.8", "::1", "2001:4860::8888"])
        #expect(kept(["10.0.0.7", "10.0.0.8"], AddressRules(allow: ["10.0.0.7"])) == ["10.0.0.7"])
        #expect(kept(["10.0.0.7"], AddressRules(allow: ["meet.example"])) == ["10.0.0.7"])
    }

    @Test func brokenCandidatesGo() {
        let sdp = AddressRules(allowPrivate: true).keepingAllowedCandidates(of: "v=0\na=candidate:\na=candidate:1 1 UDP 5\n", host: "a")
        #expect(sdp == "v=0\r\n")
    }
}
