import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization

/// Takes the demo's webhooks and shows them.
final class DemoReceiver: Sendable {
    static let path = "/demo/webhooks"

    private let hasRecording = Atomic(false)

    /// The recording's webhook has come.
    var deliveredAll: Bool { hasRecording.load(ordering: .acquiring) }

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
        guard let status = Self.word(event["status"]) else { return }
        if status == "upload_ready" { hasRecording.store(true, ordering: .releasing) }
        var line = "Webhook: \(status)"
        if let recording = Self.word(event["rec_id"]) { line += ", recording \(recording)" }
        if let milliseconds = event["recording_file_duration_ms"]?.integer, let bytes = event["recording_file_size_bytes"]?.integer {
            line += ", \(milliseconds / 1000).\(milliseconds % 1000 / 100) s, \(bytes / 1024) KiB"
        }
        if let cause = Self.word(event["termination_cause"]) { line += ", \(cause)" }
        DemoTerminal.say(line)
    }

    /// An id or a status, if it is one: anybody on this machine can post here, and a terminal obeys control characters.
    private static func word(_ value: JSONValue?) -> String? {
        guard let text = value?.string, (1...64).contains(text.utf8.count) else { return nil }
        let isWord = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isWord ? text : nil
    }
}
