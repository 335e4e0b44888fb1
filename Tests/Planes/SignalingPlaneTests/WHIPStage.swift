import Bridge
import BridgeModel
import Logging
import SignalingPlane
import SignalingTesting
import Synchronization

/// The sessions that there are, and who publishes.
final class FakeDirectory: SessionDirectory {
    struct Memory {
        var created: [SessionContext] = []
        var discarded: [SessionID] = []
        var publisher: SessionContext?
        var viewers = 3
        var failure: BridgeError?
    }

    let memory = Mutex(Memory())

    func createSession(for grant: Grant, direction: SessionContext.Direction, stream: StreamID) async throws(BridgeError) -> SessionContext
    {
        let result: Result<SessionContext, BridgeError> = memory.withLock { memory in
            if let failure = memory.failure { return .failure(failure) }
            let context = SessionContext(
                session: SessionID("session-\(memory.created.count + 1)"), account: grant.account, client: grant.client, stream: stream,
                direction: direction)
            memory.created.append(context)
            return .success(context)
        }
        return try result.get()
    }

    func discardSession(_ id: SessionID) async { memory.withLock { $0.discarded.append(id) } }
    func session(_ id: SessionID) async -> SessionContext? { nil }
}

/// WHIP and WHEP sessions on a fake bridge and a fake engine, in virtual time.
struct WHIPStage {
    let directory = FakeDirectory()
    let bridge = FakeBridge()
    let engine: FakeEngine
    let time = ManualClock()
    let service: WHIPService

    /// - Parameter offers: the engine makes offers to viewers.
    init(
        _ direction: SessionContext.Direction = .publish, answers: Bool = true, offers: Bool = false,
        settings: WHIPSettings = WHIPSettings()
    ) {
        let directory = directory
        engine = FakeEngine(
            abilities: offers ? [.trickle, .restart, .offers] : [.trickle, .restart],
            answer: answers ? .answer(sdp: Self.offer(direction == .publish ? "recvonly" : "sendonly")) : nil)
        service = WHIPService(
            ports: WHIPPorts(
                services: bridge, engine: engine, offering: offers ? engine : nil, directory: directory,
                publisher: { _ in directory.memory.withLock { $0.publisher } },
                viewers: { _ in directory.memory.withLock { $0.viewers } }),
            settings: settings, clock: time.clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func order(_ direction: SessionContext.Direction = .publish, client: String = "cam", role: Grant.Role? = nil) -> WHIPOrder {
        let grant = Grant(
            account: AccountID("acme"), client: ClientID(client), role: role ?? (direction == .publish ? .publish : .watch),
            stream: StreamID("front"), issuedAt: WallTime(milliseconds: 0), expiresAt: WallTime(milliseconds: 1), tokenID: "t")
        return WHIPOrder(
            grant: grant, direction: direction, stream: StreamID("front"),
            offer: Self.offer(direction == .publish ? "sendonly" : "recvonly"))
    }

    func refusal(_ order: WHIPOrder) async -> WHIPError? {
        do throws(WHIPError) {
            _ = try await service.create(order)
            return nil
        } catch {
            return error
        }
    }

    static func offer(_ direction: String) -> String {
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:QoWQ\r\n"
            + "a=ice-pwd:4JAfScHElAPJfHza29pNMd\r\na=fingerprint:sha-256 AB" + String(repeating: ":AB", count: 31)
            + "\r\na=setup:actpass\r\na=rtcp-mux\r\na=mid:0\r\na=\(direction)\r\na=rtpmap:96 VP8/90000\r\n"
    }
}

extension WHIPStage {
    var publisher: SessionContext {
        SessionContext(
            session: SessionID("source"), account: AccountID("acme"), client: ClientID("cam"), stream: StreamID("front"),
            direction: .publish)
    }

    var live: LiveStream {
        LiveStream(
            context: publisher, tracks: [], peer: PeerID("source"), source: .child(MediaDescriptor(-1)), since: WallTime(milliseconds: 0))
    }
}
