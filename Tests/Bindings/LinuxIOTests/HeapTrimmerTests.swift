import Glibc
import Testing

@testable import LinuxIO

@Suite struct HeapTrimmerTests {
    /// A heap of a process: what it has freed, and how much of that cannot be given back.
    private final class Heap {
        var unused: UInt64
        var fragmented: UInt64
        private(set) var trims = 0

        init(unused: UInt64, fragmented: UInt64 = 0) { (self.unused, self.fragmented) = (unused, fragmented) }

        func trim() {
            trims += 1
            unused = min(unused, fragmented)
        }

        var trimmer: HeapTrimmer { HeapTrimmer(measure: { self.unused }, release: { self.trim() }) }
    }

    private let much = HeapTrimmer.allowance + 1

    @Test func littleIsKept() {
        let heap = Heap(unused: much - 1)
        var trimmer = heap.trimmer
        for _ in 0..<3 { trimmer.trim() }
        #expect(heap.trims == 0)
    }

    @Test func muchIsGivenBackOnce() {
        let heap = Heap(unused: much)
        var trimmer = heap.trimmer
        for _ in 0..<3 { trimmer.trim() }
        #expect(heap.trims == 1)
        #expect(heap.unused == 0)
    }

    @Test func whatCannotBeGivenBackIsNotTriedAgainUntilThereIsMore() {
        let heap = Heap(unused: 3 * much, fragmented: 2 * much)
        var trimmer = heap.trimmer
        for _ in 0..<3 { trimmer.trim() }
        #expect(heap.trims == 1)
        heap.unused = 3 * much
        for _ in 0..<3 { trimmer.trim() }
        #expect(heap.trims == 2)
    }

    @Test func whatWasFragmentedOnceMayBecomeFree() {
        let heap = Heap(unused: 2 * much, fragmented: much)
        var trimmer = heap.trimmer
        trimmer.trim()
        // It is used again, and freed in one piece.
        (heap.unused, heap.fragmented) = (0, 0)
        trimmer.trim()
        heap.unused = much
        trimmer.trim()
        #expect(heap.trims == 2)
        #expect(heap.unused == 0)
    }

    /// Blocks below the size that malloc maps each for itself, all freed but the last, which keeps the heap's end where it is.
    @Test func theProcessIsSmallerAfterwards() {
        let (size, count) = (64 << 10, 2048)
        var blocks: [UnsafeMutableRawPointer] = []
        for _ in 0..<count {
            guard let block = malloc(size) else { continue }
            memset(block, 1, size)
            blocks.append(block)
        }
        #expect(blocks.count == count)
        let last = blocks.removeLast()
        for block in blocks { free(block) }
        let before = HostFacts.anonymousBytes
        HeapTrimmer.releaseHeap()
        let given = Int(before) - Int(HostFacts.anonymousBytes)
        free(last)
        // The other tests of this process allocate meanwhile.
        #expect(given > 32 << 20, "\(given) bytes were given back of \(size * count)")
    }
}
