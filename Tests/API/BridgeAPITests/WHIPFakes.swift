import Bridge
import BridgeAPI
import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

/// Sessions in memory: one exists from the start (`there`), one is over (`gone`), one awaits the answer to the bridge's offer (`offered`), one was begun without a token (`open`).
final class FakeWHIPSessions: WHIPSessions {
    struct Memory {
        var orders: [WHIPOrder] = []
        var changes: [WHIPChange] = []
        /// POSTs are answered with an offer of the bridge.
        var makesOffers = false
        var conditions: [EntityTagCondition] = []
        var ended: [SessionID] = []
        var kinds: [Set<WHEPEvent.Kind>] = []
        var choices: [LayerChoice] = []
        var sections: [Int?] = []
        var failure: WHIPError?
        var outcome = WHIPPatchOutcome.trickled
    }

    let memory = Mutex(Memory())

    private func failAsTold() throws(WHIPError) {
        if let failure = memory.withLock({ $0.failure }) { throw failure }
    }

    static func context(_ id: String, _ direction: SessionContext.Direction, account: String = "acme") -> SessionContext {
        SessionContext(
            session: SessionID(id), account: AccountID(account), client: ClientID("holder"), stream: StreamID("cam"), direction: direction)
    }

    func create(_ order: WHIPOrder) async throws(WHIPError) -> WHIPAnswer {
        memory.withLock { $0.orders.append(order) }
        try failAsTold()
        var context = Self.context("there", order.direction, account: order.grant.account.rawValue)
        context.stream = order.stream
        return WHIPAnswer(
            context: context, sdp: "v=0\r\nanswer", tag: EntityTag("there-0"), isCounterOffer: memory.withLock { $0.makesOffers })
    }

    func session(_ id: SessionID) async -> WHIPSessionSummary? {
        switch id.rawValue {
        case "there": WHIPSessionSummary(context: Self.context("there", .publish), isOver: false)
        case "gone": WHIPSessionSummary(context: Self.context("gone", .publish), isOver: true)
        case "seen": WHIPSessionSummary(context: Self.context("seen", .watch), isOver: false)
        case "offered": WHIPSessionSummary(context: Self.context("offered", .watch), isOver: false, awaitsAnswer: true)
        case "open": WHIPSessionSummary(context: Self.context("open", .watch, account: "public"), isOver: false)
        default: nil
        }
    }

    func patch(_ id: SessionID, _ change: WHIPChange, if condition: EntityTagCondition) async throws(WHIPError) -> WHIPPatchOutcome {
        memory.withLock {
            $0.changes.append(change)
            $0.conditions.append(condition)
        }
        try failAsTold()
        return memory.withLock { $0.outcome }
    }

    func end(_ id: SessionID) async throws(WHIPError) {
        memory.withLock { $0.ended.append(id) }
        try failAsTold()
    }

    func openEvents(of id: SessionID, _ kinds: Set<WHEPEvent.Kind>) async throws(WHIPError) -> WHEPEventStreamID {
        memory.withLock { $0.kinds.append(kinds) }
        try failAsTold()
        return WHEPEventStreamID("e1")
    }

    func events(of id: SessionID, stream: WHEPEventStreamID?) async throws(WHIPError) -> AsyncStream<WHEPEvent> {
        guard stream == nil || stream == WHEPEventStreamID("e1") else { throw .notFound }
        let layer = VideoLayer(mid: "0", rid: "hd", spatialID: 1, temporalID: 2, bitrate: 900, width: 640, height: 360)
        return AsyncStream { continuation in
            for event in [
                WHEPEvent.active, .layers([.init(section: 0, layers: [layer, VideoLayer(mid: "0", bitrate: 0)])]), .viewerCount(3),
                .inactive,
            ] {
                continuation.yield(event)
            }
            continuation.finish()
        }
    }

    func closeEvents(_ stream: WHEPEventStreamID, of id: SessionID) async throws(WHIPError) {
        guard stream == WHEPEventStreamID("e1") else { throw .notFound }
    }

    func selectLayer(_ choice: LayerChoice, section: Int?, for id: SessionID) async throws(WHIPError) {
        memory.withLock {
            $0.choices.append(choice)
            $0.sections.append(section)
        }
        try failAsTold()
    }
}

/// The API on fakes.
struct WHIPStage {
    let sessions = FakeWHIPSessions()
    let api: WHIPAPI

    init(streamsArePublic: Bool = false, publicBase: String = "", turn: TurnSettings = TurnSettings()) {
        var settings = Settings()
        settings.streamsPublic = streamsArePublic
        settings.http.publicBase = publicBase
        let clock = BridgeClock(
            now: { MonotonicTime(nanoseconds: 0) }, wall: { WallTime(milliseconds: 1_700_000_000_000) }, sleep: { _ in })
        api = WHIPAPI(
            sessions, authority: FakeAuthority(), cameras: FakeCameras(),
            iceServers: IceServerList(turn, hmacSHA1: { _, _ in [1, 2, 3] }), clock: clock,
            settings: (bridge: settings, publicAccount: AccountID("public")))
    }

    /// A request with these fields, and `Content-Type` by the method where none is given.
    func send(
        _ method: HTTPRequest.Method, _ path: String, token: String? = nil, fields: HTTPFields = [:], body: String = ""
    ) async throws -> Stage.Reply {
        var fields = fields
        if let token { fields[.authorization] = "Bearer \(token)" }
        if fields[.contentType] == nil, !body.isEmpty {
            fields[.contentType] = method == .patch ? "application/trickle-ice-sdpfrag" : "application/sdp"
        }
        let head = HTTPRequest(method: method, scheme: "http", authority: "bridge.example", path: path, headerFields: fields)
        let bytes = Array(body.utf8)
        let request = APIRequest(head: head, remoteAddress: "192.0.2.1", isSecure: false, requestID: "r-1") { limit throws(APIBodyError) in
            guard bytes.count <= limit else { throw .tooLarge }
            return bytes
        }
        return Stage.reply(try #require(await Router([api]).respond(to: request)))
    }
}
