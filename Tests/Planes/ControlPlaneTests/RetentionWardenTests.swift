import Bridge
import BridgeModel
import BridgeTesting
import Testing

@testable import ControlPlane

@Suite struct RetentionWardenTests {
    private let ledger = MemoryLedger()
    private let bells = Bells()
    private let news = News()
    private let clock = TestClock()
    private static let camera = StreamID("camera")
    private static let yard = StreamID("yard")

    /// Counts how often the deletions were woken.
    private final class Bells: DeletionService {
        private let rung = Journal<Void>()
        var count: Int { rung.all.count }
        func wake() { rung.note(()) }
    }

    /// Hears of uploads first.
    private final class News: UploadObserver {
        private let heard = Journal<RecordingID>()
        var all: [RecordingID] { heard.all }
        func recordingChanged(_ row: RecordingRow) async { heard.note(row.id) }
    }

    private func warden(_ rule: RetentionRule) -> RetentionWarden {
        RetentionWarden(
            ledger: ledger, deletions: bells, next: news, settings: RetentionSettings(rule: rule, interval: .seconds(60)),
            clock: clock.clock, logger: Sample.logger)
    }

    /// A recording that ended so many hours ago, with a file of 10 bytes.
    @discardableResult
    private func add(
        _ id: String, hours: Int, _ stream: StreamID = camera, _ state: RecordingState = .ready, to destination: Destination = .keep,
        bytes: Int64 = 10
    ) async throws -> RecordingRow {
        let context = Sample.context("s-\(id)", stream: stream.rawValue)
        var row = RecordingRow(
            id: RecordingID(id), context: context, state: state, container: .webm, file: "\(id).webm", destination: destination,
            webhookURL: nil, startedAt: clock.wall.advanced(by: .seconds(-3600 * hours - 60)))
        row.stoppedAt = state.isRunning ? nil : clock.wall.advanced(by: .seconds(-3600 * hours))
        var segment = SegmentRow(
            recording: row.id, number: 1, stream: stream, container: .webm, file: row.file, state: bytes > 0 ? .ready : .removed)
        segment.sizeBytes = bytes
        try await ledger.commit([.recording(row), .segment(segment)])
        return row
    }

    /// What was given up, in its order: the recording, why, and whether its destination's copy goes, too.
    private var givenUp: [String] {
        let changes: [LedgerChange] = ledger.transactions.flatMap { $0 }
        return changes.compactMap { (change: LedgerChange) -> String? in
            guard case .deletion(let id, let deletion) = change else { return nil }
            let reach = deletion.includesDestination ? " everywhere" : ""
            return "\(id) \(deletion.cause)\(reach) by \(deletion.by)"
        }
    }

    @Test func withoutARuleNothingIsLookedAt() async throws {
        try await add("old", hours: 90_000)
        await warden(RetentionRule()).sweep()
        #expect(givenUp.isEmpty && bells.count == 0)
    }

    @Test func whatARuleGivesUpIsDurableWithItsFilesAndItsLine() async throws {
        for hour in 1...3 { try await add("r\(hour)", hours: hour) }
        await warden(RetentionRule(count: 1)).sweep()
        #expect(givenUp == ["r3 count by retention", "r2 count by retention"] && bells.count == 1)
        let last = try #require(ledger.transactions.last)
        #expect(last.count == 3, "the file's row, the deletion and the line of the audit log in one")
        #expect(try await ledger.segments(of: RecordingID("r2")).map(\.state) == [.removed])
        #expect(try await ledger.segments(of: RecordingID("r1")).map(\.state) == [.ready])
        await warden(RetentionRule(count: 1)).sweep()
        #expect(givenUp.count == 2 && bells.count == 1, "a second look finds nothing")
    }

    @Test func aStreamsOwnRuleStandsInPlaceOfTheConfigured() async throws {
        try await add("c1", hours: 5)
        try await add("y1", hours: 5, Self.yard)
        try await ledger.setRetentionRule(RetentionRule(), of: Self.camera)
        await warden(RetentionRule(age: .seconds(3600))).sweep()
        #expect(givenUp == ["y1 age by retention"])
        try await add("y2", hours: 5, Self.yard)
        try await ledger.setRetentionRule(RetentionRule(age: .seconds(4 * 3600)), of: Self.camera)
        await warden(RetentionRule()).sweep()
        #expect(givenUp.last == "c1 age by retention", "the other stream has no rule now")
    }

    @Test(
        arguments: [
            (RecordingState.recording, Destination.keep, false, false), (.uploading, .folder(path: "/x"), true, false),
            (.failed, .folder(path: "/x"), false, false), (.failed, .folder(path: "/x"), true, true), (.failed, .keep, false, true),
            (.delivered, .folder(path: "/x"), false, true),
        ])
    func whatIsNotSafeElsewhereStays(state: RecordingState, destination: Destination, undelivered: Bool, goes: Bool) async throws {
        try await add("r", hours: 5, Self.camera, state, to: destination)
        var rule = RetentionRule(age: .seconds(1))
        rule.includesUndelivered = undelivered
        await warden(rule).sweep()
        #expect(givenUp.isEmpty != goes)
    }

    @Test func aHoldThatComesInBetweenIsObeyed() async throws {
        try await add("held", hours: 5)
        try await add("late", hours: 6)
        let ledger = ledger
        let hold = RecordingHold(reason: "case 7", by: .commandLine, placedAt: clock.wall)
        try await ledger.commit([.hold(RecordingID("held"), hold)])
        ledger.afterLook { try? await ledger.commit([.hold(RecordingID("late"), hold)]) }
        await warden(RetentionRule(age: .seconds(1))).sweep()
        #expect(givenUp.isEmpty)
    }

    /// At a plain URL nothing can be removed: there the files go alone.
    @Test(
        arguments: [
            (Destination.folder(path: "/x"), Int64(10), "r age everywhere by retention"),
            (.folder(path: "/x"), 0, "r age everywhere by retention"),
            (.put(url: Redacted("https://example.org/")), 10, "r age by retention"),
            (.put(url: Redacted("https://example.org/")), 0, nil),
        ] as [(Destination, Int64, String?)])
    func whatWasDeliveredGoesWhereItCan(destination: Destination, bytes: Int64, deed: String?) async throws {
        try await add("r", hours: 5, Self.camera, .delivered, to: destination, bytes: bytes)
        var rule = RetentionRule(age: .seconds(1))
        rule.includesDestination = true
        await warden(rule).sweep()
        #expect(givenUp == (deed.map { [$0] } ?? []))
    }

    @Test func aDeliveryIsHeardOfFirstAndThenLookedAt() async throws {
        try await add("old", hours: 5, Self.camera, .delivered)
        let row = try await add("new", hours: 0, Self.camera, .uploading)
        let warden = warden(RetentionRule(age: .seconds(3600)))
        await warden.recordingChanged(row)
        #expect(news.all == [row.id] && givenUp.isEmpty, "it is on its way yet")
        var delivered = row
        delivered.state = .delivered
        await warden.recordingChanged(delivered)
        #expect(news.all == [row.id, row.id] && givenUp == ["old age by retention"])
    }

    @Test func aDatabaseThatFailsIsAskedAgain() async throws {
        try await add("old", hours: 5)
        let warden = warden(RetentionRule(age: .seconds(1)))
        for failures in 1...3 {
            ledger.fail(failures)
            await warden.sweep()
            ledger.fail(0)
        }
        #expect(givenUp.isEmpty || bells.count == 1)
        await warden.sweep()
        #expect(givenUp == ["old age by retention"])
    }

    @Test func muchIsGivenUpInGoes() async throws {
        for number in 0..<150 { try await add("r\(1000 + number)", hours: 5) }
        let warden = warden(RetentionRule(age: .seconds(1)))
        await warden.sweep()
        #expect(givenUp.count == 100)
        await warden.sweep()
        #expect(givenUp.count == 150 && bells.count == 2)
    }

    @Test func itLooksAtTheStartAndThenNowAndThenUntilItIsEnded() async throws {
        try await add("a", hours: 5)
        let warden = warden(RetentionRule(age: .seconds(3600)))
        let running = Task { await warden.run() }
        await clock.sleeper(for: .seconds(60))
        #expect(givenUp == ["a age by retention"])
        try await add("b", hours: 5)
        clock.advance(by: .seconds(59))
        #expect(givenUp.count == 1)
        clock.advance(by: .seconds(1))
        #expect(await eventually { givenUp.count == 2 })
        await clock.sleeper(for: .seconds(60))
        running.cancel()
        await running.value
    }
}
