/// Who sits where. Whoever is there keeps the seat as long as possible: a newcomer takes the place of somebody who left before anybody moves up,
/// and then only the last one moves.
package struct CompositeSeating<Guest: Hashable & Sendable>: Sendable {
    /// In the order of the seats.
    package private(set) var guests: [Guest] = []

    package init() {}

    /// Seats exactly these, each once. `focus` gets seat 0 from whoever has it; nil leaves it where it is.
    package mutating func seat(_ wanted: [Guest], focus: Guest? = nil) {
        let known = Set(guests)
        var seats = guests.map { wanted.contains($0) ? $0 : nil }
        var newcomers = wanted.filter { !known.contains($0) }.makeIterator()
        for index in seats.indices where seats[index] == nil { seats[index] = newcomers.next() }
        while let next = newcomers.next() { seats.append(next) }
        guests = Self.closed(seats)
        if let focus, let index = guests.firstIndex(of: focus) { guests.swapAt(0, index) }
    }

    /// The last ones take the seats that nobody has.
    private static func closed(_ seats: [Guest?]) -> [Guest] {
        var seats = seats
        var result: [Guest] = []
        while !seats.isEmpty {
            if let guest = seats.removeFirst() {
                result.append(guest)
            } else {
                while let last = seats.last, last == nil { seats.removeLast() }
                if let last = seats.popLast(), let last { result.append(last) }
            }
        }
        return result
    }
}
