import BridgeModel
import Forwarding
import Testing

/// When a publisher's loudness is told.
@Suite struct AudioLevelMeterTests {
    private func at(_ milliseconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: UInt64(1_000_000_000 + milliseconds * 1_000_000)) }

    private func levels(_ told: [(track: UInt8, level: UInt8)]?) -> [UInt8: UInt8]? {
        told.map { Dictionary(uniqueKeysWithValues: $0.map { ($0.track, $0.level) }) }
    }

    @Test func theLoudestOfATenthOfASecondIsTold() {
        var meter = AudioLevelMeter()
        #expect(meter.take(now: at(0)) == nil)
        meter.note(40, of: 0)
        #expect(levels(meter.take(now: at(1))) == [0: 40])
        for (level, time) in [(50, 20), (30, 40), (60, 80)] {
            meter.note(UInt8(level), of: 0)
            #expect(meter.take(now: at(time)) == nil)
        }
        meter.note(90, of: 3)
        #expect(levels(meter.take(now: at(101))) == [0: 30, 3: 90])
        #expect(meter.take(now: at(300)) == nil, "nothing came since")
    }

    @Test func silenceIsToldOnceAndAVoiceThatStaysAgain() {
        var meter = AudioLevelMeter()
        var told: [UInt8?] = []
        for (place, level) in [127, 127, 20, 20, 127, 127, 255].enumerated() {
            meter.note(UInt8(level), of: 1)
            told.append(meter.take(now: at(place * 100))?.first?.level)
        }
        #expect(told == [127, nil, 20, 20, 127, nil, nil])
    }
}
