package import Bridge
internal import BridgeModel
internal import WebServerKit

/// A camera's session at a bridge of ours: made over HTTP, signalled over a socket that stays open as long as the session.
package actor RTMCall: ConferenceCall {
    /// The request, and the answer to the offer.
    private static let patience = Duration.seconds(10)
    /// How long the bridge may take to say goodbye.
    private static let farewell = Duration.seconds(1)

    private var exchange: RTMExchange
    private let http: any OutgoingCalls
    private let clock: BridgeClock
    /// For sentences.
    private let place: String
    private let words: AsyncStream<RTMExchange.Word>
    private let inbox: AsyncStream<RTMExchange.Word>.Continuation
    private var socket: WebSocket?
    private var reading: Task<Void, Never>?

    package init(_ exchange: RTMExchange, place: String, http: any OutgoingCalls, clock: BridgeClock) {
        self.exchange = exchange
        self.place = place
        self.http = http
        self.clock = clock
        (words, inbox) = AsyncStream.makeStream()
    }

    package func join(_ offer: String) async throws(ConferenceFault) -> ConferenceAnswer {
        let request = try exchange.request()
        let reply: OutgoingReply
        switch await http.call(request, within: Self.patience) {
        case .failure(let fault): throw ConferenceFault(fault, place: place)
        case .success(let received): reply = received
        }
        let (url, iceServers) = try exchange.take(reply, now: clock.wall())
        let socket = try await connect(url)
        self.socket = socket
        let (exchange, inbox, place) = (exchange, inbox, place)
        reading = Task {
            for await event in socket.events {
                if case .text(let text) = event, let word = exchange.word(of: text) { inbox.yield(word) }
            }
            inbox.yield(.over(Self.lost("\(place) closed the camera's socket; a new session follows.")))
            inbox.finish()
        }
        _ = socket.send(exchange.start(offer))
        return ConferenceAnswer(sdp: try await answer(), resource: Redacted(exchange.session ?? ""), iceServers: iceServers)
    }

    private func connect(_ url: Redacted<String>) async throws(ConferenceFault) -> WebSocket {
        do throws(WebServerError) {
            return try await WebSocketClient.connect(url: url.revealed)
        } catch .invalidURL {
            // The URL carries the token: it must not be told.
            throw Self.lost("\(place) named a socket that is no ws:// or wss:// URL.")
        } catch {
            throw Self.lost("The socket of \(place) could not be opened: \(error.description)")
        }
    }

    private static func lost(_ text: String) -> ConferenceFault {
        ConferenceFault(BridgeError(.conferenceUnavailable, text.prefix(1).uppercased() + text.dropFirst()))
    }

    private func answer() async throws(ConferenceFault) -> String {
        let limit = Task { [clock, inbox, place] in
            guard (try? await clock.sleep(clock.now().advanced(by: Self.patience))) != nil else { return }
            inbox.yield(.over(Self.lost("\(place) did not answer the camera's offer; it is tried again.")))
        }
        defer { limit.cancel() }
        for await word in words {
            switch word {
            case .answer(let sdp): return sdp
            case .over(let fault): throw fault
            }
        }
        throw Self.lost("\(place) did not answer the camera's offer; it is tried again.")
    }

    /// Waits for the bridge's word that the session is over.
    package func attend() async throws(ConferenceFault) {
        for await word in words {
            guard case .over(let fault) = word else { continue }
            throw fault
        }
    }

    package func stop() { inbox.finish() }

    package func leave() async {
        guard let socket else { return }
        self.socket = nil
        _ = socket.send(exchange.stop)
        let limit = Task { [clock] in
            _ = try? await clock.sleep(clock.now().advanced(by: Self.farewell))
            socket.close(code: 1000, reason: "")
        }
        // The bridge closes after its last word; nobody waits for it any longer than that.
        await reading?.value
        limit.cancel()
        socket.close(code: 1000, reason: "")
    }
}
