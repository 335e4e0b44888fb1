import Testing

@testable import LinuxIO

@Suite struct TimerTableTests {
    @Test func theEarliestIsTakenFirstAndNothingBeforeItsTime() {
        var table = TimerTable<String>()
        table.insert("late", number: 1, until: 30)
        table.insert("early", number: 2, until: 10)
        table.insert("between", number: 3, until: 20)
        #expect(table.next == 10)
        #expect(table.removeDue(at: 9) == [])
        #expect(table.removeDue(at: 20) == ["early", "between"])
        #expect(table.next == 30)
        #expect(table.removeDue(at: .max) == ["late"])
        #expect(table.next == nil)
        #expect(table.count == 0)
    }

    @Test func whatWasTakenOutIsNotDueAnyMore() {
        var table = TimerTable<String>()
        table.insert("one", number: 1, until: 10)
        table.insert("other", number: 2, until: 10)
        #expect(table.remove(1) == "one")
        #expect(table.remove(1) == nil)
        #expect(table.remove(7) == nil)
        #expect(table.removeDue(at: 10) == ["other"])
        #expect(table.remove(2) == nil)
    }

    /// Deadlines that lie hours ahead, all but a few taken out at once.
    @Test func theDeadlinesOfWhatWasTakenOutDoNotPileUp() {
        var table = TimerTable<UInt64>()
        for number in 0..<10_000 as Range<UInt64> {
            table.insert(number, number: number, until: .max - number)
            if !number.isMultiple(of: 100) { #expect(table.remove(number) == number) }
            #expect(table.deadlineCount <= 2 * table.count + 65)
        }
        #expect(table.count == 100)
        #expect(table.removeDue(at: .max) == (0..<100).reversed().map { $0 * 100 })
    }
}
