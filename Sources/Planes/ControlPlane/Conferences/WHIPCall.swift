internal import Bridge
internal import BridgeModel

/// A session at somebody else's WHIP endpoint.
actor WHIPCall: ConferenceCall {
    /// One request and its reply.
    private static let patience = Duration.seconds(10)
    /// Attempts at taking a session away: it occupies its endpoint until the server notices by itself.
    private static let farewells = 3
    private static let farewellPause = Duration.milliseconds(500)

    private var exchange: WHIPExchange
    private var resource: Redacted<String>?
    private let http: any OutgoingCalls
    private let clock: BridgeClock

    init(_ exchange: WHIPExchange, resource: Redacted<String>?, http: any OutgoingCalls, clock: BridgeClock) {
        self.exchange = exchange
        self.resource = resource
        self.http = http
        self.clock = clock
    }

    func join(_ offer: String) async throws(ConferenceFault) -> ConferenceAnswer {
        var call = exchange.offer(offer)
        while true {
            switch await http.call(call, within: Self.patience) {
            case .failure(let fault): throw ConferenceFault(fault)
            case .success(let reply):
                resource = exchange.resource(in: reply)
                switch try exchange.take(reply, to: call, now: clock.wall()) {
                case .ask(let next): call = next
                case .answered(let answer): return answer
                }
            }
        }
    }

    func leave() async {
        guard let resource, let call = exchange.end(resource) else { return }
        self.resource = nil
        for attempt in 1...Self.farewells {
            // Any answer will do: a server that refuses has no such session (any more).
            if case .success(let reply) = await http.call(call, within: Self.patience), reply.status < 500 { return }
            guard attempt < Self.farewells, (try? await clock.pause(Self.farewellPause)) != nil else { return }
        }
    }
}
