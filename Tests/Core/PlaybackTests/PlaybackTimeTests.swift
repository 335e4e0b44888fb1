import BridgeModel
import Playback
import Testing

@Suite struct PlaybackTimeTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("0", 0), ("1709283601480", 1_709_283_601_480), ("2024-03-01T09:00:01.48Z", 1_709_283_601_480),
            ("2024-03-01T10:30:01.4809+01:30", 1_709_283_601_480), ("2024-02-29t09:00:01z", 1_709_197_201_000),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000), ("2000-02-29 00:00:00-00:01", 951_782_460_000),
            ("2199-12-31T23:59:59.999Z", 7_258_118_399_999),
        ] as [(String, Int64)])
    func momentsAreRead(text: String, milliseconds: Int64) {
        #expect(PlaybackTime.parse(text)?.milliseconds == milliseconds)
    }

    @Test func whatTheBridgeWritesItReads() {
        for milliseconds in stride(from: Int64(0), to: 7_258_118_399_999, by: 86_399_117) {
            let moment = WallTime(milliseconds: milliseconds)
            #expect(PlaybackTime.parse(moment.iso8601) == moment)
        }
    }

    @Test(arguments: [
        "", " ", "-1", "+1", "1.5", "1e9", "0x10", "9999999999999999999", "253402300800000", "7258118400000", "2200-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z", "99999999999999", "1709283601480 ", "now", "２０２４", "2024-03-01",
        "2024-03-01T09:00Z", "2024-03-01T09:00:01", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z",
        "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-03-01T24:00:00Z", "2024-03-01T00:60:00Z",
        "2024-03-01T00:00:61Z", "2024-03-01T00:00:00.Z", "2024-03-01T00:00:00+24:00", "2024-03-01T00:00:00+1:00", "2024-03-01T00:00:00ZZ",
        "1969-12-31T23:59:59Z", "2024-3-1T0:0:0Z", "2024-03-01T00:00:00Z\u{0}", "2024-03-01T00:00:00.00000000000000000000000000000Z",
        "../../etc/passwd", "%32", "١٧٠٩",
    ])
    func othersAreRefused(text: String) {
        #expect(PlaybackTime.parse(text) == nil)
    }

    @Test(
        arguments: [
            ("5", "5", "to"), ("6", "5", "to"), ("0", "86400001", "to"), (nil, "5", "from"), ("5", nil, "to"), ("x", "5", "from"),
            ("5", "x", "to"),
        ] as [(String?, String?, String)])
    func impossibleRangesAreRefused(from: String?, to: String?, field: String) {
        do throws(PlaybackError) {
            let range = try PlaybackRange(from: from, to: to, standard: nil, longest: .seconds(86_400))
            Issue.record("\(range) was taken")
        } catch {
            guard case .malformed(field, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test func anExtremeRangeDoesNotOverflow() {
        #expect(throws: PlaybackError.self) {
            try PlaybackRange(from: WallTime(nanoseconds: .min), to: WallTime(nanoseconds: .max), longest: .seconds(1))
        }
    }
}
