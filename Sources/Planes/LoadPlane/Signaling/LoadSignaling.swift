package import LoadGeneration

/// The way to a server: an offer goes in, an answer comes back, and in the end it is told goodbye.
package protocol LoadSignaling: Sendable {
    /// Begins a session for stream `index`. Throws why the server did not take it.
    func open(_ offer: String, stream index: Int) async throws(JoinFailure) -> OpenSession
}

/// A session that a server has opened.
package struct OpenSession: Sendable {
    /// The server's SDP.
    package var answer: String
    /// The server is told of the end by `close`; otherwise by DTLS.
    package var isToldOfEnd: Bool
    /// Ends the session at the server; failures are of no interest any more.
    package var close: @Sendable () async -> Void

    package init(answer: String, isToldOfEnd: Bool, close: @escaping @Sendable () async -> Void) {
        self.answer = answer
        self.isToldOfEnd = isToldOfEnd
        self.close = close
    }
}
