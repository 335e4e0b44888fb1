/// A list that grows at its end, for what is known of a recording that goes on: two copies share all but the newest chunk, so that adding to one
/// while somebody reads the other costs the same however long it is.
package struct GrowingList<Element> {
    /// Elements of a chunk: what is copied at most, beside a reference for each chunk.
    private static var chunk: Int { 512 }

    /// Chunks that are full.
    private var full: [[Element]] = []
    /// What is behind them, less than a chunk.
    private var rest: [Element] = []

    package init() {}

    package init(_ elements: some Sequence<Element>) { append(contentsOf: elements) }

    package mutating func append(_ element: Element) {
        rest.append(element)
        guard rest.count == Self.chunk else { return }
        full.append(rest)
        rest = []
    }

    package mutating func append(contentsOf elements: some Sequence<Element>) {
        for element in elements { append(element) }
    }

    /// Takes the last element away; nothing of an empty list.
    package mutating func removeLast() {
        if rest.isEmpty, let last = full.popLast() { rest = last }
        _ = rest.popLast()
    }
}

extension GrowingList: RandomAccessCollection, MutableCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { full.count * Self.chunk + rest.count }

    package subscript(position: Int) -> Element {
        get {
            let (number, place) = position.quotientAndRemainder(dividingBy: Self.chunk)
            return number < full.count ? full[number][place] : rest[position - full.count * Self.chunk]
        }
        set {
            let (number, place) = position.quotientAndRemainder(dividingBy: Self.chunk)
            if number < full.count { full[number][place] = newValue } else { rest[position - full.count * Self.chunk] = newValue }
        }
    }
}

extension GrowingList: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: Element...) { self.init(elements) }
}

extension GrowingList: Sendable where Element: Sendable {}

extension GrowingList: Equatable where Element: Equatable {
    package static func == (one: Self, other: Self) -> Bool { one.elementsEqual(other) }
}
