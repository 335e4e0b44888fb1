import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import SDP
import Synchronization

/// Notes what it is told to do, in words; holds up and fails where a test wants it.
final class FakeRoomMedia: RoomMedia {
    typealias Listener = @Sendable (RoomMediaEvent) -> Void

    let calls = Journal<String>()
    /// Held up by this: everything that opens a track.
    let gate = Gate()
    /// And by this: every end of a track.
    let slowDrops = Gate()
    /// Where tracks are in the hub.
    let sources = Mutex<[RoomTrackID: RoomTrackSource]>([:])
    /// Who hears how loud seated cameras are.
    private let ears = Mutex<[RoomTrackID: @Sendable (RoomLevel) -> Void]>([:])
    private let failures = Mutex<[String: BridgeError]>([:])
    private let listeners = Mutex<[String: Listener]>([:])

    /// Fails calls that begin with these words, until nil.
    func fail(_ words: String, _ error: BridgeError?) { failures.withLock { $0[words] = error } }

    /// The newest listener of a participant's peer.
    func listener(_ participant: String, _ kind: RoomPeerKind) -> Listener? {
        listeners.withLock { $0["\(participant) \(kind.rawValue)"] }
    }

    /// Who hears how loud a seated camera's track is.
    func ear(of track: RoomTrackID) -> (@Sendable (RoomLevel) -> Void)? { ears.withLock { $0[track] } }

    private func note(_ words: String) throws(BridgeError) {
        calls.note(words)
        if let failure = failures.withLock({ $0.first { words.hasPrefix($0.key) }?.value }) { throw failure }
    }

    func publish(
        _ offer: ReceivedOffer, by owner: RoomPeerOwner, events: @escaping Listener
    ) async throws(BridgeError) -> String {
        try note("publish \(owner.participant) \(offer.text)")
        listeners.withLock { $0["\(owner.participant) publish"] = events }
        return "answer to \(offer.text)"
    }

    func open(_ track: RoomTrack, of owner: RoomPeerOwner) async throws(BridgeError) {
        await gate.pass()
        try note("open \(track.id) of \(owner.participant)")
    }

    func open(_ track: RoomTrack, from stream: StreamID, index: UInt8) async throws(BridgeError) {
        await gate.pass()
        try note("open \(track.id) from \(stream) \(index)")
    }

    func listen(to track: RoomTrackID, _ tell: @escaping @Sendable (RoomLevel) -> Void) async {
        ears.withLock { $0[track] = tell }
    }

    func trackSource(_ id: RoomTrackID) async -> RoomTrackSource? { nil }

    func forward(_ track: RoomTrackID, _ isForwarded: Bool) async { calls.note("forward \(track) \(isForwarded)") }

    func hubTrack(of track: RoomTrackID) async -> RoomTrackSource? { sources.withLock { $0[track] } }

    func drop(_ track: RoomTrackID) async {
        await slowDrops.pass()
        calls.note("drop \(track)")
    }

    func subscribe(_ owner: RoomPeerOwner, to update: SubscriptionUpdate, events: @escaping Listener) async {
        let added = update.added.map { "+\($0.track)\($0.bounds.height.map { "@\($0)" } ?? "")" }
        calls.note((["subscribe \(owner.participant)"] + added + update.removed.map { "-\($0)" }).joined(separator: " "))
        listeners.withLock { $0["\(owner.participant) subscribe"] = events }
    }

    func accept(_ answer: String, of owner: RoomPeerOwner) async throws(BridgeError) { try note("accept \(owner.participant) \(answer)") }

    func close(_ peers: Set<RoomPeerKind>, of owner: RoomPeerOwner) async {
        calls.note("close \(owner.participant) \(peers.map(\.rawValue).sorted().joined(separator: " "))")
    }
}

/// Links that are what they say: `<room> <role> <who>`.
final class FakeRoomLinks: RoomLinks {
    private let revocations = Mutex<Set<String>>([])
    var revoked: Set<String> { revocations.withLock { $0 } }

    func makeLink(_ order: RoomLinkOrder) async throws(AccessError) -> RoomLink { throw .unavailable }

    func grant(of token: Redacted<String>) async throws(AccessError) -> RoomGrant {
        let words = token.revealed.split(separator: " ").map(String.init)
        guard words.count >= 3, let role = RoomRole(rawValue: words[1]) else { throw words == ["old"] ? .expired : .invalid }
        guard !revoked.contains(token.revealed) else { throw .revoked }
        var grant = RoomGrant(
            account: AccountID(words.count > 3 ? words[3] : "acme"), room: RoomID(words[0]), role: role,
            expiresAt: TestClock.epoch.advanced(by: .seconds(3600)), tokenID: token.revealed)
        if role == .camera { grant.seat = SeatID(words[2]) } else { grant.identity = ParticipantID(words[2]) }
        return grant
    }

    func revokeLink(_ id: String) async throws(AccessError) { revocations.withLock { _ = $0.insert(id) } }
}

/// A socket that notes in words what it hears.
struct RoomTestSocket {
    let id: RoomSocketID
    let heard: Journal<RoomSocketEvent>

    var refusals: [RoomError.Code] { heard.all.compactMap { if case .notice(.refused(let error)) = $0 { error.code } else { nil } } }
    var failures: [BridgeError.Code] { heard.all.compactMap { if case .failed(let error) = $0 { error.code } else { nil } } }
    var end: RoomSocketEnd? { if case .closed(let end)? = heard.all.last { end } else { nil } }
    var isIn: Bool { heard.all.contains { if case .notice(.welcome) = $0 { true } else { false } } }
}

/// Rooms on fakes.
struct RoomBench {
    let clock = TestClock()
    let ledger: MemoryLedger
    let media = FakeRoomMedia()
    let links = FakeRoomLinks()
    let journal: RoomJournal
    let cameras: CameraRegistry
    let directory: RoomDirectory
    static let room = RoomID("standup")

    init(
        _ limits: RoomDirectory.Limits = .init(), recorder: RoomRecorder? = nil, mixes: (any RoomMixes)? = nil,
        pictures: (any RoomComposites)? = nil, ledger: MemoryLedger = MemoryLedger()
    ) {
        self.ledger = ledger
        let outbox = OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: FakeDelivery())
        journal = RoomJournal(ledger: ledger, outbox: outbox, clock: clock.clock, logger: Sample.logger)
        cameras = CameraRegistry(journal: journal, clock: clock.clock, logger: Sample.logger)
        directory = RoomDirectory(
            RoomServices(
                makeMedia: { [media] in media }, links: links, journal: journal, recorder: recorder, cameras: cameras, mixes: mixes,
                pictures: pictures, clock: clock.clock, logger: Sample.logger),
            limits: limits)
    }

    /// Opens the room.
    @discardableResult
    func open(_ name: String = "standup", settings: RoomSettings = RoomSettings()) async throws -> RoomStatus {
        try await directory.open(RoomOrder(id: RoomID(name), account: AccountID("acme"), settings: settings)).status
    }

    func socket(_ token: String, to room: String = "standup") async throws -> RoomTestSocket {
        let heard = Journal<RoomSocketEvent>()
        return RoomTestSocket(id: try await directory.open(RoomID(room), token: token) { heard.note($0) }, heard: heard)
    }

    /// A socket that has asked to come in.
    func join(_ token: String, to room: String = "standup", keepsPeers: Bool = false) async throws -> RoomTestSocket {
        let socket = try await socket(token, to: room)
        await send(.request(.join(name: nil, keepsPeers: keepsPeers)), socket)
        return socket
    }

    func send(_ message: RoomSocketMessage, _ socket: RoomTestSocket) async { await directory.receive(message, from: socket.id) }

    func send(_ command: RoomCommand, _ socket: RoomTestSocket) async { await send(.request(.command(command)), socket) }

    /// What the log has when everything is written: the kinds in their order.
    func told() async -> [String] {
        journal.finish()
        await journal.run()
        return ledger.events.map(\.kind.rawValue)
    }
}
