/// A row of values that stay where they are: made once, and changed in place. An array would ask at each change whether it is shared, and copies an
/// element, with all that it refers to, wherever the optimiser does not see that it need not.
struct FixedRow<Element: ~Copyable>: ~Copyable {
    private let elements: UnsafeMutableBufferPointer<Element>

    /// `make` is called for 0, 1 and so on.
    init(count: Int, _ make: (Int) -> Element) {
        elements = .allocate(capacity: count)
        for index in 0..<count { elements.initializeElement(at: index, to: make(index)) }
    }

    deinit {
        elements.deinitialize()
        elements.deallocate()
    }

    var count: Int { elements.count }
    var indices: Range<Int> { 0..<elements.count }

    subscript(index: Int) -> Element {
        @inline(__always) _read {
            precondition(index >= 0 && index < elements.count, "there is no such element")
            yield elements[index]
        }
        @inline(__always) _modify {
            precondition(index >= 0 && index < elements.count, "there is no such element")
            yield &elements[index]
        }
    }

    /// The first index whose element is so.
    func firstIndex(where isWanted: (borrowing Element) -> Bool) -> Int? {
        for index in indices where isWanted(elements[index]) { return index }
        return nil
    }
}
