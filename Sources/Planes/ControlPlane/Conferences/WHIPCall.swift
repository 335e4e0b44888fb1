internal import Bridge
internal import BridgeModel
internal import SDP

/// A session at somebody else's WHIP endpoint.
actor WHIPCall: ConferenceCall {
    /// One request and its reply.
    private static let patience = Duration.seconds(10)
    /// For a question that not every endpoint has an answer to.
    private static let shortPatience = Duration.seconds(3)

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

    func iceServers() async -> [IceServer] {
        guard case .success(let reply) = await http.call(exchange.question(), within: Self.shortPatience) else { return [] }
        return exchange.iceServers(in: reply)
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

    func restart(_ request: IceRestartRequest) async -> IceRestartAnswer? {
        guard let resource, let call = exchange.restart(resource, request) else { return nil }
        guard case .success(let reply) = await http.call(call, within: Self.shortPatience) else { return nil }
        return exchange.restarted(by: reply)
    }

    /// A WHIP session lives by its transport alone.
    func attend() {}

    func stop() {}

    func leave() async {
        guard let resource, let call = exchange.end(resource) else { return }
        self.resource = nil
        await http.farewell(call, within: Self.patience, clock: clock)
    }
}
