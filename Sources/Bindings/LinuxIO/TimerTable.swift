internal import HeapModule

/// Values by the moment at which they are due; each can be taken out before.
struct TimerTable<Value> {
    private struct Deadline: Comparable {
        let nanoseconds: UInt64
        let number: UInt64

        static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    }

    private var values: [UInt64: Value] = [:]
    /// Of all values, and of some that were taken out: a heap gives up only its first.
    private var deadlines = Heap<Deadline>()

    /// How many values there are.
    var count: Int { values.count }

    /// How many deadlines are kept for them: at most twice as many, and a few.
    var deadlineCount: Int { deadlines.count }

    /// The earliest deadline; nil when there is none. It may be that of a value that was taken out.
    var next: UInt64? { deadlines.min?.nanoseconds }

    /// Enters a value under a number that no other has had.
    mutating func insert(_ value: Value, number: UInt64, until nanoseconds: UInt64) {
        values[number] = value
        deadlines.insert(Deadline(nanoseconds: nanoseconds, number: number))
    }

    /// Takes a value out; nil when it was taken before or was never there.
    mutating func remove(_ number: UInt64) -> Value? {
        let value = values.removeValue(forKey: number)
        if deadlines.count > 2 * values.count + 64 {
            deadlines = Heap(deadlines.unordered.filter { values[$0.number] != nil })
        }
        return value
    }

    /// Takes out what is due at `now`, the earliest first.
    mutating func removeDue(at now: UInt64) -> [Value] {
        var due: [Value] = []
        while let first = deadlines.min, first.nanoseconds <= now {
            deadlines.removeMin()
            if let value = values.removeValue(forKey: first.number) { due.append(value) }
        }
        return due
    }
}
