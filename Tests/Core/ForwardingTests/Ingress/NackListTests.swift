import BridgeModel
import Forwarding
import RTP
import Testing

@Suite struct NackListTests {
    private let start = MonotonicTime(nanoseconds: 10_000_000_000)

    /// What is asked for at `milliseconds`.
    private func asked(_ list: inout NackList, at milliseconds: Int, capacity: Int = 1200) -> [UInt16] {
        var bytes = [UInt8](repeating: 0, count: capacity)
        return bytes.withUnsafeMutableBytes { buffer in
            var writer = RTCPWriter(buffer)
            list.write(to: &writer, sender: 1, media: 2, now: start.advanced(by: .milliseconds(milliseconds)))
            return RTCPCompound(UnsafeRawBufferPointer(rebasing: buffer[..<writer.count])).flatMap { packet -> [UInt16] in
                guard case .nack(media: 2, let lost)? = RTCPFeedback(packet) else { return [] }
                return Array(lost)
            }
        }
    }

    private func list(missing range: Range<Int64>, roundTrip: Duration = .milliseconds(80)) -> NackList {
        var list = NackList(roundTrip: roundTrip, hasOwnStream: true)
        list.notice(range, now: start)
        return list
    }

    @Test func aMissingPacketIsAskedForOnceReorderingIsUnlikely() {
        var list = list(missing: 65_535..<65_538)
        #expect(asked(&list, at: 4) == [])
        #expect(list.deadline == start.advanced(by: .milliseconds(5)))
        #expect(asked(&list, at: 5) == [65_535, 0, 1])
        #expect(asked(&list, at: 6) == [])
    }

    @Test func itIsAskedForAgainEachRoundTripAndATenthTimeAtMost() {
        var list = list(missing: 5..<6)
        var times: [Int] = []
        for millisecond in 0..<3000 where !asked(&list, at: millisecond).isEmpty { times.append(millisecond) }
        #expect(times == (0..<10).map { 5 + 100 * $0 }, "a round trip and a quarter")
        #expect(list.count == 0 && list.abandoned == 1 && list.requested == 10)
        #expect(list.deadline == nil)
    }

    @Test func retriesAreNeverFasterThanTwentyMilliseconds() {
        var list = list(missing: 5..<6, roundTrip: .zero)
        #expect((0..<60).filter { !asked(&list, at: $0).isEmpty } == [5, 25, 45])
    }

    @Test func aKeyframeMakesOlderLossesUseless() {
        var list = list(missing: 1..<10)
        list.forget(before: 8)
        #expect(asked(&list, at: 10) == [8, 9])
        #expect(list.abandoned == 0)
    }

    @Test func theListIsBoundedAndGivesUpTheOldest() {
        var list = list(missing: 0..<300)
        list.notice(1000..<1300, now: start)
        #expect(list.count == 512 && list.abandoned == 88)
        list.notice(2000..<1_000_000, now: start)
        #expect(list.count == 512 && list.abandoned == 600 + 998_000 - 512)
        #expect(asked(&list, at: 10, capacity: 4000).first == UInt16(truncatingIfNeeded: 1_000_000 - 512))
    }

    @Test func whatDoesNotFitStaysDue() {
        var list = list(missing: 0..<200)
        // Room for one entry: 17 numbers.
        #expect(asked(&list, at: 10, capacity: 16).count == 17)
        #expect(asked(&list, at: 10).count == 183)
        #expect(asked(&list, at: 10, capacity: 0) == [])
    }

    @Test func latePacketsTeachPatience() {
        var list = list(missing: 1..<2)
        list.receive(1, isRetransmission: false, now: start.advanced(by: .milliseconds(16)))
        list.notice(5..<6, now: start.advanced(by: .milliseconds(100)))
        #expect(asked(&list, at: 119) == [])
        #expect(asked(&list, at: 120) == [5])
        #expect(list.recovered == 0)
    }

    @Test func theRoundTripIsMeasuredOnPacketsThatWereAskedForOnce() {
        var list = list(missing: 1..<3, roundTrip: .milliseconds(100))
        _ = asked(&list, at: 5)
        list.receive(1, isRetransmission: true, now: start.advanced(by: .milliseconds(25)))
        #expect(list.roundTrip == .milliseconds(90))
        _ = asked(&list, at: 140)
        list.receive(2, isRetransmission: true, now: start.advanced(by: .milliseconds(141)))
        #expect(list.roundTrip == .milliseconds(90), "nobody knows which request was answered")
        #expect(list.recovered == 2)
    }

    @Test func aResetForgetsAll() {
        var list = list(missing: 1..<3)
        list.reset()
        #expect(list.count == 0 && list.deadline == nil && asked(&list, at: 50) == [])
        list.receive(1, isRetransmission: true, now: start)
        #expect(list.recovered == 0)
    }
}
