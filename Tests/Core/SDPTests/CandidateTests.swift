import BridgeModel
import Testing

import SDP

@Suite struct CandidateTests {
    @Test(arguments: [
        "candidate:1 1 udp 2122260223 192.0.2.1 54400 typ host",
        "candidate:842163049 1 udp 1677729535 203.0.113.40 54400 typ srflx raddr 192.0.2.1 rport 54400",
        "candidate:a+/Z 1 udp 1 2001:db8::1 1 typ relay raddr 0.0.0.0 rport 0",
    ]) func usableCandidatesPrintAsTheyWere(_ line: String) throws {
        #expect(try CandidateGate.parse(IceCandidate(candidate: line))?.print() == line)
    }

    @Test func extensionsAndUpperCaseAreNormalised() throws {
        let line = "a=candidate:1 1 UDP 5 192.0.2.1 9000 typ host generation 0 ufrag abcd network-id 1 network-cost 50"
        #expect(try CandidateGate.parse(IceCandidate(candidate: line))?.print() == "candidate:1 1 udp 5 192.0.2.1 9000 typ host")
    }

    @Test(arguments: [
        "", "candidate:1 1 udp 5 3e0b65d7-20b2-4f9b-9c0e-6f6c05a1b5e3.local 9000 typ host",
        "candidate:1 1 udp 5 host.example 9000 typ host",
        "candidate:1 1 tcp 5 192.0.2.1 9 typ host tcptype active", "candidate:1 2 udp 5 192.0.2.1 9000 typ host",
        "candidate:1 1 udp 5 192.0.2.1 0 typ host", "candidate:1 1 udp 5 192.0.2.1 9000 typ future",
        "candidate:1 1 udp 5 192.0.2.256 1 typ host",
        "candidate:1 1 udp 5 010.0.0.1 1 typ host",
    ]) func unusableCandidatesAreIgnored(_ line: String) throws {
        #expect(try CandidateGate.parse(IceCandidate(candidate: line)) == nil)
    }

    @Test(arguments: [
        "garbage", "candidate:", "candidate:1 1 udp 5 192.0.2.1 9000", "candidate:1 1 udp 5 192.0.2.1 9000 host typ",
        "candidate:1 0 udp 5 192.0.2.1 9000 typ host", "candidate:1 257 udp 5 192.0.2.1 9000 typ host",
        "candidate:1 1 udp -5 192.0.2.1 9000 typ host", "candidate:1 1 udp 4294967296 192.0.2.1 9000 typ host",
        "candidate:1 1 udp 5 192.0.2.1 65536 typ host", "candidate:1 1 udp 5 192.0.2.1 +9 typ host",
        "candidate:1 1 udp 5 19%2 9000 typ host", "candidate:1 1 udp 5 192.0.2.1 9000 typ host raddr",
        "candidate:1\r\na=x 1 udp 5 1.1.1.1 1 typ host",
        "candidate:123456789012345678901234567890123 1 udp 5 1.1.1.1 1 typ host", "candidate:(1) 1 udp 5 1.1.1.1 1 typ host",
        "candidate:1 1 u(dp 5 1.1.1.1 1 typ host", "candidate:1 1 udp 5 1.1.1.1 1 typ srflx raddr 1.1.1.1 rport x",
        "candidate:1 1 udp 5 1.1.1.1 1 typ srflx raddr 1:%:1 rport 1", "candidate:ü 1 udp 5 1.1.1.1 1 typ host",
        "Candidate:1 1 udp 5 1.1.1.1 1 typ host",
        "candidate:1 1 udp 5 1.1.1.1 1 typ host " + String(repeating: "x y ", count: 300),
    ]) func malformedCandidatesAreRefused(_ line: String) {
        #expect(throws: SDPError.invalidCandidate) { try CandidateGate.parse(IceCandidate(candidate: line)) }
    }

    @Test(arguments: ["::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "fe80::1:2"])
    func addressesOfVersionSixAreRead(_ text: String) {
        #expect(IPAddressText.isIPv6(text[...]))
    }

    @Test(arguments: [
        ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::1::", "12345::", "g::", "1:2:3:4:5:6:7::8", "fe80::1%eth0",
        "::192.0.2.256",
        "192.0.2.1::", "1:2:3:4:5:6:7:192.0.2.1", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "",
    ]) func otherTextIsNoAddressOfVersionSix(_ text: String) {
        #expect(!IPAddressText.isIPv6(text[...]))
    }

    @Test func candidatesMoveBetweenThePeersAndTheEnginesSections() throws {
        let text = Fixture["chromium-156-publish"].replacing("m=audio", with: "m=audio 0 UDP/TLS/RTP/SAVPF 111")
        let accepted = try OfferGate.acceptPublish(text, policy: GatePolicy())
        let line = "candidate:1 1 udp 5 192.0.2.1 9000 typ host"
        let inward = try accepted.candidateForEngine(IceCandidate(candidate: line + " ufrag x", sdpMid: "1", sdpMLineIndex: 1))
        #expect(inward == IceCandidate(candidate: line, sdpMid: "1", sdpMLineIndex: 0))
        #expect(try accepted.candidateForEngine(IceCandidate(candidate: line, sdpMid: "")) == inward)
        let outward = accepted.candidateForPeer(IceCandidate(candidate: line, sdpMid: nil, sdpMLineIndex: 0))
        #expect(outward == IceCandidate(candidate: line, sdpMid: "1", sdpMLineIndex: 1))
        #expect(accepted.candidateForPeer(.end) == IceCandidate(candidate: "", sdpMid: "1", sdpMLineIndex: 1))
        #expect(try accepted.candidateForEngine(.end)?.isEnd == true)
        #expect(accepted.candidateForPeer(IceCandidate(candidate: "candidate:1 1 udp 5 a.local 9000 typ host")) == nil)
        #expect(throws: SDPError.unknownSection) { try accepted.candidateForEngine(IceCandidate(candidate: line, sdpMid: "7")) }
        #expect(throws: SDPError.unknownSection) { try accepted.candidateForEngine(IceCandidate(candidate: line, sdpMLineIndex: 3)) }
    }
}
