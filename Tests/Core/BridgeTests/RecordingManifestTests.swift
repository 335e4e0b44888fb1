import BridgeModel
import Testing

@testable import Bridge

@Suite struct RecordingManifestTests {
    @Test func itSaysWhatTheFileIs() throws {
        var segment = SegmentRow(
            recording: RecordingID("r1"), number: 2, stream: StreamID("door"), container: .mp4, file: "r1-2.mp4", state: .ready)
        segment.startedAt = WallTime(milliseconds: 1_709_283_601_480)
        segment.duration = .milliseconds(61_020)
        segment.sizeBytes = 5_000_000_000
        segment.sha256 = "ab12"
        segment.gaps = [RecordingGap(offset: .seconds(3), length: .milliseconds(1500), cause: .source)]
        let context = SessionContext(
            session: SessionID("s\"1"), account: AccountID("a"), client: ClientID("cam"), stream: StreamID("door"), direction: .publish)
        let tracks = [
            RecordedTrack(kind: .video, codec: "avc1.42E01F", width: 640, height: 360),
            RecordedTrack(kind: .audio, codec: "opus", channels: 2, sampleRate: 48_000),
        ]
        let expected = """
            {"version":1,"recording":"r1","segment":2,"stream":"door","device":"cam","account":"a","session":"s\\"1","file":"r1-2.mp4",\
            "container":"mp4","size_bytes":5000000000,"sha256":"ab12","started_at":"2024-03-01T09:00:01.480Z",\
            "ended_at":"2024-03-01T09:01:02.500Z","duration_ms":61020,\
            "tracks":[{"kind":"video","codec":"avc1.42E01F","width":640,"height":360},\
            {"kind":"audio","codec":"opus","channels":2,"sample_rate":48000}],\
            "gaps":[{"offset_ms":3000,"length_ms":1500,"cause":"source"}]}
            """
        #expect(RecordingManifest(segment: segment, context: context, tracks: tracks).json.text == expected)
        #expect(RecordingManifest.fileName(of: segment.file) == "r1-2.mp4.json")
    }

    @Test func whatIsNotKnownIsNull() throws {
        let segment = SegmentRow(recording: RecordingID("r"), number: 1, stream: StreamID("s"), container: .webm, file: "r.webm")
        let context = SessionContext(
            session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("s"), direction: .publish)
        let text = RecordingManifest(segment: segment, context: context, tracks: []).json.text
        #expect(text.contains("\"sha256\":null,\"started_at\":null,\"ended_at\":null"))
    }
}
