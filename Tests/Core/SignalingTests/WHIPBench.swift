import Bridge
import BridgeModel
import Signaling

/// A WHIP or WHEP machine in virtual time, with an engine that does what the test says.
struct WHIPBench {
    static let peer = PeerID("p1")
    static let password = "4JAfScHElAPJfHza29pNMd"
    static let candidate = "candidate:1 1 udp 2130706431 192.0.2.17 9000 typ host"
    static let restartAnswer = IceRestartAnswer(
        credentials: IceParameters(ufrag: "ours", password: Redacted("oursoursoursoursoursours")), candidates: [], isLite: true)

    private(set) var machine: WHIPMachine
    private(set) var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private var requests: UInt64 = 0

    /// - Parameter direction: publish is WHIP.
    init(
        _ direction: SessionContext.Direction = .publish, abilities: PeerAbilities = [.trickle, .restart], limits: WHIPLimits = WHIPLimits()
    ) throws {
        let context = SessionContext(
            session: SessionID("98f06660-5434-4a9c-ae65-0291d5622624"), account: AccountID("acme"), client: ClientID("cam"),
            stream: StreamID("cam"), direction: direction)
        let offer = try WHIPOffer(Self.offer(direction == .publish ? "sendonly" : "recvonly"), direction: direction)
        machine = WHIPMachine(context: context, offer: offer, abilities: abilities, limits: limits)
    }

    /// A session whose POST is answered, connected where that is wanted.
    static func answered(
        _ direction: SessionContext.Direction = .publish, abilities: PeerAbilities = [.trickle, .restart], isConnected: Bool = false,
        limits: WHIPLimits = WHIPLimits()
    ) throws -> WHIPBench {
        var bench = try WHIPBench(direction, abilities: abilities, limits: limits)
        bench.give(.open)
        bench.give(.outcome(.peerOpened(peer)))
        bench.give(.peer(.answer(sdp: answer(direction))))
        bench.give(.outcome(.sessionRecorded))
        if isConnected { bench.give(.peer(.connected)) }
        return bench
    }

    static func answer(_ direction: SessionContext.Direction) -> String { offer(direction == .publish ? "recvonly" : "sendonly") }

    @discardableResult mutating func give(_ input: WHIPMachine.Input) -> [WHIPMachine.Effect] { machine.handle(input, now: now) }

    /// Moves the time on, through the deadlines on the way.
    @discardableResult mutating func advance(_ duration: Duration) -> [WHIPMachine.Effect] {
        let end = now.advanced(by: duration)
        var effects: [WHIPMachine.Effect] = []
        while let deadline = machine.deadline, deadline <= end {
            now = max(now, deadline)
            effects += machine.handle(.time, now: now)
        }
        now = end
        return effects
    }

    /// A PATCH: its immediate reply, if there is one, and the calls that it made.
    mutating func patch(
        _ condition: EntityTagCondition, ufrag: String? = "QoWQ", password: String = password, candidates: [IceCandidate] = []
    ) -> (request: WHIPRequestID, effects: [WHIPMachine.Effect]) {
        requests += 1
        let credentials = ufrag.map { IceParameters(ufrag: $0, password: Redacted(password)) }
        let request = WHIPRequestID(requests)
        return (request, give(.patch(.ice(IceChange(credentials: credentials, candidates: candidates)), condition, request)))
    }

    /// One section of each kind, for offers and answers alike.
    static func offer(_ direction: String, audio: String? = nil, extra: String = "") -> String {
        section("video", "0", direction, "a=rtpmap:96 VP8/90000\r\n", first: true)
            + section("audio", "1", audio ?? direction, "a=rtpmap:111 opus/48000/2\r\n") + extra
    }

    static func section(_ kind: String, _ mid: String, _ direction: String, _ format: String, first: Bool = false) -> String {
        let head = first ? "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n" : ""
        let type = kind == "video" ? 96 : 111
        return head + "m=\(kind) 9 UDP/TLS/RTP/SAVPF \(type)\r\na=ice-ufrag:QoWQ\r\na=ice-pwd:\(password)\r\n"
            + "a=fingerprint:sha-256 AB" + String(repeating: ":AB", count: 31)
            + "\r\na=setup:actpass\r\na=rtcp-mux\r\na=mid:\(mid)\r\na=\(direction)\r\n\(format)"
    }
}

extension [WHIPMachine.Effect] {
    /// What the POST was answered with.
    var answers: [Result<WHIPAnswer, WHIPError>] {
        compactMap { effect in
            guard case .answer(let result) = effect else { return nil }
            return result
        }
    }

    /// Why PATCHes were refused, or nil for those that were taken.
    var refusals: [WHIPError?] {
        compactMap { effect -> WHIPError?? in
            guard case .reply(_, let result) = effect else { return nil }
            guard case .failure(let error) = result else { return .some(nil) }
            return error
        }
    }

    var calls: [WHIPMachine.Call] {
        compactMap { effect in
            guard case .call(let call) = effect else { return nil }
            return call
        }
    }

    /// What the session ended with.
    var durableEnds: [TerminationCause] {
        calls.compactMap { call in
            guard case .endSession(let cause) = call else { return nil }
            return cause
        }
    }
}
