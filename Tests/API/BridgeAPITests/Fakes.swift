import Bridge
import BridgeAPI
import BridgeModel
import BridgeTesting
import Foundation
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

/// Tokens are what they say: `T-<role>` for stream `cam`, `T-expired` and the like for refusals, and whatever was issued.
final class FakeAuthority: TokenAuthority {
    let issued = Mutex<[GrantRequest]>([])

    func verify(_ token: Redacted<String>) async throws(AccessError) -> Grant {
        if let request = issued.withLock({ $0.last }), token.revealed == "issued" {
            return Self.grant(request.role, client: request.client, account: request.account, stream: request.stream)
        }
        switch token.revealed {
        case "T-expired": throw .expired
        case "T-revoked": throw .revoked
        case "T-suspended": throw .suspended
        case "T-down": throw .unavailable
        default:
            guard let role = Grant.Role(rawValue: String(token.revealed.dropFirst(2))) else { throw .invalid }
            return Self.grant(role, client: ClientID("holder"), account: AccountID("acme"), stream: role == .admin ? nil : StreamID("cam"))
        }
    }

    private static func grant(_ role: Grant.Role, client: ClientID, account: AccountID, stream: StreamID?) -> Grant {
        let moment = WallTime(milliseconds: 0)
        return Grant(account: account, client: client, role: role, stream: stream, issuedAt: moment, expiresAt: moment, tokenID: "t")
    }

    func issue(_ request: GrantRequest) async throws(AccessError) -> Redacted<String> {
        issued.withLock { $0.append(request) }
        return Redacted("issued")
    }

    func account(masterKey: Redacted<String>, dialect: String) async throws(AccessError) -> AccountID? { nil }
    func revoke(tokenID: String, until: WallTime) async throws(AccessError) {}
}

/// Streams, sessions and recordings in memory.
final class FakeBridge: SessionDirectory, StreamCatalog, RecordingCommands, ReadinessProbe, MetricsSource, DeliveryCommands {
    struct Memory {
        var failure: BridgeError?
        var orders: [RecordingOrder] = []
        var rows: [RecordingRow] = []
        var checks: [ReadinessCheck] = [ReadinessCheck(name: "storage", isReady: true)]
        var samples: [MetricSample] = []
        var events: [EventRow] = []
        var deliveries: [DeliveryRow] = []
        var attempts: [AttemptRecord] = []
        var redelivered: [DeliveryID] = []
    }

    let memory = Mutex(Memory())

    private func failAsTold() throws(BridgeError) {
        if let failure = memory.withLock({ $0.failure }) { throw failure }
    }

    func createSession(for grant: Grant, direction: SessionContext.Direction, stream: StreamID) async throws(BridgeError) -> SessionContext
    {
        try failAsTold()
        return SessionContext(session: SessionID("s-1"), account: grant.account, client: grant.client, stream: stream, direction: direction)
    }

    func discardSession(_ id: SessionID) async {}

    func session(_ id: SessionID) async -> SessionContext? { nil }

    func streams() async -> [StreamSummary] { [Self.summary("cam"), Self.summary("other")] }

    func stream(_ id: StreamID) async -> StreamSummary? { await streams().first { $0.id == id } }

    private static func summary(_ id: String) -> StreamSummary {
        var track = TrackStatistics(packets: 10, bytes: 1000, lost: 1, keyframes: 2)
        var large = EncodingStatistics(
            rid: "f", bitrate: 900_000, frameRate: 29.7,
            layers: [LayerStatistics(bitrate: 500_000), LayerStatistics(temporalID: 1, bitrate: 900_000)])
        (large.width, large.height) = (960, 540)
        track.encodings = [EncodingStatistics(rid: "q"), large]
        return StreamSummary(
            id: StreamID(id), account: AccountID("acme"), tracks: [TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "1")],
            since: WallTime(milliseconds: 1_700_000_000_000), viewers: 3,
            statistics: StreamStatistics(tracks: [track], subscribers: 4))
    }

    static func row(_ id: String, destination: Destination = .keep) -> RecordingRow {
        let context = SessionContext(
            session: SessionID("s-1"), account: AccountID("acme"), client: ClientID("cam"), stream: StreamID("cam"), direction: .publish)
        return RecordingRow(
            id: RecordingID(id), context: context, state: .recording, container: .mp4, file: "\(id).mp4", destination: destination,
            webhookURL: Redacted("https://hooks.example/secret"), startedAt: WallTime(milliseconds: 1_700_000_000_000))
    }

    func startRecording(of stream: StreamID, _ order: RecordingOrder) async throws(BridgeError) -> RecordingRow {
        try failAsTold()
        memory.withLock { $0.orders.append(order) }
        guard case .given(let choice) = order.destination else { return Self.row("r-1") }
        return Self.row("r-1", destination: choice.destination)
    }

    func stopRecording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow {
        guard let row = try await recording(id) else { throw BridgeError(.notFound, "There is no such recording.") }
        return row
    }

    func recordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow] {
        try failAsTold()
        let rows = memory.withLock { $0.rows }
        let start = after.flatMap { id in rows.firstIndex { $0.id == id } }.map { $0 + 1 } ?? 0
        return Array(rows.dropFirst(start).prefix(limit))
    }

    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow? { memory.withLock { $0.rows.first { $0.id == id } } }

    func segments(of id: RecordingID) async throws(BridgeError) -> [SegmentRow] {
        var row = SegmentRow(recording: id, number: 1, stream: StreamID("front"), container: .mp4, file: "f.mp4", state: .delivered)
        row.startedAt = WallTime(milliseconds: 1_700_000_000_000)
        row.duration = .milliseconds(2500)
        row.gaps = [RecordingGap(offset: .seconds(1), length: .milliseconds(500), cause: .recorder)]
        row.sha256 = "00ff"
        return [row]
    }
    func hasThumbnails(_ segment: SegmentRow) async -> Bool { segment.state == .ready }
    func sidecars(of row: RecordingRow, _ segments: [SegmentRow]) async throws(BridgeError) -> [Int: [SidecarCopy]] {
        guard let name = SidecarName("\(row.id).poster.jpg") else { return [:] }
        return [1: [SidecarCopy(sidecar: name, key: "a/\(row.id).poster.jpg", state: .dead, lastError: "it is full")]]
    }

    func file(of id: RecordingID, segment: Int) async throws(BridgeError) -> String? {
        id.rawValue == "r-9" || segment > 2 ? nil : "/spool/\(id.rawValue)-\(segment).mp4"
    }

    func readiness() async -> [ReadinessCheck] { memory.withLock { $0.checks } }

    func events(after: Int64, limit: Int, session: SessionID?) async throws(BridgeError) -> EventPage {
        try failAsTold()
        let all = memory.withLock { $0.events }
        let found = all.filter { $0.sequence > after && (session == nil || $0.party.session == session) }
        return EventPage(events: Array(found.prefix(limit)), hasMore: found.count > limit, oldest: all.first?.sequence)
    }

    func deliveries(in state: DeliveryRow.State?, limit: Int, after: DeliveryID?) async throws(BridgeError) -> [DeliveryRow] {
        try failAsTold()
        let rows = memory.withLock { $0.deliveries }.filter { state == nil || $0.state == state }
        let start = after.flatMap { id in rows.firstIndex { $0.id == id } }.map { $0 + 1 } ?? 0
        return Array(rows.dropFirst(start).prefix(limit))
    }

    func delivery(_ id: DeliveryID) async throws(BridgeError) -> (row: DeliveryRow, attempts: [AttemptRecord])? {
        memory.withLock { memory in memory.deliveries.first { $0.id == id }.map { ($0, memory.attempts) } }
    }

    func redeliver(_ id: DeliveryID) async throws(BridgeError) -> DeliveryRow? {
        memory.withLock { memory in
            memory.redelivered.append(id)
            return memory.deliveries.first { $0.id == id }
        }
    }

    func redeliverDead() async throws(BridgeError) -> Int {
        try failAsTold()
        return memory.withLock { memory in memory.deliveries.count { $0.state == .dead } }
    }

    func samples() async -> [MetricSample] { memory.withLock { $0.samples } }
}

/// Finds folders wanting, and nothing else.
struct FakeProbe: DestinationProbe {
    func trial(of destination: Destination) async -> String? {
        if case .folder = destination { "the folder cannot be written" } else { nil }
    }
}

/// The API on fakes.
struct Stage {
    let authority = FakeAuthority()
    let bridge = FakeBridge()
    let library = FakeLibrary()
    let destinations = MemoryDestinations()
    let probe = FakeProbe()
    let triggers = FakeTriggers()
    let keeper = FakeKeeper()
    let conferences = FakeConferences()
    let rooms = FakeRooms()
    let cameras = FakeCameras()
    let composites = FakeComposites()
    let backgrounds = FakeBackgrounds()
    let footage = FakeFootage()
    let api: BridgeAPI

    typealias Method = HTTPRequest.Method

    init(streamsArePublic: Bool = false, viewersLookBack: Bool = false) {
        var settings = Settings()
        settings.streamsPublic = streamsArePublic
        settings.playback.viewers = viewersLookBack
        let ports = BridgeAPI.Ports(
            authority: authority, directory: bridge, streams: bridge, recordings: bridge, destinations: (destinations, probe),
            operations: bridge, library: .init(playback: library, snapshots: library, clips: library, links: ShareLinks { $0 }),
            deliveries: bridge, triggers: triggers, keeping: keeper, conferences: conferences, composites: (composites, backgrounds),
            rooms: RoomPorts(rooms: rooms, links: rooms, recordings: rooms), cameras: cameras, footage: footage)
        let clock = BridgeClock(
            now: { MonotonicTime(nanoseconds: 0) }, wall: { WallTime(milliseconds: 1_700_000_000_000) }, sleep: { _ in })
        let servers = IceServerList(TurnSettings(), hmacSHA1: { _, _ in [] })
        api = BridgeAPI(ports, iceServers: servers, clock: clock, settings: settings, publicAccount: AccountID("bridge"))
    }

    struct Reply {
        let status: Int
        let fields: HTTPFields
        let body: APIResponse.Body
        let text: String
        let json: JSONValue

        var code: String? { json["code"]?.string }
    }

    static func request(_ method: HTTPRequest.Method, _ path: String, token: String? = nil, body: String = "") -> APIRequest {
        request(method, path, token: token, bytes: Array(body.utf8))
    }

    static func request(_ method: HTTPRequest.Method, _ path: String, token: String?, bytes: [UInt8]) -> APIRequest {
        var fields: HTTPFields = [:]
        if let token { fields[.authorization] = "Bearer \(token)" }
        let head = HTTPRequest(method: method, scheme: "http", authority: "bridge.example", path: path, headerFields: fields)
        return APIRequest(head: head, remoteAddress: "192.0.2.1", isSecure: false, requestID: "r-1") { limit throws(APIBodyError) in
            guard bytes.count <= limit else { throw .tooLarge }
            return bytes
        }
    }

    func send(_ method: HTTPRequest.Method, _ path: String, token: String? = nil, body: String = "") async throws -> Reply {
        try await send(method, path, token: token, bytes: Array(body.utf8))
    }

    func send(_ method: HTTPRequest.Method, _ path: String, token: String?, bytes: [UInt8]) async throws -> Reply {
        let response = try #require(await Router([api]).respond(to: Self.request(method, path, token: token, bytes: bytes)))
        return Self.reply(response)
    }

    static func reply(_ response: APIResponse) -> Reply {
        var bytes: [UInt8] = []
        if case .bytes(let content) = response.body { bytes = content }
        return Reply(
            status: response.head.status.code, fields: response.head.headerFields, body: response.body,
            text: String(decoding: bytes, as: UTF8.self),
            json: (try? JSONValue.read(bytes)) ?? .null)
    }
}
