package import BridgeModel
package import LoadGeneration
internal import NIOHTTP1

/// WHIP or WHEP: POST the offer, DELETE what Location names.
package struct HTTPSignaling: LoadSignaling {
    private let http: LoadHTTP
    private let url: NumberedText
    private let token: Redacted<NumberedText>?

    package init(_ http: LoadHTTP, url: NumberedText, token: Redacted<NumberedText>?) {
        self.http = http
        self.url = url
        self.token = token
    }

    package func open(_ offer: String, stream index: Int) async throws(JoinFailure) -> OpenSession {
        let token = token?.revealed.text(for: index)
        let reply = try await http.request(.POST, url.text(for: index), token: token, content: ("application/sdp", offer))
        guard let location = reply.location else { return OpenSession(answer: reply.body, isToldOfEnd: false) {} }
        return OpenSession(answer: reply.body, isToldOfEnd: true) { [http] in
            _ = try? await http.request(.DELETE, location, token: token)
        }
    }
}
