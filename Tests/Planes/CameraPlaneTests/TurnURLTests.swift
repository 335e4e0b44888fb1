import BridgeModel
import Testing

@testable import CameraPlane

@Suite struct TurnURLTests {
    private func urls(_ urls: String..., user: String = "1700086400:client-0", password: String = "a+/b=") -> [String] {
        TurnURL.engineURLs(of: IceServer(urls: urls, username: user, credential: Redacted(password))).map(\.revealed)
    }

    @Test func credentialsStandInTheURLPercentEncoded() {
        #expect(urls("turn:turn.example.net:3478") == ["turn://1700086400%3Aclient-0:a%2B%2Fb%3D@turn.example.net:3478"])
    }

    @Test func transportAndTLSAreKept() {
        #expect(
            urls("turn:t.example:443?transport=tcp", "turns:t.example:5349", user: "u", password: "p") == [
                "turn://u:p@t.example:443?transport=tcp", "turns://u:p@t.example:5349",
            ])
    }

    @Test func whatIsNoRelayIsLeftOut() {
        #expect(urls("stun:t.example:3478", "http://t.example", "", "turn").isEmpty)
    }

    @Test func everyByteThatIsNotUnreservedIsEncoded() {
        #expect(urls("turn:t", user: "Jörg-._~\u{1}@", password: "") == ["turn://J%C3%B6rg-._~%01%40:@t"])
    }

    @Test func aPasswordIsNeverPrinted() {
        let url = TurnURL.engineURLs(of: IceServer(urls: ["turn:t"], username: "u", credential: Redacted("secret")))
        #expect(!"\(url)".contains("secret"))
    }
}
