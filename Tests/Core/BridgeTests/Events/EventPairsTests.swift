import Bridge
import BridgeModel
import Testing

@Suite struct EventPairsTests {
    private let now = WallTime(milliseconds: 1_700_000_000_000)
    private let subject = EventPairing.Subject.stream(StreamID("camera"))

    private func party(_ session: String) -> EventParty { EventParty(session: SessionID(session), stream: StreamID("camera")) }

    private func draft(_ side: EventPairing.Side?, session: String) -> EventDraft {
        EventDraft(
            id: EventID("evt_new"), kind: side == .begins ? .streamStarted : .streamEnded, party: party(session), facts: .object([]),
            at: now, pairing: side.map { EventPairing($0, subject) })
    }

    private func open(_ session: String, kind: EventKind = .streamStarted) -> OpenFact {
        OpenFact(subject: subject, kind: kind, party: party(session))
    }

    private func admit(_ draft: EventDraft, _ open: OpenFact?) -> [EventDraft] {
        EventPairs.admit(draft, open: open, id: { EventID("evt_made") })
    }

    @Test func whatIsAloneIsAlwaysTold() {
        let alone = draft(nil, session: "a")
        #expect(admit(alone, nil) == [alone] && admit(alone, open("b")) == [alone])
    }

    @Test func aPairIsToldAsItCame() {
        let (begin, end) = (draft(.begins, session: "a"), draft(.ends, session: "a"))
        #expect(admit(begin, nil) == [begin])
        #expect(admit(end, EventPairs.open(after: begin)) == [end])
        #expect(EventPairs.open(after: end) == nil)
    }

    @Test func whatCameTwiceOrWithoutItsBeginningIsNotTold() {
        #expect(admit(draft(.begins, session: "a"), open("a")).isEmpty)
        #expect(admit(draft(.ends, session: "a"), nil).isEmpty)
    }

    @Test func anotherSessionsBeginningEndsTheOneBeforeFirst() throws {
        let begin = draft(.begins, session: "b")
        let told = admit(begin, open("a"))
        #expect(told.map(\.id.rawValue) == ["evt_made", "evt_new"] && told.last == begin)
        let end = try #require(told.first)
        #expect(end.kind == .streamEnded && end.party == party("a") && end.at == now)
        #expect(end.facts == .object([.init("cause", .string("replaced"))]))
    }

    @Test func anEndBelongsToTheSessionOfTheBeginning() {
        #expect(admit(draft(.ends, session: "b"), open("a")).map(\.party) == [party("a")])
    }

    @Test func aFactOfANewerVersionIsLeftOpen() {
        let strange = open("a", kind: EventKind(rawValue: "room.opened"))
        #expect(strange.end(.bridgeRestarted, id: EventID("evt_1"), at: now) == nil)
        #expect(admit(draft(.begins, session: "b"), strange).map(\.id.rawValue) == ["evt_new"])
    }

    /// Whatever comes in whatever order: what is told of a subject alternates, and each end has its beginning's session.
    @Test(arguments: 0..<UInt64(50))
    func whateverComesIsToldInPairs(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var (current, told): (OpenFact?, [EventDraft]) = (nil, [])
        for _ in 0..<200 {
            let side = [EventPairing.Side.begins, .ends].randomElement(using: &random)
            for event in admit(draft(side, session: ["a", "b", "c"].randomElement(using: &random) ?? "a"), current) {
                told.append(event)
                current = EventPairs.open(after: event)
            }
            if Int.random(in: 0..<20, using: &random) == 0, let fact = current {
                told += [fact.end(.bridgeRestarted, id: EventID("evt_boot"), at: now)].compactMap { $0 }
                current = nil
            }
        }
        for (index, event) in told.enumerated() {
            #expect(event.kind == (index.isMultiple(of: 2) ? .streamStarted : .streamEnded), "event \(index) of seed \(seed)")
            if index % 2 == 1 { #expect(event.party == told[index - 1].party, "event \(index) of seed \(seed)") }
        }
    }
}
