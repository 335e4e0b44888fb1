import Bridge
import Testing

/// How sound stays with its pictures.
@Suite struct MicrophoneClockTests {
    private static let millisecond = 1_000_000.0
    /// Samples come in pieces of 10 ms by the microphone's own count.
    private static let piece: UInt64 = 10_000_000
    /// The least delay of this microphone.
    private static let delay = 8 * millisecond

    /// How far, ms, what it says is from when the samples were captured, over ten minutes, after the first seconds: the least and the most.
    private func errors(rate: Double, lateness: (Int, inout SystemRandomNumberGenerator) -> Double) -> (Double, Double) {
        var (clock, random) = (MicrophoneClock(), SystemRandomNumberGenerator())
        var (least, most) = (Double.infinity, -Double.infinity)
        var last = 0.0
        for count in 0..<60_000 {
            let began = 1e12 + Double(count) * Double(Self.piece) * rate
            let complete = began + Double(Self.piece) * rate
            // What waits is read in its order.
            last = max(last, complete + Self.delay + lateness(count, &random))
            let told = clock.captured(
                UInt64(count) * Self.piece, length: Self.piece, arrival: UInt64(last), isDiscontinuity: count == 0)
            guard count > 500 else { continue }
            least = min(least, (Double(told) - began) / Self.millisecond)
            most = max(most, (Double(told) - began) / Self.millisecond)
        }
        return (least, most)
    }

    @Test(arguments: [1.0, 1.0001, 0.9999, 1.001, 0.999])
    func soundStaysWithItsPicturesForTenMinutes(rate: Double) {
        let (least, most) = errors(rate: rate) { _, random in .random(in: 0..<15 * Self.millisecond, using: &random) }
        // Its own delay is what nobody can see.
        #expect(least > 3 && most < 13, "\(least) \(most)")
    }

    @Test func aBusyMachineShiftsNothingForLong() {
        // Three seconds in each minute everything is a fifth of a second late.
        let (least, most) = errors(rate: 1.0001) { count, _ in count % 6_000 > 5_700 ? 200 * Self.millisecond : 0 }
        #expect(least > 5 && most < 25, "\(least) \(most)")
    }

    @Test func aLateBeginningIsMadeGood() {
        let (least, most) = errors(rate: 1) { count, _ in count < 50 ? 300 * Self.millisecond : 0 }
        #expect(least > 5 && most < 15, "\(least) \(most)")
    }

    @Test func aJumpOfItsTimeIsFollowedAtOnce() {
        var clock = MicrophoneClock()
        let first = clock.captured(0, length: Self.piece, arrival: 5_000_000_000, isDiscontinuity: true)
        let next = clock.captured(3_000_000_000, length: Self.piece, arrival: 5_500_000_000, isDiscontinuity: true)
        #expect(first == 4_990_000_000 && next == 5_490_000_000)
    }

    @Test(arguments: [0, 1, UInt64.max, UInt64.max / 2, 1 << 63])
    func noTimeTraps(time: UInt64) {
        var clock = MicrophoneClock()
        for arrival in [0, 1, time, UInt64.max] {
            for isDiscontinuity in [true, false] {
                _ = clock.captured(time, length: time, arrival: arrival, isDiscontinuity: isDiscontinuity)
            }
        }
    }
}
