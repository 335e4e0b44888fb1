import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// A recording director among fakes.
struct RecordingBench {
    static let webhook = Redacted("https://example.org/hook")

    let clock = TestClock()
    let launcher = FakeLauncher()
    let hub = FakeHub()
    let files = FakeFiles()
    let ledger = MemoryLedger()
    let delivery = FakeDelivery()
    let destinations = MemoryDestinations()
    let updates = Journal<RecordingUpdate>()
    let services: RecordingServices
    let director: RecordingDirector

    init(_ configure: (inout RecordingSettings) -> Void = { _ in }) {
        var settings = RecordingSettings()
        configure(&settings)
        services = RecordingServices(
            launcher: launcher, hub: hub, files: files, ledger: ledger,
            outbox: OutboxWriter(reporter: EventReporter(translators: [PlainTranslator()]), clock: clock.clock, service: delivery),
            destinations: DestinationDirectory(store: destinations, configured: settings.destination), streaming: NoStreaming(),
            clock: clock.clock,
            settings: settings, logger: Sample.logger)
        director = RecordingDirector(services: services)
    }

    /// The states that the session was told, with their messages.
    var told: [String] { updates.all.map { $0.message.isEmpty ? $0.state.signalingName : "\($0.state.signalingName): \($0.message)" } }

    /// Asks for a recording of the stream; `isLive`: with its source.
    func start(
        _ stream: LiveStream = Sample.stream(), isLive: Bool = true, _ order: (inout RecordingRequest) -> Void = { _ in }
    ) async throws(BridgeError) -> RecordingID {
        var request = RecordingRequest(context: stream.context, webhookURL: Self.webhook)
        order(&request)
        let updates = updates
        return try await director.start(request, tracks: stream.tracks, source: { isLive ? stream : nil }) { updates.note($0) }
    }

    /// The same with a recorder that has written its first frame.
    func startRecording(_ order: (inout RecordingRequest) -> Void = { _ in }) async throws -> (RecordingID, FakePipeline) {
        let count = launcher.pipelines.count
        let id = try await start(Sample.stream(), order)
        let recorder = try #require(await launcher.pipeline(count + 1))
        recorder.say(.firstFrame(writtenAt: clock.wall, capturedAt: nil))
        #expect(await reaches(.recording, id))
        return (id, recorder)
    }

    func refusal(_ stream: LiveStream = Sample.stream(), _ order: (inout RecordingRequest) -> Void = { _ in }) async -> BridgeError.Code? {
        do throws(BridgeError) {
            _ = try await start(stream, order)
            return nil
        } catch {
            return error.code
        }
    }

    /// True when the recording's row is committed in this state.
    func reaches(_ state: RecordingState, _ id: RecordingID) async -> Bool {
        await eventually { (try? await ledger.recording(id))?.state == state }
    }

    /// True when the director has nothing to do any more.
    func isIdle() async -> Bool { await eventually { await director.count == 0 } }
}

extension FakePipeline {
    /// The plan of a recorder.
    var recordPlan: RecordPlan? {
        guard case .record(let plan) = plan.work else { return nil }
        return plan
    }

    /// The plan of a finisher.
    var finishPlan: FinishPlan? {
        guard case .finish(let plan) = plan.work else { return nil }
        return plan
    }

    /// A file of this size was closed properly.
    func closeFile(bytes: Int64 = 5000, seconds: Int64 = 4) { end(.finished(bytes: bytes, duration: .seconds(seconds))) }
}

/// Takes no file before it is complete.
struct NoStreaming: StreamingUploads {
    func grown(_ file: GrowingFile, name: String, of recording: RecordingRow) async {}
    func completed(_ path: String, name: String) async {}
}
