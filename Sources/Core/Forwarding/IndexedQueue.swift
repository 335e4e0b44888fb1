/// A queue whose elements keep their number for life: the first ever appended is 0.
struct IndexedQueue<Element> {
    private var elements: [Element] = []
    /// How many of `elements` at the front were removed already.
    private var removed = 0
    /// Number of the oldest element that is still there.
    private(set) var firstIndex: UInt64 = 0

    /// Number that the next appended element gets.
    var endIndex: UInt64 { firstIndex + UInt64(elements.count - removed) }

    var isEmpty: Bool { removed == elements.count }

    /// The element with this number, which must be there.
    subscript(index: UInt64) -> Element {
        _read { yield elements[removed + Int(index - firstIndex)] }
        _modify { yield &elements[removed + Int(index - firstIndex)] }
    }

    mutating func append(_ element: Element) { elements.append(element) }

    /// Removes the oldest element; its memory is reused once half of the storage is free.
    mutating func removeFirst() {
        removed += 1
        firstIndex += 1
        guard removed >= 64, removed * 2 >= elements.count else { return }
        elements.removeFirst(removed)
        removed = 0
    }
}
