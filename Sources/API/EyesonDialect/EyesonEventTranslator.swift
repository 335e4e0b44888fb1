package import Bridge
package import BridgeModel
import HTTPCore

/// Puts facts into the dialect's webhooks (contract section 8). The bytes of a body are the same in every attempt.
package struct EyesonEventTranslator: EventTranslator {
    package init() {}

    /// At most one webhook: to the URL that was registered with the object.
    package func webhooks(for event: BridgeEvent, at moment: WallTime) -> [WebhookMessage] {
        switch event {
        case .recordingDelivered(let row): message(to: row.webhookURL, row.context, Self.uploadReady(row), at: moment)
        case .recordingFailed(let row): message(to: row.webhookURL, row.context, Self.uploadFailed(row), at: moment)
        case .sessionEnded(let row): message(to: row.webhookURL, row.context, Self.sessionFinished(row), at: moment)
        // The contract has no words for them.
        case .sessionStarted, .streamStarted, .streamEnded, .streamEvent, .recordingAdvanced, .storageLow, .destinationFailing,
            .recordingKept, .conferenceConnected, .conferenceDisconnected, .conferenceTroubled, .conferenceTroubleEnded,
            .conferenceFailed, .compositeStarted, .compositeEnded, .room,
            .camera, .roomRecordingReady:
            []
        }
    }

    private func message(
        to url: Redacted<String>?, _ context: SessionContext, _ members: [JSONText.Member], at moment: WallTime
    ) -> [WebhookMessage] {
        guard let url else { return [] }
        let body = JSONText.object(members + [.init("event_at", .string(moment.iso8601))]).text
        return [WebhookMessage(url: url, body: body, account: context.account, session: context.session)]
    }

    private static func uploadReady(_ row: RecordingRow) -> [JSONText.Member] {
        [
            .init("status", .string("upload_ready")),
            .init("msg", .string(row.state == .ready ? "recording stored" : "recording uploaded")),
            .init("client_id", .string(row.context.client.rawValue)), .init("rec_id", .string(row.id.rawValue)),
            .init("recording_started_at", .string(row.startedAt.iso8601)),
            .init("recording_first_frame_written_at", .optional(row.firstFrameWrittenAt?.iso8601)),
            .init("recording_first_peerframe_captured_at", .optional(row.firstFrameCapturedAt?.iso8601)),
            .init("recording_stopped_at", .optional(row.stoppedAt?.iso8601)),
            .init("recording_file_duration_ms", .integer(row.durationMilliseconds ?? 0)),
            .init("recording_file_size_bytes", .integer(row.sizeBytes ?? 0)), .init("session_id", .string(row.context.session.rawValue)),
        ]
    }

    private static func uploadFailed(_ row: RecordingRow) -> [JSONText.Member] {
        let status = row.uploadStatus ?? 0
        return [
            .init("status", .string("upload_failed")), .init("msg", .string(reason(row, status: status))),
            .init("client_id", .string(row.context.client.rawValue)), .init("rec_id", .string(row.id.rawValue)),
            .init("upload_status_code", .integer(Int64(status))), .init("session_id", .string(row.context.session.rawValue)),
        ]
    }

    /// The destination's status tells more than our own sentence about it.
    private static func reason(_ row: RecordingRow, status: Int) -> String {
        guard status == 0 else { return "destination replied \(status)" }
        switch row.failure?.code {
        case .noMedia: return "no media"
        case .storageFull: return "storage full"
        default: return row.failure?.message ?? "no reply from the destination"
        }
    }

    private static func sessionFinished(_ row: SessionRow) -> [JSONText.Member] {
        [
            .init("status", .string("session_finished")), .init("msg", .string("session ended")),
            .init("client_id", .string(row.context.client.rawValue)), .init("session_id", .string(row.context.session.rawValue)),
            .init("termination_cause", .string((row.cause ?? .internalError).rawValue)),
        ]
    }
}
