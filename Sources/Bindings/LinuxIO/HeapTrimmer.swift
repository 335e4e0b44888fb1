internal import CLinux

/// Gives freed memory back to the system when there is much of it: malloc keeps all that a process ever used at once.
///
/// To be called now and then by one task or thread. A call that gives nothing back costs a look at `/proc` and at malloc's figures; one that does
/// takes some milliseconds, in which each of malloc's arenas is locked for its part.
package struct HeapTrimmer {
    /// Freed memory that stays, in bytes: what the next viewers need is not worth a page fault each.
    static let allowance: UInt64 = 16 << 20

    private let measure: () -> UInt64
    private let release: () -> Void
    /// Freed memory that could not be given back: something lives in each of its pages.
    private var fragmented: UInt64 = 0

    /// For this process's memory.
    package init() {
        self.init(
            measure: {
                let (resident, used) = (HostFacts.anonymousBytes, HostFacts.heapBytes)
                return resident - min(resident, used)
            },
            release: Self.releaseHeap)
    }

    /// Gives back every page of the heap in which nothing is in use.
    static func releaseHeap() { clinux_trim_heap() }

    /// `measure`: how many resident bytes nobody uses. `release`: gives back what can be given back.
    init(measure: @escaping () -> UInt64, release: @escaping () -> Void) {
        self.measure = measure
        self.release = release
    }

    /// Gives back what is worth it.
    package mutating func trim() {
        let unused = measure()
        fragmented = min(fragmented, unused)
        guard unused - fragmented > Self.allowance else { return }
        release()
        fragmented = measure()
    }
}
