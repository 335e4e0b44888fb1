import Bridge
import BridgeModel
import Foundation
import Logging

/// A data folder of its own for one test; gone with it.
final class DataFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "viaduct-storage-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { path + "/" + name }

    /// Everything that stands on the disk, the database's side files included.
    func contents() throws -> Data {
        var all = Data()
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasPrefix("viaduct.db") {
            all += try Data(contentsOf: URL(fileURLWithPath: file(name)))
        }
        return all
    }
}

enum Rows {
    static let start = WallTime(milliseconds: 1_700_000_000_000)

    static func context(_ session: String = "s1") -> SessionContext {
        SessionContext(
            session: SessionID(session), account: AccountID("acme"), client: ClientID("client-0 ü'; DROP TABLE sessions"),
            stream: StreamID("camera"), direction: .publish)
    }

    static func session(_ id: String = "s1", state: SessionRow.State = .active, at offset: Int = 0) -> SessionRow {
        SessionRow(
            context: context(id), state: state, webhookURL: Redacted("https://hooks.example/session-secret"),
            createdAt: start.advanced(by: .seconds(offset)))
    }

    static func recording(
        _ id: String = "r1", state: RecordingState = .recording, destination: Destination = .keep, at offset: Int = 0
    ) -> RecordingRow {
        RecordingRow(
            id: RecordingID(id), context: context(), state: state, container: .webm, file: "\(id).webm", destination: destination,
            webhookURL: nil, startedAt: start.advanced(by: .seconds(offset)))
    }

    /// With every optional column filled.
    static func fullRecording() -> RecordingRow {
        var row = recording("full", state: .failed, destination: .put(url: Redacted("https://bucket.example/put-secret")))
        row.webhookURL = Redacted("https://hooks.example/recording-secret")
        row.firstFrameWrittenAt = start.advanced(by: .milliseconds(1))
        row.firstFrameCapturedAt = start.advanced(by: .nanoseconds(-1))
        row.stoppedAt = start.advanced(by: .seconds(240))
        row.durationMilliseconds = 240_020
        row.sizeBytes = 31_457_280
        row.failure = BridgeError(.storageFull, "no room")
        row.uploadStatus = 403
        return row
    }

    static func webhook(_ id: String, due offset: Int = 0, state: DeliveryRow.State = .pending) -> DeliveryRow {
        DeliveryRow(
            id: DeliveryID(id), work: .webhook(url: Redacted("https://hooks.example/webhook-secret"), body: #"{"status":"ü"}"#),
            account: AccountID("acme"), session: SessionID("s1"), state: state, dueAt: start.advanced(by: .seconds(offset)),
            createdAt: start)
    }

    static func upload(_ id: String, of recording: String, to destination: Destination) -> DeliveryRow {
        DeliveryRow(
            id: DeliveryID(id), work: .upload(recording: RecordingID(recording), file: "\(recording).webm", destination: destination),
            account: AccountID("acme"), session: SessionID("s1"), dueAt: start, createdAt: start)
    }
}

extension Logger {
    /// Says nothing.
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
