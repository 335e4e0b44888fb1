import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import Logging
import StoragePlane
import Synchronization

/// A folder of its own for one test; gone with it.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "viaduct-delivery-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path + "/spool", withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    var spool: String { path + "/spool" }

    /// Writes a file of the spool with bytes that differ from place to place.
    @discardableResult
    func spoolFile(_ name: String, length: Int) throws -> Data {
        // A period of 65,521 bytes, a prime, so that a piece in the wrong place does not look right.
        let period = Data((0..<min(length, 65_521)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) })
        var content = Data(capacity: length)
        while content.count < length { content += period.prefix(length - content.count) }
        try content.write(to: URL(fileURLWithPath: "\(spool)/\(name)"))
        return content
    }

    func ledger() throws -> SQLiteLedger {
        SQLiteLedger(try StorageDatabase(dataFolder: path + "/data"), logger: .silent)
    }
}

extension Logger {
    /// Says nothing.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Names with fixed addresses; counts the look-ups.
final class FixedResolver: NameResolver {
    private let names: [String: [IPAddress]]
    private let count = Mutex(0)

    init(_ names: [String: [IPAddress]]) { self.names = names }

    var lookUps: Int { count.withLock { $0 } }

    func addresses(of host: String) async throws(AttemptFault) -> [IPAddress] {
        count.withLock { $0 += 1 }
        guard let addresses = names[host] else { throw .unresolvable }
        return addresses
    }
}

enum Addresses {
    static let loopback = IPAddress.v4(0x7F00_0001)
    static let metadata = IPAddress.v4(0xA9FE_A9FE)
}

enum Rows {
    static let start = WallTime(milliseconds: 1_700_000_000_000)
    static let secretText = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

    /// `attempts`: those that failed before.
    static func webhook(
        _ id: String = "msg_1", url: String, body: String = #"{"status":"upload_ready"}"#, attempts: Int = 0, due: WallTime = start
    ) -> DeliveryRow {
        var row = DeliveryRow(
            id: DeliveryID(id), work: .webhook(url: Redacted(url), body: body), account: AccountID("acme"), session: SessionID("s1"),
            dueAt: due, createdAt: start)
        row.attempts = attempts
        return row
    }

    static func upload(_ id: String = "upl_1", of recording: String = "r1", to destination: Destination) -> DeliveryRow {
        DeliveryRow(
            id: DeliveryID(id), work: .upload(recording: RecordingID(recording), file: "\(recording).webm", destination: destination),
            account: AccountID("acme"), session: SessionID("s1"), dueAt: start, createdAt: start)
    }

    static func recording(_ id: String = "r1", state: RecordingState = .closing, destination: Destination = .keep) -> RecordingRow {
        let context = SessionContext(
            session: SessionID("s1"), account: AccountID("acme"), client: ClientID("client-0"), stream: StreamID("client-0"),
            direction: .publish)
        return RecordingRow(
            id: RecordingID(id), context: context, state: state, container: .webm, file: "\(id).webm", destination: destination,
            webhookURL: Redacted("https://hooks.example/recording"), startedAt: start)
    }
}

/// The performers with real parts.
struct Routes: Sendable {
    var webhooks: HTTPWebhookSender
    var uploads: UploadRoutes

    func attempt(_ delivery: DeliveryRow) async -> AttemptOutcome {
        if case .webhook = delivery.work { return await webhooks.send(delivery).outcome }
        return await uploads.attempt(delivery, of: Rows.recording())
    }
}

/// Real parts with short limits.
func routes(
    _ folder: TestFolder, rules: AddressRules = AddressRules(allowPrivate: true), resolver: any NameResolver = FixedResolver([:]),
    limit: Duration = .seconds(30), trustRoots: [String] = []
) throws -> Routes {
    var uploads = UploadSettings()
    uploads.stallTimeout = limit
    let client = try EgressClient(rules: rules, resolver: resolver, connectTimeout: min(.seconds(20), limit * 2), trustRoots: trustRoots)
    let signer = try WebhookSigner([try WebhookSecret(parsing: Redacted(Rows.secretText))])
    let clock = SystemOutboxClock()
    return Routes(
        webhooks: HTTPWebhookSender(client: client, signer: signer, timeout: limit, clock: clock),
        uploads: UploadRoutes(spoolFolder: folder.spool, client: client, ledger: try folder.ledger(), settings: uploads, clock: clock))
}
