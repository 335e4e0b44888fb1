import Bridge
import BridgeModel
import Foundation
import StoragePlane
import Testing

@testable import DeliveryPlane

@Suite(.timeLimit(.minutes(1))) struct SidecarUploadTests {
    private let folder: TestFolder
    private let ledger: SQLiteLedger
    private let destination = Destination.folder(path: "/films")

    init() throws {
        folder = try TestFolder()
        ledger = try folder.ledger()
    }

    private func begin() async throws {
        var recording = Rows.recording(state: .uploading, destination: destination)
        recording.sidecars = [.manifest, .poster]
        try await ledger.commit([.recording(recording), .delivery(Rows.upload(to: destination))])
    }

    private func states() async throws -> [String: DeliveryRow.State] {
        let rows = try await ledger.sidecarUploads(of: RecordingID("r1"))
        return Dictionary(
            rows.map { row in
                guard case .upload(_, let file, _) = row.work else { return ("", row.state) }
                return (file, row.state)
            }, uniquingKeysWith: { $1 })
    }

    @Test func theyFollowTheFileAndTheirFailureIsTheirOwn() async throws {
        let performer = ScriptedPerformer { row in
            guard case .upload(_, let file, _) = row.work else { return .replied(status: 200, retryAfter: nil) }
            return file.hasSuffix(".jpg") ? .replied(status: 403, retryAfter: nil) : .stored
        }
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.sidecars = ScriptedSidecars(SidecarFinding(["r1.webm.json", "r1.poster.jpg"]))
        try await begin()
        try await outbox.runAll { #expect(await $0.drain(limit: anHour)) }
        #expect(try await states() == ["r1.webm.sidecars": .delivered, "r1.webm.json": .delivered, "r1.poster.jpg": .dead])
        #expect(outbox.sidecars.asked == ["r1.webm"])
        let row = try #require(await ledger.recording(RecordingID("r1")))
        #expect(row.state == .delivered && row.failure == nil)
        #expect(outbox.observer.changes.map(\.state) == [.delivered], "a sidecar is no news of the recording")
        #expect(try await ledger.events(after: 0, limit: 10, session: nil).events.map(\.kind) == [.recordingDelivered])
        let copies = try await ledger.deliveredCopies(of: RecordingID("r1")).map(\.file)
        #expect(copies == ["r1.webm", "r1.webm.json"], "what is removed with the recording")
    }

    @Test func whatIsBeingMadeIsWaitedForWithoutAnAttempt() async throws {
        let performer = ScriptedPerformer(always: .stored)
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.sidecars = ScriptedSidecars(
            SidecarFinding(["r1.webm.json"], isGrowing: true), SidecarFinding([], isGrowing: true),
            SidecarFinding(["r1.webm.json", "r1.poster.jpg"]))
        try await begin()
        let clock = outbox.clock
        try await outbox.runAll { runner in
            for _ in 0..<3 {
                #expect(await runner.drain(limit: anHour))
                clock.advance(to: clock.now.advanced(by: .seconds(61)))
            }
            #expect(await runner.drain(limit: anHour))
        }
        #expect(outbox.sidecars.asked.count == 3)
        #expect(try await states() == ["r1.webm.sidecars": .delivered, "r1.webm.json": .delivered, "r1.poster.jpg": .delivered])
    }

    @Test func whatIsNeverMadeIsNotWaitedForForEver() async throws {
        var outbox = Outbox(ledger: ledger, performer: ScriptedPerformer(always: .stored))
        outbox.sidecars = ScriptedSidecars(SidecarFinding(["r1.webm.json"], isGrowing: true))
        try await begin()
        let clock = outbox.clock
        try await outbox.runAll { runner in
            #expect(await runner.drain(limit: anHour))
            clock.advance(to: clock.now.advanced(by: .seconds(7 * 3600)))
            #expect(await runner.drain(limit: anHour))
        }
        #expect(try await states() == ["r1.webm.sidecars": .delivered, "r1.webm.json": .delivered])
    }

    @Test func nothingFollowsARecordingThatIsRemoved() async throws {
        let performer = ScriptedPerformer(always: .stored)
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.sidecars = ScriptedSidecars(SidecarFinding(["r1.webm.json"]))
        try await ledger.commit([.recording(Rows.recording(state: .delivered, destination: destination))])
        var poster = Rows.upload("upl_2", to: destination)
        poster.work = .upload(recording: RecordingID("r1"), file: "r1.poster.jpg", destination: destination)
        var plan = Rows.upload("upl_3", to: destination)
        plan.work = .upload(recording: RecordingID("r1"), file: "r1.webm.sidecars", destination: destination)
        let order = DeletionOrder(by: .commandLine, cause: "ordered", includesDestination: true)
        try await ledger.commit([.delivery(poster), .delivery(plan), .deletion(RecordingID("r1"), Deletion(order, at: Rows.start))])
        try await outbox.runAll { #expect(await $0.drain(limit: anHour)) }
        #expect(try await states() == ["r1.webm.sidecars": .dead, "r1.poster.jpg": .dead])
        #expect(performer.attempted.isEmpty && outbox.sidecars.asked.isEmpty)
    }

    @Test func inAFolderTheyLieBesideTheFileAndNameEachOther() async throws {
        let target = folder.path + "/films"
        let place = Destination.folder(path: target, key: try KeyTemplate(parsing: "{camera}/film-{id}.webm"))
        try Data(#"{"version":1,"file":"r1.webm"}"#.utf8).write(to: URL(fileURLWithPath: folder.spool + "/r1.webm.json"))
        try Data("WEBVTT\n\n00:00.000 --> 00:01.000\nr1.sprite-1.jpg#xywh=0,0,8,8\n".utf8)
            .write(to: URL(fileURLWithPath: folder.spool + "/r1.thumbnails.vtt"))
        try folder.spoolFile("r1.sprite-1.jpg", length: 3000)
        let routes = try routes(folder).uploads
        let recording = Rows.recording(state: .delivered, destination: place)
        for name in ["r1.webm.json", "r1.thumbnails.vtt", "r1.sprite-1.jpg"] {
            var row = Rows.upload("upl_\(name.count)", to: place)
            row.work = .upload(recording: recording.id, file: name, destination: place)
            #expect(await routes.attempt(row, of: recording) == .stored)
        }
        let found = try FileManager.default.contentsOfDirectory(atPath: target + "/client-0").sorted()
        #expect(found == ["film-r1.json", "film-r1.sprite-1.jpg", "film-r1.thumbnails.vtt"])
        let text = { (name: String) in try String(contentsOfFile: "\(target)/client-0/\(name)", encoding: .utf8) }
        #expect(try text("film-r1.json") == #"{"version":1,"file":"film-r1.webm"}"#)
        #expect(try text("film-r1.thumbnails.vtt").contains("\nfilm-r1.sprite-1.jpg#xywh=0,0,8,8\n"))
        for name in ["r1.webm.json", "r1.thumbnails.vtt", "r1.sprite-1.jpg"] {
            #expect(await routes.remove(DeliveredCopy(file: name, destination: place), of: recording) == .stored)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: target + "/client-0").isEmpty)
    }
}
