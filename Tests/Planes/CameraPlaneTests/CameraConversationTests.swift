import Bridge
import BridgeModel
import Testing

@testable import CameraPlane

@Suite struct CameraConversationTests {
    private let recording: JSONValue = ["webhook_url": "https://example.org/hook"]

    private func conversation(records: Bool = true, webhook: String? = nil) -> CameraConversation {
        CameraConversation(recording: records ? recording : Optional.none, webhookURL: webhook.map { Redacted($0) })
    }

    /// A conversation whose offer is on its way.
    private func offered() -> CameraConversation {
        var conversation = conversation()
        _ = conversation.handle(.pipeline(.localDescription(sdp: SampleCall.offer)))
        return conversation
    }

    private func message(_ type: String, _ data: JSONValue = [:]) -> CameraConversation.Input {
        .message(["type": .string(type), "client_id": "c", "session_id": "s", "data": data])
    }

    private func answer(_ sdp: String) -> CameraConversation.Input {
        message("sdp_update", ["sdp": ["type": "answer", "sdp": .string(sdp)]])
    }

    /// The code of the end; nil when there is none or it has no reason.
    private func code(_ effects: [CameraConversation.Effect]) -> BridgeError.Code? {
        guard effects.count == 1, case .end(let error?)? = effects.first else { return nil }
        return error.code
    }

    // MARK: - What the pipeline says

    @Test func theOfferStartsTheSession() {
        var plain = conversation()
        #expect(
            plain.handle(.pipeline(.localDescription(sdp: "o"))) == [
                .send(type: "session_start", data: ["sdp": ["type": "offer", "sdp": "o"], "version": "3"])
            ])
        var reporting = conversation(webhook: "https://example.org/end")
        let expected: JSONValue = ["sdp": ["type": "offer", "sdp": "o"], "version": "3", "webhook_url": "https://example.org/end"]
        #expect(reporting.handle(.pipeline(.localDescription(sdp: "o"))) == [.send(type: "session_start", data: expected)])
    }

    @Test func candidatesOfThePipelineAreSent() {
        var conversation = offered()
        let candidate = IceCandidate(candidate: SampleCall.candidate, sdpMid: "0", sdpMLineIndex: 0)
        let member: JSONValue = ["candidate": .string(SampleCall.candidate), "sdpMid": "0", "sdpMLineIndex": 0]
        #expect(conversation.handle(.pipeline(.candidate(candidate))) == [.send(type: "candidate", data: ["candidate": member])])
        #expect(
            conversation.handle(.pipeline(.candidate(IceCandidate(candidate: "x")))) == [
                .send(type: "candidate", data: ["candidate": ["candidate": "x", "sdpMid": nil, "sdpMLineIndex": nil]])
            ])
        #expect(conversation.handle(.pipeline(.candidate(.end))) == [.send(type: "candidate", data: ["candidate": nil])])
    }

    @Test func aRecordingIsAskedForOnceWhenMediaFlows() {
        var conversation = offered()
        #expect(conversation.handle(.pipeline(.connected)) == [.live, .send(type: "recording_start", data: recording)])
        #expect(conversation.handle(.pipeline(.disconnected)) == [])
        #expect(conversation.handle(.pipeline(.connected)) == [])
        var silent = self.conversation(records: false)
        #expect(silent.handle(.pipeline(.connected)) == [.live])
    }

    @Test func theEndOfThePipelineIsTheEnd() {
        let reason = BridgeError(.fingerprintMismatch, "false certificate")
        var failing = offered()
        #expect(failing.handle(.pipeline(.failed(reason))) == [.end(reason)])
        var finishing = offered()
        #expect(code(finishing.handle(.pipeline(.finished(bytes: 0, duration: .zero)))) == .connectionLost)
    }

    @Test(arguments: [
        PipelineEvent.ready, .started, .disconnected, .keyframeNeeded(track: 0), .segmentClosed(bytes: 1, duration: .zero), .alive,
        .stats(PipelineStats()), .warning(code: .pipelineFailed, message: ""),
        .firstFrame(writtenAt: WallTime(milliseconds: 0), capturedAt: nil),
    ]) func whatElseThePipelineSaysIsNoMatter(_ event: PipelineEvent) {
        var conversation = offered()
        #expect(conversation.handle(.pipeline(event)) == [])
    }

    // MARK: - What the bridge says

    @Test func theAnswerGoesToThePipelineAfterTheGate() throws {
        var conversation = offered()
        let effects = conversation.handle(answer(SampleCall.answer))
        guard effects.count == 1, case .command(.remoteDescription(let sdp, let fingerprints))? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(sdp.contains("a=recvonly") && sdp.contains("a=setup:active"))
        #expect(fingerprints == [Fingerprint(algorithm: "sha-256", value: "CD" + String(repeating: ":CD", count: 31))])
    }

    @Test(arguments: ["", "garbage", SampleCall.refusal, SampleCall.answer.replacing("a=setup:active", with: "a=setup:actpass")])
    func anAnswerThatDoesNotFitIsTheEnd(_ sdp: String) {
        var conversation = offered()
        #expect(code(conversation.handle(answer(sdp))) == .unacceptableOffer)
    }

    @Test func anAnswerBeforeTheOfferIsIgnored() {
        var conversation = conversation()
        #expect(conversation.handle(answer(SampleCall.answer)) == [])
    }

    @Test func candidatesOfTheBridgeGoToThePipeline() {
        var conversation = offered()
        let data: JSONValue = ["candidate": ["candidate": .string(SampleCall.candidate), "sdpMid": "0", "sdpMLineIndex": 4]]
        let effects = conversation.handle(message("candidate", data))
        guard effects.count == 1, case .command(.candidate(let candidate))? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(candidate.candidate.contains("192.0.2.17 5001") && candidate.sdpMid == "0" && candidate.sdpMLineIndex == 0)
    }

    @Test(arguments: [JSONValue.null, ["candidate": nil], ["candidate": ["candidate": ""]], [:]])
    func anEmptyCandidateEndsTheList(_ data: JSONValue) {
        var conversation = offered()
        #expect(conversation.handle(message("candidate", data)) == [.command(.candidate(.end))])
    }

    @Test func aCandidateThatCannotBeReadIsLeftOut() {
        var conversation = offered()
        #expect(conversation.handle(message("candidate", ["candidate": ["candidate": "garbage"]])) == [])
    }

    @Test func recordingStatesAreReported() {
        var conversation = offered()
        #expect(
            conversation.handle(message("recording_state", ["state": "uploaded", "rec_id": "r", "msg": ""])) == [
                .recording(.delivered, id: "r")
            ])
        for data: JSONValue in [[:], ["state": "uploaded"], ["state": "unheard of", "rec_id": "r"], ["state": 5, "rec_id": "r"]] {
            #expect(conversation.handle(message("recording_state", data)) == [])
        }
    }

    @Test func aRefusedOfferIsTheEndAndOtherRefusalsAreToldOnly() {
        var conversation = offered()
        let refused: JSONValue = ["code": "storage_full", "msg": "full", "in_reply_to": "recording_start"]
        #expect(conversation.handle(message("error", refused)) == [.refused("storage_full: full")])
        #expect(conversation.handle(message("error", ["in_reply_to": nil])) == [.refused(": ")])
        #expect(code(conversation.handle(message("error", ["msg": "no", "in_reply_to": "session_start"]))) == .unacceptableOffer)
    }

    @Test func aTerminatedSessionIsTheEnd() {
        var conversation = offered()
        #expect(code(conversation.handle(message("session_terminated", ["termination_cause": "REPLACED"]))) == .connectionLost)
        #expect(code(conversation.handle(message("session_terminated"))) == .connectionLost)
        #expect(code(conversation.handle(.socketClosed)) == .connectionLost)
    }

    @Test(arguments: [JSONValue.null, [], "text", 5, [:], ["type": 5], ["type": "unheard of"], ["data": "text", "type": "sdp_update"]])
    func messagesThatMeanNothingDoNoHarm(_ message: JSONValue) {
        var conversation = conversation()
        #expect(conversation.handle(.message(message)) == [])
    }

    // MARK: - Stopping

    @Test func stoppingSaysGoodbyeAndWaitsForTheAnswer() {
        var conversation = offered()
        #expect(conversation.handle(.stop) == [.send(type: "session_stop", data: [:]), .command(.stop(deadline: .seconds(1)))])
        #expect(
            conversation.handle(message("recording_state", ["state": "finalizing", "rec_id": "r"])) == [.recording(.closing, id: "r")])
        #expect(conversation.handle(message("session_terminated", ["termination_cause": "CLIENT_STOP"])) == [.end(nil)])
    }

    @Test func whateverEndsAStoppedSessionIsNoFault() {
        for end in [CameraConversation.Input.socketClosed, message("session_terminated")] {
            var conversation = offered()
            _ = conversation.handle(.stop)
            // The child was told to stop; the last word is the bridge's.
            for child: PipelineEvent in [.failed(BridgeError(.pipelineCrashed, "")), .finished(bytes: 0, duration: .zero)] {
                #expect(conversation.handle(.pipeline(child)) == [])
            }
            #expect(conversation.handle(end) == [.end(nil)])
        }
    }
}
