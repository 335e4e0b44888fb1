import ProtectionTesting
@testable import SecureTransport
import Testing

struct ReplayWindowTests {
    /// The definition, with a memory that never ends.
    private struct Model {
        var highest: UInt64 = 0
        var seen: Set<UInt64> = []

        func admits(_ index: UInt64, size: UInt64) -> Bool { !seen.contains(index) && (index > highest || highest - index < size) }

        mutating func insert(_ index: UInt64) {
            seen.insert(index)
            highest = max(highest, index)
        }
    }

    @Test(arguments: [1, 2, 3])
    func decidesAsItsDefinitionDoes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var window = ReplayWindow<2>()
        var model = Model()
        for _ in 0..<20_000 {
            let ahead = random.next(below: 100) == 0 ? random.next(below: 400) : random.next(below: 4)
            let back = random.next(below: 160)
            let index = random.happens(percent: 50) ? model.highest + UInt64(ahead) : model.highest - min(model.highest, UInt64(back))
            #expect(window.admits(index) == model.admits(index, size: 128))
            guard window.admits(index) else { continue }
            window.insert(index)
            model.insert(index)
            #expect(window.highest == model.highest)
        }
    }

    @Test func remembersAllOfItsWidthAndNoMore() {
        var window = ReplayWindow<16>()
        window.insert(5000)
        #expect(window.admits(5000 - 1023))
        #expect(!window.admits(5000 - 1024))
        window.insert(5000 - 1023)
        #expect(!window.admits(5000 - 1023))
        window.insert(5001)
        #expect(!window.admits(5000 - 1023))
    }

    @Test func indexZeroIsAdmittedOnce() {
        var window = ReplayWindow<2>()
        #expect(window.admits(0))
        window.insert(0)
        #expect(!window.admits(0))
    }

    @Test(arguments: [63, 64, 127, 128, 129, 1_000_000])
    func aJumpForgetsWhatItPasses(distance: UInt64) {
        var window = ReplayWindow<2>()
        for index in 0...200 { window.insert(UInt64(index)) }
        window.insert(200 + distance)
        #expect(!window.admits(200 + distance))
        #expect(window.admits(200 + distance - 1))
        #expect(window.admits(200 + distance + 128))
        #expect(!window.admits(200))
    }
}
