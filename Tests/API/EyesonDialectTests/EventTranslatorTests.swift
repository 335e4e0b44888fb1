import Bridge
import BridgeModel
import EyesonDialect
import Testing

@Suite struct EventTranslatorTests {
    private let context = SessionContext(
        session: SessionID("98f06660-5434-4a9c-ae65-0291d5622624"), account: AccountID("acme"), client: ClientID("client-0"),
        stream: StreamID("client-0"), direction: .publish)
    /// 2024-03-01T09:00:00.000Z.
    private let start: Int64 = 1_709_283_600_000

    private func moment(_ milliseconds: Int64) -> WallTime { WallTime(milliseconds: start + milliseconds) }

    private func recording(_ state: RecordingState) -> RecordingRow {
        var row = RecordingRow(
            id: RecordingID("b7c1c1de-0000-4000-8000-000000000001"), context: context, state: state, container: .webm, file: "f.webm",
            destination: .keep, webhookURL: Redacted("https://yourserver.example/rec"), startedAt: moment(1120))
        row.firstFrameWrittenAt = moment(1480)
        row.firstFrameCapturedAt = moment(1301)
        row.stoppedAt = moment(241_500)
        row.durationMilliseconds = 240_020
        row.sizeBytes = 31_457_280
        return row
    }

    private func body(_ event: BridgeEvent, at milliseconds: Int64 = 243_007) -> String? {
        let webhooks = EyesonEventTranslator().webhooks(for: event, at: moment(milliseconds))
        #expect(webhooks.count <= 1)
        return webhooks.first?.body
    }

    /// Contract section 8, the example.
    @Test func anUploadedRecordingIsTheExample() {
        let expected =
            #"{"status":"upload_ready","msg":"recording uploaded","client_id":"client-0","rec_id":"b7c1c1de-0000-4000-8000-000000000001","#
            + #""recording_started_at":"2024-03-01T09:00:01.120Z","recording_first_frame_written_at":"2024-03-01T09:00:01.480Z","#
            + #""recording_first_peerframe_captured_at":"2024-03-01T09:00:01.301Z","recording_stopped_at":"2024-03-01T09:04:01.500Z","#
            + #""recording_file_duration_ms":240020,"recording_file_size_bytes":31457280,"#
            + #""session_id":"98f06660-5434-4a9c-ae65-0291d5622624","event_at":"2024-03-01T09:04:03.007Z"}"#
        #expect(body(.recordingDelivered(recording(.delivered))) == expected)
    }

    @Test func whatNobodyKnowsIsNullAndWhatStaysIsStored() throws {
        var row = recording(.ready)
        row.firstFrameCapturedAt = nil
        let text = try #require(body(.recordingDelivered(row)))
        #expect(text.contains(#""msg":"recording stored""#))
        #expect(text.contains(#""recording_first_peerframe_captured_at":null"#))
    }

    /// Contract section 16: the vectors leave out `session_id` here, and `event_at` in both.
    @Test func failuresAndEndsAreTheVectors() throws {
        var failed = recording(.failed)
        failed.uploadStatus = 403
        failed.failure = BridgeError(.unavailable, "The destination refused.")
        let extra = #","session_id":"98f06660-5434-4a9c-ae65-0291d5622624","event_at":"2024-03-01T09:04:03.007Z"}"#
        let failure = try #require(body(.recordingFailed(failed)))
        #expect(
            failure.replacing(extra, with: "}")
                == #"{"status":"upload_failed","msg":"destination replied 403","client_id":"client-0","rec_id":"b7c1c1de-0000-4000-8000-000000000001","upload_status_code":403}"#
        )
        var row = SessionRow(context: context, state: .terminated, webhookURL: Redacted("https://x.example/"), createdAt: moment(0))
        row.cause = .clientStop
        let end = try #require(body(.sessionEnded(row)))
        #expect(
            end.replacing(#","event_at":"2024-03-01T09:04:03.007Z"}"#, with: "}")
                == #"{"status":"session_finished","msg":"session ended","client_id":"client-0","session_id":"98f06660-5434-4a9c-ae65-0291d5622624","termination_cause":"CLIENT_STOP"}"#
        )
    }

    @Test(arguments: [
        (BridgeError(.noMedia, "No keyframe came."), "no media"), (BridgeError(.storageFull, "The disk is full."), "storage full"),
        (BridgeError(.pipelineCrashed, "The recorder crashed."), "The recorder crashed."),
    ]) func failuresWithoutAReplyHaveStatusZero(_ error: BridgeError, _ message: String) throws {
        var row = recording(.failed)
        row.failure = error
        let text = try #require(body(.recordingFailed(row)))
        #expect(text.contains("\"msg\":\"\(message)\"") && text.contains(#""upload_status_code":0,"#))
    }

    @Test func namesAreEscaped() throws {
        var row = SessionRow(context: context, state: .terminated, webhookURL: Redacted("https://x.example/"), createdAt: moment(0))
        row.context.client = ClientID("a\"\\b</script>")
        #expect(try #require(body(.sessionEnded(row))).contains(#""client_id":"a\"\\b</script>""#))
    }

    @Test func nobodyIsToldWhoDidNotAsk() {
        var row = recording(.delivered)
        row.webhookURL = nil
        #expect(body(.recordingDelivered(row)) == nil)
        #expect(body(.sessionEnded(SessionRow(context: context, state: .terminated, webhookURL: nil, createdAt: moment(0)))) == nil)
    }

    @Test func aWebhookGoesToTheObjectsOwnURLForItsAccount() throws {
        let webhook = try #require(EyesonEventTranslator().webhooks(for: .recordingDelivered(recording(.delivered)), at: moment(0)).first)
        #expect(webhook.url.revealed == "https://yourserver.example/rec")
        #expect(webhook.account == AccountID("acme") && webhook.session == context.session)
    }
}
