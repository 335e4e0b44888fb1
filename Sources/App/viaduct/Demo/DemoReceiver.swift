import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization

/// Takes the demo's webhooks and shows them.
final class DemoReceiver: Sendable {
    static let path = "/demo/webhooks"

    private let statuses = Mutex<[String]>([])

    /// The recording's webhook has come.
    var deliveredAll: Bool { statuses.withLock { $0.contains("upload_ready") } }

    var route: Route {
        Route(.post, Self.path) { [self] request in
            guard let body = try? await request.body(upTo: 64 * 1024), let event = try? JSONBody.object(body) else {
                return .text(.badRequest, "Not a webhook.\n")
            }
            take(event)
            return APIResponse(status: .noContent)
        }
    }

    private func take(_ event: JSONValue) {
        guard let status = event["status"]?.string else { return }
        statuses.withLock { $0.append(status) }
        var line = "Webhook: \(status)"
        if let recording = event["rec_id"]?.string { line += ", recording \(recording)" }
        if let milliseconds = event["recording_file_duration_ms"]?.integer, let bytes = event["recording_file_size_bytes"]?.integer {
            line += ", \(milliseconds / 1000).\(milliseconds % 1000 / 100) s, \(bytes / 1024) KiB"
        }
        if let cause = event["termination_cause"]?.string { line += ", \(cause)" }
        DemoTerminal.say(line)
    }
}
