import NetworkTesting
import Testing

@testable import Forwarding

@Suite struct SequenceMapTests {
    private static let source = SequenceMap.Source(track: 0, epoch: 0)

    @Test func packetsKeepTheirNumbersUntilOneIsLeftOut() {
        var map = SequenceMap(Self.source, sequence: 65_534)
        #expect(map.place(65_534)?.output == 65_534)
        #expect(map.place(65_535)?.output == 65_535)
        #expect(map.leaveOut(0) == nil)
        #expect(map.place(1)?.output == 0)
        #expect(map.place(2)?.output == 1)
        #expect(map.source(of: 65_535)?.sequence == 65_535)
        #expect(map.source(of: 0)?.sequence == 1)
        #expect(map.source(of: 1)?.sequence == 2)
        #expect(map.source(of: 2) == nil, "not sent yet")
    }

    @Test func aLatePacketGetsThePlaceThatWasKeptForItOnce() {
        var map = SequenceMap(Self.source, sequence: 10)
        _ = map.place(10)
        #expect(map.place(13)?.output == 13)
        #expect(map.place(11)?.output == 11)
        #expect(map.place(11) == nil, "a number is never given out twice")
        #expect(map.leaveOut(12) == 12, "the viewer waits for the number")
        #expect(map.leaveOut(12) == nil)
        #expect(map.place(9) == nil, "from before the beginning")
    }

    @Test func aLatePacketFromBeforeALeftOutOneIsFoundInItsSegment() {
        var early = SequenceMap(Self.source, sequence: 10)
        _ = early.place(10)
        _ = early.leaveOut(12)
        #expect(early.place(11)?.output == 11, "though nothing newer was sent")
        #expect(early.place(13)?.output == 12)

        var map = SequenceMap(Self.source, sequence: 10)
        _ = map.place(10)
        _ = map.leaveOut(12)
        #expect(map.place(13)?.output == 12)
        #expect(map.place(11)?.output == 11)
    }

    @Test func aSwitchClosesTheGapAndLateOnesOfTheOldSourceHaveNoPlace() {
        var map = SequenceMap(Self.source, sequence: 100)
        _ = map.place(100)
        let other = SequenceMap.Source(track: 1, epoch: 4)
        var offsets = SequenceMap.Offsets()
        offsets.timestamp = 77
        map.begin(other, sequence: 5000, offsets: offsets)
        #expect(map.place(5000)?.output == 101)
        #expect(map.place(5000) == nil)
        #expect(map.place(4999) == nil)
        #expect(map.source(of: 101)?.source == other)
        #expect(MemoryLayout<SequenceMap.Segment>.stride == 16)
        #expect(map.source(of: 101)?.offsets.timestamp == 77)
        #expect(map.source(of: 100)?.source == Self.source)
    }

    @Test func whatWasForgottenIsNotFound() {
        var map = SequenceMap(Self.source, sequence: 1)
        for sequence in UInt16(1)...5 { _ = map.place(sequence) }
        map.forget()
        _ = map.place(6)
        #expect(map.source(of: 5) == nil)
        #expect(map.source(of: 6)?.sequence == 6)
    }

    /// Against a model that remembers everything: each number stands for one packet, and is found again while it is recent.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func randomRunsAgreeWithAModelThatRemembersAll(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let first = UInt16.random(in: .min ... .max, using: &random)
        var map = SequenceMap(Self.source, sequence: first)
        var given: [UInt16: UInt16] = [:]
        var highest: UInt16 = first &- 1
        var leftOut: Set<UInt16> = []
        var held: [UInt16] = []
        for step in 0..<20_000 {
            let sequence = first &+ UInt16(truncatingIfNeeded: step)
            if random.happens(0.02) { continue }
            if random.happens(0.05) {
                held.append(sequence)
                continue
            }
            var arrivals = [sequence]
            if !held.isEmpty, random.happens(0.3) { arrivals.append(held.removeFirst()) }
            for arrival in arrivals {
                let isLeftOut = (arrival / 3) % 2 == 1
                if isLeftOut { leftOut.insert(arrival) }
                let output = isLeftOut ? map.leaveOut(arrival) : map.place(arrival)?.output
                #expect(output != nil || isLeftOut || step < 100, "each packet that is sent has a place")
                guard let output else { continue }
                if Int16(bitPattern: output &- highest) > 0 { highest = output }
                let isRecentlyGiven = given[output].map { Int16(bitPattern: arrival &- $0).magnitude < 2000 } ?? false
                #expect(!isRecentlyGiven, "the number stands for one packet")
                given[output] = arrival
                #expect(map.source(of: output)?.sequence == arrival)
            }
            if held.count > 3 { held.removeFirst() }
        }
        for age in UInt16(0)..<40 {
            guard let original = given[highest &- age] else { continue }
            #expect(map.source(of: highest &- age)?.sequence == original)
        }
        #expect(!leftOut.isEmpty)
    }
}
