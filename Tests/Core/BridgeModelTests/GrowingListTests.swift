import BridgeModel
import Testing

@Suite struct GrowingListTests {
    @Test(arguments: [0, 1, 511, 512, 513, 1024, 1500])
    func aListIsWhatWasAddedAndNotTakenAway(count: Int) {
        var list = GrowingList(0..<count)
        #expect(Array(list) == Array(0..<count))
        #expect(list.count == count)
        #expect(list.last == (count == 0 ? nil : count - 1))
        for left in (max(0, count - 600)..<max(count, 1)).reversed() {
            list.removeLast()
            #expect(list.count == left)
            #expect(list.last == (left == 0 ? nil : left - 1))
        }
        list.append(contentsOf: 5000..<5600)
        #expect(Array(list) == Array(0..<max(0, count - 600)) + Array(5000..<5600))
    }

    @Test func aCopyStaysAsItWas() {
        var list = GrowingList(0..<1100)
        let copy = list
        list[0] = -1
        list[1099] = -2
        list.append(7)
        #expect(Array(copy) == Array(0..<1100))
        #expect(list.first == -1 && list[1099] == -2 && list.last == 7)
        #expect(list != copy)
        #expect(copy == GrowingList(0..<1100))
    }

    /// What is added to a copy shares the full chunks with it: their elements are not copied, which would retain them.
    @Test func growingACopyOfALongListCopiesAChunkAtMost() {
        final class Counted {}
        let one = Counted()
        var list = GrowingList(repeatElement(one, count: 100_000))
        let before = _getRetainCount(one)
        let copy = list
        list.append(one)
        #expect(_getRetainCount(one) - before < 600)
        #expect(copy.count + 1 == list.count)
    }
}
