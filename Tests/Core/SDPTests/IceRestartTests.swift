import BridgeModel
import Testing

import SDP

@Suite struct IceRestartTests {
    private static let password = "0123456789abcdefghijklmn"
    private static let ours = IceParameters(ufrag: "ourfrag", password: Redacted("zyxwvutsrqponmlkjihgfe"))

    private static func restarting(_ offer: String) -> String { replacing(["ice-ufrag": "newfrag", "ice-pwd": password], in: offer) }

    /// The text with other values for these attributes, wherever they stand.
    private static func replacing(_ values: [String: String], in text: String) -> String {
        text.split(separator: "\r\n").map { line in
            for (name, value) in values where line.hasPrefix("a=\(name):") { return "a=\(name):\(value)" }
            return String(line)
        }.joined(separator: "\r\n") + "\r\n"
    }

    @Test(arguments: Fixture.all) func otherCredentialsAreARestart(_ fixture: Fixture) {
        let restart = IceRestart(of: fixture.text, by: Self.restarting(fixture.text))
        #expect(restart?.credentials == IceParameters(ufrag: "newfrag", password: Redacted(Self.password)))
    }

    @Test(arguments: Fixture.all) func theSameCredentialsAreNone(_ fixture: Fixture) {
        #expect(IceRestart(of: fixture.text, by: fixture.text) == nil)
    }

    @Test func nothingElseMayChange() {
        let offer = Fixture["chromium-156-publish"].text
        let changed = Self.restarting(offer)
        let otherCertificate = Self.replacing(
            ["fingerprint": "sha-256 " + Array(repeating: "AB", count: 32).joined(separator: ":")], in: changed)
        let changes = [
            otherCertificate, changed.replacing("a=sendrecv", with: "a=recvonly"), changed.replacing("a=mid:1", with: "a=mid:9"),
            changed.replacing("m=video 52148", with: "m=video 0"), changed + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:7\r\n",
            changed.replacing("a=group:BUNDLE 0 1", with: "a=group:BUNDLE 0"),
        ]
        #expect(IceRestart(of: offer, by: changed) != nil)
        for (number, change) in changes.enumerated() {
            #expect(change != changed, "change \(number) is none")
            #expect(IceRestart(of: offer, by: change) == nil, "change \(number)")
        }
    }

    @Test(arguments: ["", "v=0", "offer", "v=0\r\na=ice-ufrag:x\r\n", "\u{0}", String(repeating: "a", count: 200_000)])
    func whatIsNoDescriptionIsNoRestart(_ text: String) {
        let offer = Fixture["chromium-156-publish"].text
        #expect(IceRestart(of: offer, by: text) == nil)
        #expect(IceRestart(of: text, by: offer) == nil)
        #expect(IceRestart.renewed(text, with: Self.ours, candidates: []) == nil || text == "v=0")
    }

    /// Cut anywhere, a restart is refused or the same one: never a trap.
    @Test func aCutOfferNeverTraps() {
        let offer = Fixture["chromium-156-publish"].text
        let changed = Array(Self.restarting(offer).utf8)
        for count in stride(from: 0, to: changed.count, by: 7) {
            _ = IceRestart(of: offer, by: String(decoding: changed[..<count], as: UTF8.self))
        }
    }

    @Test func theAnswerKeepsEverythingButICE() throws {
        let candidate = "candidate:1 1 udp 2130706431 192.0.2.9 8189 typ host"
        let former =
            "v=0\r\no=- 7 3 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
            + "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:old\r\na=ice-pwd:oldoldoldoldoldoldoldold\r\na=setup:passive\r\n"
            + "a=candidate:9 1 udp 1 192.0.2.1 1 typ host\r\na=candidate:8 1 udp 1 192.0.2.1 2 typ host\r\na=end-of-candidates\r\na=recvonly\r\n"
        let answer = try #require(IceRestart.renewed(former, with: Self.ours, candidates: [candidate]))
        let (old, new) = (try SessionDescription.parse(former), try SessionDescription.parse(answer))
        #expect((new.sessionID, new.sessionVersion) == (old.sessionID, old.sessionVersion + 1))
        #expect(new.attributes == old.attributes)
        #expect(
            new.sections[0].attributes.map { "\($0.name) \($0.value ?? "")" } == [
                "mid 0", "ice-ufrag ourfrag", "ice-pwd zyxwvutsrqponmlkjihgfe", "setup passive",
                "candidate 1 1 udp 2130706431 192.0.2.9 8189 typ host", "end-of-candidates ", "recvonly ",
            ])
    }
}
