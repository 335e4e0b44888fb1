import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

@Suite struct RecordingCatalogTests {
    private let bench = RecordingBench()
    private let streams: StreamRegister
    private let catalog: any RecordingCommands
    private let camera = StreamID("camera")

    init() {
        streams = StreamRegister(hub: bench.hub, clock: bench.clock.clock)
        let clock = bench.clock.clock
        catalog = RecordingCatalog(
            director: bench.director, streams: streams, ledger: bench.ledger, files: bench.files, now: clock.now)
    }

    private func code(_ body: () async throws -> Void) async -> BridgeError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? BridgeError)?.code
        }
    }

    @Test func aLiveStreamIsRecordedAsItSuitsItsCodecs() async throws {
        _ = await streams.publish(Sample.stream(tracks: [Sample.h264, Sample.opus]), sources: [])
        let row = try await catalog.startRecording(of: camera, RecordingOrder(webhookURL: RecordingBench.webhook))
        #expect(row.state == .armed && row.container == .mp4 && row.context == Sample.context("s1"))
        #expect(row.webhookURL == RecordingBench.webhook && row.destination == .keep)
        #expect(try await catalog.recording(row.id) == row)
        #expect(await code { _ = try await catalog.startRecording(of: camera, RecordingOrder()) } == .limitReached)
    }

    @Test func theOrderSaysWhereAndInWhatContainer() async throws {
        _ = await streams.publish(Sample.stream(), sources: [])
        let order = RecordingOrder(destination: .to(.folder(path: "/out")), container: .matroska)
        let row = try await catalog.startRecording(of: camera, order)
        #expect(row.destination == .folder(path: "/out") && row.file == "\(row.id).mkv")
    }

    @Test func aStreamThatIsNotPublishedNowCannotBeRecorded() async throws {
        #expect(await code { _ = try await catalog.startRecording(of: camera, RecordingOrder()) } == .notFound)
        let stream = Sample.stream()
        _ = await streams.publish(stream, sources: [])
        await streams.sourceEnded(stream.peer, of: camera)
        #expect(await code { _ = try await catalog.startRecording(of: camera, RecordingOrder()) } == .notFound)
    }

    @Test func stoppingShowsTheRowAsItIsThen() async throws {
        let (id, recorder) = try await bench.startRecording()
        #expect(try await catalog.stopRecording(id).state == .closing)
        #expect(try await catalog.file(of: id, segment: 1) == nil)
        recorder.closeFile()
        #expect(await bench.isIdle())
        #expect(try await catalog.stopRecording(id).state == .ready)
        #expect(try await catalog.file(of: id, segment: 1) == "/spool/\(id).webm")
        #expect(await code { _ = try await catalog.stopRecording(RecordingID("unknown")) } == .notFound)
    }

    @Test func aCompleteFileIsRegisteredWithItsHashAndTold() async throws {
        let (id, recorder) = try await bench.startRecording()
        try await bench.director.stop(id)
        recorder.closeFile()
        #expect(await eventually { (try? await catalog.segments(of: id))?.first?.sha256 == "hash of \(id).webm" })
        #expect(bench.ledger.events.contains { $0.kind == .recordingSegment })
    }

    @Test func whatWasCompleteBeforeARestartIsRegisteredAtTheStart() async throws {
        let (id, recorder) = try await bench.startRecording()
        try await bench.director.stop(id)
        recorder.closeFile()
        #expect(await eventually { (try? await catalog.segments(of: id))?.first?.sha256 != nil })
        var segment = try #require(await catalog.segments(of: id).first)
        segment.sha256 = nil
        try await bench.ledger.commit([.segment(segment)])
        try await RecordingDirector(services: bench.services).recover()
        #expect(await eventually { (try? await catalog.segments(of: id))?.first?.sha256 != nil })
    }

    @Test func theListComesFromTheLedger() async throws {
        let (first, _) = try await bench.startRecording()
        bench.clock.advance(by: .seconds(1))
        let second = try await bench.start(Sample.stream(Sample.context("s2", client: "b")))
        #expect(try await catalog.recordings(limit: 10, after: nil).map(\.id) == [second, first])
        #expect(try await catalog.recordings(limit: 1, after: nil).map(\.id) == [second])
        #expect(try await catalog.recordings(limit: 10, after: second).map(\.id) == [first])
        #expect(try await catalog.recording(RecordingID("unknown")) == nil)
        #expect(try await catalog.file(of: RecordingID("unknown"), segment: 1) == nil)
    }

    @Test func aLedgerThatCannotBeReadIsToldAsSuch() async throws {
        bench.ledger.fail(2)
        #expect(await code { _ = try await catalog.recordings(limit: 1, after: nil) } == .unavailable)
        #expect(await code { _ = try await catalog.recording(RecordingID("r")) } == .unavailable)
    }
}
