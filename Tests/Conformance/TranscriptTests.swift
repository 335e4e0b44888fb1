import Testing

/// The transcripts of the wire contract, played on the machines alone and on the whole signalling plane.
@Suite struct TranscriptTests {
    @Test(arguments: Transcript.all.filter { $0.isFor("machine") }) func onTheMachine(transcript: Transcript) async {
        var runner = TranscriptRunner(transcript, on: MachineStage(TranscriptSession.context(of: transcript)))
        await runner.play()
    }

    @Test(arguments: Transcript.all.filter { $0.isFor("plane") }) func onThePlane(transcript: Transcript) async {
        var runner = TranscriptRunner(transcript, on: PlaneStage(TranscriptSession.context(of: transcript)))
        await runner.play()
    }

    @Test(arguments: Transcript.all.filter { $0.isFor("room") }) func inARoom(transcript: Transcript) async {
        var runner = TranscriptRunner(transcript, on: RoomStage(transcript))
        await runner.play()
    }

    @Test(arguments: Transcript.all.filter { $0.isFor("camera") }) func ofACamera(transcript: Transcript) async {
        var runner = TranscriptRunner(transcript, on: CameraStage())
        await runner.play()
    }

    @Test func everyTranscriptOfTheContractIsThere() {
        let names = Set(Transcript.all.map(\.name))
        let required: Set = [
            "happy-path", "wrong-token", "malformed-json", "duplicate-session-start", "candidate-before-offer", "reconnect",
            "reconnect-never", "webhook-destination-down", "room-media", "room-knock", "room-chat", "room-board", "room-return",
            "room-refused", "room-link", "camera-agent", "camera-refused",
        ]
        #expect(required.isSubset(of: names), "missing: \(required.subtracting(names))")
    }

    @Test func everyTranscriptIsPlayedBySomebody() {
        for transcript in Transcript.all {
            #expect(["machine", "plane", "live", "room", "camera"].contains { transcript.isFor($0) }, "\(transcript)")
            #expect(!transcript.steps.isEmpty, "\(transcript)")
        }
    }
}
