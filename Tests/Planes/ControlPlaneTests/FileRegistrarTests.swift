import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// What becomes known of complete files, and in what order it is told.
@Suite struct FileRegistrarTests {
    private let bench = RecordingBench()

    private var told: [EventKind] { bench.ledger.events.map(\.kind) }

    private func sha256(of id: RecordingID) async -> String? { (try? await bench.ledger.segments(of: id))?.first?.sha256 }

    private func recorded() async throws -> RecordingID {
        let (id, recorder) = try await bench.startRecording()
        try await bench.director.stop(id)
        recorder.closeFile()
        return id
    }

    @Test func aRecordingThatStaysHereIsReadyAfterItsFilesWereTold() async throws {
        let id = try await recorded()
        #expect(await eventually { told.contains(.recordingReady) })
        #expect(told == [.recordingStarted, .recordingSegment, .recordingReady])
        #expect(await sha256(of: id) == "hash of \(id).webm")
    }

    @Test func aRestartBeforeTheHashTellsOfTheRecordingOnce() async throws {
        let (segment, row) = try await waitingFile()
        _ = try await bench.files.promote(.part(1), of: segment)
        for _ in 0..<2 { try await RecordingDirector(services: bench.services).recover() }
        #expect(await eventually { told.contains(.recordingReady) })
        try await RecordingDirector(services: bench.services).recover()
        #expect(told == [.recordingSegment, .recordingReady])
        #expect(await sha256(of: row.id) != nil)
    }

    @Test func aHashThatTheLedgerDoesNotTakeIsTriedUntilItDoes() async throws {
        let (segment, row) = try await waitingFile()
        bench.ledger.fail(1_000_000)
        await bench.services.registrar.complete(segment, of: row)
        #expect(await eventually { bench.services.unstored.count == 1 })
        for wait in [1, 2, 4, 8, 15, 15] {
            await bench.clock.sleeper(for: .seconds(wait))
            bench.clock.advance(by: .seconds(wait))
        }
        await bench.clock.sleeper(for: .seconds(15))
        #expect(told.isEmpty && bench.services.unstored.count == 1)
        #expect(await SidecarShelf(bench.services).isBeingRegistered(segment.file))
        bench.ledger.fail(0)
        bench.clock.advance(by: .seconds(15))
        #expect(await eventually { bench.services.unstored.count == 0 })
        #expect(await sha256(of: row.id) == "hash of \(segment.file)")
        #expect(told == [.recordingSegment, .recordingReady])
        #expect(await eventually { await !bench.services.registrar.isBusy(with: segment.file) })
    }

    @Test func aFileThatCannotBeReadHoldsNoOtherUp() async throws {
        bench.files.refuseToRead(BridgeError(.internal, "The file cannot be read."))
        let lost = try await recorded()
        #expect(await eventually { told.contains(.recordingReady) })
        #expect(await sha256(of: lost) == nil && !told.contains(.recordingSegment))
        bench.files.refuseToRead(nil)
        let other = try await recorded()
        #expect(await eventually { await sha256(of: other) != nil })
    }

    /// Each start tries files that cannot be read again.
    @Test(arguments: 1...3)
    func aRecordingWithUnreadableFilesIsReadyOnce(count: Int) async throws {
        let (first, row) = try await waitingFile()
        for number in 2...4 {
            var segment = first
            (segment.number, segment.file) = (number, "r-\(number).webm")
            try await bench.ledger.commit([.segment(segment)])
        }
        bench.files.put(row.id, at: "/spool/r.webm")
        bench.files.refuseToRead(BridgeError(.internal, "It is broken."), files: (1...count).map { $0 == 1 ? "r.webm" : "r-\($0).webm" })
        try await restart(until: 4)
        try await restart(until: 4)
        let hashes = Array(repeating: EventKind.recordingSegment, count: 4 - count)
        #expect(told.filter { $0 == .recordingSegment } == hashes)
        #expect(told.filter { $0 == .recordingReady } == [.recordingReady] && told.last == .recordingReady)
        let codes = try await bench.ledger.segments(of: row.id).map { $0.failure?.code }
        #expect(codes == (1...4).map { $0 <= count ? .recordingUnreadable : nil })
        #expect(try await bench.ledger.recording(row.id)?.failure?.code == .recordingUnreadable)
        // Its disk is back.
        bench.files.refuseToRead(nil)
        try await restart(until: 4)
        #expect(told.filter { $0 == .recordingSegment }.count == 4 && told.filter { $0 == .recordingReady }.count == 1)
        #expect(try await bench.ledger.segments(of: row.id).allSatisfy { $0.failure == nil && $0.sha256 != nil })
        #expect(try await bench.ledger.recording(row.id)?.failure == nil)
    }

    /// Returns when so many files of the recording were tried.
    private func restart(until number: Int) async throws {
        try await RecordingDirector(services: bench.services).recover()
        for file in ["r.webm"] + (2...number).map({ "r-\($0).webm" }) {
            #expect(await eventually { await !bench.services.registrar.isBusy(with: file) })
        }
    }

    @Test func ofSeveralFilesTheLastOneMakesItReady() async throws {
        let (first, row) = try await waitingFile()
        var second = first
        (second.number, second.file) = (2, "r-2.webm")
        try await bench.ledger.commit([.segment(second)])
        await bench.services.registrar.complete(first, of: row)
        #expect(await eventually { await sha256(of: row.id) != nil })
        #expect(told == [.recordingSegment])
        await bench.services.registrar.complete(second, of: row)
        #expect(await eventually { told.count == 3 })
        #expect(told == [.recordingSegment, .recordingSegment, .recordingReady])
    }

    /// A recording that is complete and stays here, and its file, of which nothing was told.
    private func waitingFile() async throws -> (SegmentRow, RecordingRow) {
        let row = RecordingRow(
            id: RecordingID("r"), context: Sample.context("s1"), state: .ready, container: .webm, file: "r.webm", destination: .keep,
            webhookURL: nil, startedAt: TestClock.epoch)
        let segment = SegmentRow(
            recording: row.id, number: 1, stream: row.context.stream, container: .webm, file: "r.webm", state: .ready)
        try await bench.ledger.commit([.recording(row), .segment(segment)])
        return (segment, row)
    }
}
