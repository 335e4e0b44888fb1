import Bridge
import BridgeModel
import StoragePlane
import Synchronization
import Testing

@testable import DeliveryPlane

/// Says what it was asked, and what it is told to say.
private final class FakePlaces: DestinationKeeping, SpoolErasing, DeliveryService {
    struct Memory {
        var erased: [RecordingID] = []
        var removed: [DeliveredCopy] = []
        var spoolFailure: BridgeError?
        var outcomes: [AttemptOutcome] = []
    }

    let memory = Mutex(Memory())

    func erase(_ recording: RecordingID, _ segments: [SegmentRow]) async throws(BridgeError) {
        let failure = memory.withLock { memory in
            memory.erased.append(recording)
            return memory.spoolFailure
        }
        if let failure { throw failure }
    }

    func remove(_ copy: DeliveredCopy, of recording: RecordingRow) async -> AttemptOutcome {
        memory.withLock { memory in
            memory.removed.append(copy)
            return memory.outcomes.isEmpty ? .stored : memory.outcomes.removeFirst()
        }
    }

    func inspect(
        _ copy: DeliveredCopy, of recording: RecordingRow, against segment: SegmentRow, progress: @escaping @Sendable (Int64) -> Void
    ) async -> CopyFinding { .present }
    func wake() {}
    func drain(limit: Duration) async -> Bool { true }
}

@Suite struct DeletionRunnerTests {
    private let folder: TestFolder
    private let ledger: SQLiteLedger
    private let places = FakePlaces()
    private let clock = VirtualClock()
    private let runner: DeletionRunner
    private let id = RecordingID("r1")

    init() throws {
        folder = try TestFolder()
        ledger = try folder.ledger()
        var settings = UploadSettings()
        settings.schedule = [.seconds(10), .seconds(10)]
        runner = DeletionRunner(
            .init(ledger: ledger, spool: places, destinations: places, webhooks: places),
            settings: UploadRunnerSettings(settings, reporter: EventReporter(translators: [])),
            environment: OutboxEnvironment(logger: .silent, clock: clock))
    }

    private func order(destination: Bool) async throws {
        let context = SessionContext(
            session: SessionID("s1"), account: AccountID("acme"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
        let row = RecordingRow(
            id: id, context: context, state: .delivered, container: .webm, file: "r1.webm", destination: .folder(path: "/srv"),
            webhookURL: nil, startedAt: clock.now)
        let segment = SegmentRow(
            recording: id, number: 1, stream: StreamID("c"), container: .webm, file: "r1.webm", state: .delivered)
        try await ledger.commit([.recording(row), .segment(segment)])
        let order = DeletionOrder(by: .commandLine, cause: "ordered", includesDestination: destination)
        let now = clock.now
        try await ledger.settle(id) { row, segments in (try? row.removal(order, segments, at: now).get()) ?? [] }
    }

    private func step() async throws -> Deletion? { try await ledger.recording(id)?.deletion }

    private func actions() async throws -> [String] {
        try await ledger.audit(after: 0, limit: 100, recording: id).map { "\($0.draft.action.rawValue) \($0.draft.outcome.rawValue)" }
    }

    @Test func filesAloneAreRemovedInOneStep() async throws {
        try await order(destination: false)
        #expect(await runner.work() == nil)
        #expect(try await step()?.step == .done)
        #expect(places.memory.withLock { $0.erased } == [id] && places.memory.withLock { $0.removed }.isEmpty)
        #expect(try await actions() == ["delete done", "deleted done"])
        #expect(try await ledger.events(after: 0, limit: 9, session: nil).events.map(\.kind) == [.recordingDeleted])
    }

    @Test func aDestinationIsAskedAgainBySchedule() async throws {
        places.memory.withLock { $0.outcomes = [.failed(.unreachable), .replied(status: 503, retryAfter: nil)] }
        try await order(destination: true)
        let first = try #require(await runner.work())
        #expect(try await step()?.step == .destination)
        #expect(await runner.work() == first, "not before its time")
        clock.advance(to: first)
        let second = try #require(await runner.work())
        clock.advance(to: second)
        #expect(await runner.work() == nil)
        let ended = try await step()
        #expect(ended?.step == .done && ended?.attempts == 3)
        #expect(places.memory.withLock { $0.erased } == [id], "its files are gone already")
        #expect(places.memory.withLock { $0.removed }.first == DeliveredCopy(file: "r1.webm", destination: .folder(path: "/srv")))
        #expect(try await actions() == ["delete done", "deleted done"])
    }

    @Test func whatTheDestinationKeepsIsSaid() async throws {
        places.memory.withLock { $0.outcomes = Array(repeating: .refused(status: 403, .credentials), count: 3) }
        try await order(destination: true)
        while let next = await runner.work() { clock.advance(to: next) }
        let deletion = try #require(try await step())
        #expect(deletion.step == .failed && deletion.lastStatus == 403 && deletion.lastError?.contains("locked") == true)
        #expect(try await actions() == ["delete done", "deleted failed"])
        #expect(try await ledger.events(after: 0, limit: 9, session: nil).events.map(\.kind) == [.recordingDeletionFailed])
    }

    @Test func aFileThatDoesNotGoIsTriedAgain() async throws {
        places.memory.withLock { $0.spoolFailure = BridgeError(.internal, "read-only") }
        try await order(destination: true)
        let next = try #require(await runner.work())
        let stuck = try await step()
        #expect(stuck?.step == .files && stuck?.lastError == "read-only")
        #expect(places.memory.withLock { $0.removed }.isEmpty, "the object stays as long as the file does")
        places.memory.withLock { $0.spoolFailure = nil }
        clock.advance(to: next)
        #expect(await runner.work() == nil)
        #expect(try await step()?.step == .done)
    }

    @Test func whatWasUnderWayIsDueAfterARestart() async throws {
        try await order(destination: true)
        // The process ended between the decision and the first step: another runner over the same rows goes on.
        let other = DeletionRunner(
            .init(ledger: ledger, spool: places, destinations: places, webhooks: places),
            settings: UploadRunnerSettings(UploadSettings(), reporter: EventReporter(translators: [])),
            environment: OutboxEnvironment(logger: .silent, clock: clock))
        #expect(await other.work() == nil)
        #expect(try await step()?.step == .done)
    }

    @Test func aFolderLetsGoOfAFileAndOfNone() async throws {
        let performer = try routes(folder).uploads.folders
        try folder.spoolFile("x.webm", length: 100)
        #expect(SpoolFile(folder: folder.spool, name: "x.webm") != nil)
        #expect(await performer.remove("x.webm", in: folder.spool) == .stored)
        #expect(await performer.remove("x.webm", in: folder.spool) == .stored)
        #expect(SpoolFile(folder: folder.spool, name: "x.webm") == nil)
        #expect(await performer.remove("spool", in: folder.path).sentence != nil, "a folder is no file")
    }
}
