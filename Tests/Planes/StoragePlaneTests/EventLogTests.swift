import Bridge
import BridgeModel
import Foundation
import Logging
import StoragePlane
import Testing

@Suite struct EventLogTests {
    private let folder: DataFolder
    private let ledger: SQLiteLedger
    private let receiver = Redacted("https://hooks.example/events-secret")

    init() throws {
        folder = try DataFolder()
        ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: .silent)
    }

    private func reopened() throws -> SQLiteLedger { SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: .silent) }

    private func draft(
        _ id: String, _ kind: EventKind = .recordingStarted, session: String? = "s1", at offset: Int = 0, pairing: EventPairing? = nil
    ) -> EventDraft {
        EventDraft(
            id: EventID("evt_\(id)"), kind: kind, party: session.map { EventParty(Rows.context($0)) } ?? EventParty(), facts: .object([]),
            at: Rows.start.advanced(by: .seconds(offset)), pairing: pairing)
    }

    private func stream(_ id: String, _ side: EventPairing.Side, session: String, at offset: Int = 0) -> EventDraft {
        draft(
            id, side == .begins ? .streamStarted : .streamEnded, session: session, at: offset,
            pairing: EventPairing(side, .stream(StreamID("camera"))))
    }

    private func write(_ drafts: EventDraft...) async throws {
        try await ledger.commit(drafts.map { .event($0, receiver: nil) })
    }

    private func told(after: Int64 = 0, limit: Int = 100, session: String? = nil) async throws -> [String] {
        try await reopened().events(after: after, limit: limit, session: session.map { SessionID($0) }).events.map(\.id.rawValue)
    }

    @Test func eachEventHasItsPlaceOfAllAndOfItsSession() async throws {
        try await write(draft("a"), draft("b", session: "s2"))
        try await write(draft("c"), draft("d", session: nil), draft("e", session: "s2"))
        let rows = try await reopened().events(after: 0, limit: 100, session: nil).events
        #expect(rows.map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(rows.map(\.sessionSequence) == [1, 1, 2, nil, 2])
        #expect(rows[2] == EventRow(draft("c"), sequence: 3, sessionSequence: 2))
        let document = try JSONValue.read(rows[4].body.utf8)
        #expect(document["id"]?.string == "evt_e" && document["sequence"] == .number(5) && document["session_sequence"] == .number(2))
    }

    @Test func pagesMissNothingAndSayWhetherMoreFollow() async throws {
        for index in 1...7 { try await write(draft("\(index)", session: index.isMultiple(of: 2) ? "even" : "odd")) }
        var (after, seen): (Int64, [String]) = (0, [])
        while true {
            let page = try await ledger.events(after: after, limit: 3, session: nil)
            seen += page.events.map(\.id.rawValue)
            #expect(page.oldest == 1)
            guard page.hasMore, let last = page.events.last else { break }
            after = last.sequence
        }
        #expect(seen == (1...7).map { "evt_\($0)" })
        #expect(try await told(session: "even") == ["evt_2", "evt_4", "evt_6"])
        #expect(try await told(after: 4, session: "even") == ["evt_6"])
        #expect(try await told(after: 7) == [])
        #expect(try await told(limit: -1) == [])
        #expect(try await ledger.events(after: .max, limit: .max, session: nil).events.isEmpty)
    }

    @Test func aCommitThatIsRepeatedIsOneEvent() async throws {
        try await write(draft("a"))
        try await write(draft("a"), draft("b"))
        #expect(try await told() == ["evt_a", "evt_b"])
    }

    @Test func anEventIsLostWithItsFact() async throws {
        let orphan = Rows.upload("upl_1", of: "nowhere", to: .keep)
        await #expect(throws: BridgeError.self) { try await ledger.commit([.event(draft("a"), receiver: receiver), .delivery(orphan)]) }
        #expect(try await told() == [])
        #expect(try await ledger.webhook(EventID("evt_a").webhook) == nil)
        try await write(draft("b"))
        #expect(try await ledger.events(after: 0, limit: 1, session: nil).events.first?.sessionSequence == 1)
    }

    // MARK: - Pairs

    @Test func anEndWithoutABeginningIsNotTold() async throws {
        try await write(stream("a", .ends, session: "s1"))
        #expect(try await told() == [])
    }

    @Test func aSecondBeginningOfTheSameSessionIsNotTold() async throws {
        try await write(stream("a", .begins, session: "s1"), stream("b", .begins, session: "s1"), stream("c", .ends, session: "s1"))
        try await write(stream("d", .ends, session: "s1"))
        #expect(try await told() == ["evt_a", "evt_c"])
        #expect(try await ledger.openFacts().isEmpty)
    }

    @Test func anotherSessionsBeginningEndsTheOneBefore() async throws {
        try await write(stream("a", .begins, session: "s1"))
        try await write(stream("b", .begins, session: "s2"))
        let rows = try await ledger.events(after: 0, limit: 10, session: nil).events
        #expect(rows.map(\.kind) == [.streamStarted, .streamEnded, .streamStarted])
        #expect(rows.map { $0.party.session?.rawValue } == ["s1", "s1", "s2"])
        #expect(rows[1].body.contains(#""cause":"replaced""#))
        #expect(try await reopened().openFacts().map(\.party.session) == [SessionID("s2")])
    }

    @Test func whatIsOpenOutlivesTheProcessAndIsEndedOnce() async throws {
        try await write(stream("a", .begins, session: "s1"))
        let next = try reopened()
        let fact = try #require(await next.openFacts().first)
        #expect(fact == OpenFact(subject: .stream(StreamID("camera")), kind: .streamStarted, party: EventParty(Rows.context("s1"))))
        for id in ["evt_end", "evt_again"] {
            let end = try #require(fact.end(.bridgeRestarted, id: EventID(id), at: Rows.start))
            try await next.commit([.event(end, receiver: nil)])
        }
        #expect(try await told() == ["evt_a", "evt_end"])
        #expect(try await next.openFacts().isEmpty)
    }

    // MARK: - Age

    @Test func aSessionsEventsAreRemovedTogetherWhenItIsOver() async throws {
        try await write(draft("old", session: "over"), stream("open", .begins, session: "running"), draft("alone", session: nil))
        try await write(draft("first", session: "recent"), draft("last", session: "recent", at: 100))
        #expect(try await ledger.pruneEvents(before: Rows.start.advanced(by: .seconds(50))) == 2)
        #expect(try await told() == ["evt_open", "evt_first", "evt_last"])
        #expect(try await ledger.events(after: 0, limit: 1, session: nil).oldest == 2)
    }

    @Test func numbersAreNotGivenTwiceAfterPruning() async throws {
        try await write(draft("a"), draft("b"))
        #expect(try await ledger.pruneEvents(before: Rows.start.advanced(by: .seconds(1))) == 2)
        try await write(draft("c"))
        #expect(try await ledger.events(after: 2, limit: 10, session: nil).events.map(\.sequence) == [3])
    }

    @Test func concurrentCommitsAreReadInTheOrderOfTheirNumbers() async throws {
        let writing = Task { [ledger] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<300 {
                    let event = draft("\(index)", session: "s\(index % 7)")
                    group.addTask { try await ledger.commit([.event(event, receiver: nil)]) }
                }
                try await group.waitForAll()
            }
        }
        // A reader that follows its cursor while others write.
        var (after, seen): (Int64, [Int64]) = (0, [])
        while seen.count < 300 {
            let page = try await ledger.events(after: after, limit: 50, session: nil)
            seen += page.events.map(\.sequence)
            after = seen.last ?? 0
        }
        try await writing.value
        #expect(seen == Array(1...300))
    }
}
