package import Bridge
internal import BridgeModel
package import SDP
internal import WebServerKit

/// A camera's session at a bridge of ours: made over HTTP, signalled over a socket that stays open as long as the session.
package actor RTMCall: ConferenceCall {
    /// The request, and the answer to the offer.
    private static let patience = Duration.seconds(10)
    /// Until the answer to another ICE session.
    private static let restartPatience = Duration.seconds(3)
    /// A socket's end that is not the session's, as 1000 would be.
    private static let closeWithoutStop: UInt16 = 4000
    /// How long the bridge may take to say goodbye.
    private static let farewell = Duration.seconds(1)

    private var exchange: RTMExchange
    private let http: any OutgoingCalls
    private let clock: BridgeClock
    /// For sentences.
    private let place: String
    private let words: AsyncStream<RTMExchange.Word>
    private let inbox: AsyncStream<RTMExchange.Word>.Continuation
    private var url = Redacted("")
    private var socket: WebSocket?
    private var reading: Task<Void, Never>?
    /// Sockets so far: only the newest one's words count.
    private var sockets = 0
    /// Of the ICE session that is asked for.
    private var restarts: AsyncStream<String?>.Continuation?

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
        self.url = url
        read(try await connect(url))
        _ = socket?.send(exchange.start(offer))
        return ConferenceAnswer(sdp: try await answer(), resource: Redacted(exchange.session ?? ""), iceServers: iceServers)
    }

    /// Takes this socket for the session from now on.
    private func read(_ socket: WebSocket) {
        let former = self.socket
        self.socket = socket
        sockets += 1
        let (number, exchange) = (sockets, exchange)
        reading = Task {
            for await event in socket.events {
                switch event {
                case .text(let text): if let word = exchange.word(of: text) { hear(word, from: number) }
                case .closed(let code):
                    hear(.over(Self.lost("\(place) closed the camera's socket (\(code)); a new session follows.")), from: number)
                default: break
                }
            }
        }
        former?.close(code: Self.closeWithoutStop, reason: "")
    }

    private func hear(_ word: RTMExchange.Word, from number: Int) {
        guard number == sockets else { return }
        switch word {
        case .answer(let sdp) where restarts != nil: restarts?.yield(sdp)
        case .restartRefused: restarts?.yield(nil)
        case .answer: inbox.yield(word)
        case .over:
            restarts?.finish()
            inbox.yield(word)
            inbox.finish()
        }
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
            case .restartRefused: continue
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

    package func restart(_ request: IceRestartRequest) async -> IceRestartAnswer? {
        guard socket != nil, restarts == nil else { return nil }
        let (answers, inbox) = AsyncStream.makeStream(of: String?.self)
        restarts = inbox
        let limit = Task { [clock] in
            _ = try? await clock.sleep(clock.now().advanced(by: Self.restartPatience))
            inbox.finish()
        }
        defer {
            limit.cancel()
            restarts = nil
        }
        // Over a path that may be as dead as the media's it takes as long as the kernel tries.
        let connecting = Task { [weak self] in await self?.ask(request) }
        defer { connecting.cancel() }
        for await answer in answers { return answer.flatMap { try? request.read(answer: $0) }.flatMap { IceRestartAnswer($0) } }
        return nil
    }

    private func ask(_ request: IceRestartRequest) async {
        let socket = try? await connect(url)
        // It was left meanwhile, or it took too long; another may be asked for by now.
        guard self.socket != nil, !Task.isCancelled else {
            socket?.close(code: Self.closeWithoutStop, reason: "")
            return
        }
        guard let socket else {
            restarts?.finish()
            return
        }
        read(socket)
        _ = socket.send(exchange.restart(request))
    }

    package func stop() {
        restarts?.finish()
        inbox.finish()
    }

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
