import Testing

@testable import LoadGeneration

@Suite struct SequenceLedgerTests {
    private func ledger(_ sequences: some Sequence<Int>) -> SequenceLedger {
        var ledger = SequenceLedger()
        for sequence in sequences { _ = ledger.note(UInt16(truncatingIfNeeded: sequence)) }
        return ledger
    }

    @Test func whatDidNotComeIsMissing() {
        var ledger = ledger(10...20)
        #expect(ledger.note(24) == .new(24, missing: 21..<24))
        #expect(ledger.expected == 15 && ledger.unique == 12)
    }

    @Test func aLatePacketMakesItGood() {
        var ledger = ledger([10, 11, 14])
        #expect(ledger.note(12) == .late(12))
        #expect(ledger.note(12) == .repeated)
        #expect(ledger.expected == 5 && ledger.unique == 4 && ledger.repeated == 1)
    }

    @Test func theNumberMayWrap() {
        let ledger = ledger(65_000..<131_000)
        #expect(ledger.expected == 66_000 && ledger.unique == 66_000 && ledger.repeated == 0)
    }

    @Test func aLeapIsNoLoss() {
        var ledger = ledger(0..<100)
        #expect(ledger.note(20_000) == .new(20_000, missing: 20_000..<20_000))
        #expect(ledger.expected == 101 && ledger.unique == 101)
    }

    @Test func whatIsTooOldIsNotCounted() {
        var ledger = ledger([0] + Array(2...3000))
        #expect(ledger.note(1) == .repeated)
        #expect(ledger.expected == 3001 && ledger.unique == 3000)
    }
}
