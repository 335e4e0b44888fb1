import BridgeModel
import Testing

@testable import RTP

/// A virtual source with a microphone and a camera, seen through a network with a constant delay for each.
private struct VirtualSource {
    static let audio = 0
    static let video = 1
    var audioDelay: Int64 = 0
    var videoDelay: Int64 = 0
    /// Parts in a million by which the audio clock runs fast.
    var audioDrift: Int64 = 0
    var audioStart: UInt32 = 0
    var videoStart: UInt32 = 0
    /// Local monotonic time at which the source was switched on, ms.
    let origin: Int64 = 1_000_000
    /// Wall clock of the source when it was switched on: 2024-03-01T09:00:00Z, in seconds.
    let wallSeconds: Int64 = 1_709_283_600

    func timestamp(_ track: Int, atMilliseconds time: Int64) -> UInt32 {
        let ticks = track == Self.audio ? time * 48 + time * 48 * audioDrift / 1_000_000 : time * 90
        return (track == Self.audio ? audioStart : videoStart) &+ UInt32(truncatingIfNeeded: ticks)
    }

    func arrival(_ track: Int, atMilliseconds time: Int64) -> MonotonicTime {
        let delay = track == Self.audio ? audioDelay : videoDelay
        return MonotonicTime(nanoseconds: UInt64((origin + time + delay) * 1_000_000))
    }

    func ntp(atMilliseconds time: Int64) -> UInt64 {
        let seconds = UInt64(wallSeconds + 2_208_988_800 + time / 1000)
        return seconds << 32 | UInt64(time % 1000) << 32 / 1000
    }

    func report(_ track: Int, atMilliseconds time: Int64, to clock: inout RTPClock) {
        clock.senderReport(
            track: track, ntp: ntp(atMilliseconds: time), timestamp: timestamp(track, atMilliseconds: time),
            arrival: arrival(track, atMilliseconds: time))
    }

    func present(_ track: Int, atMilliseconds time: Int64, by clock: inout RTPClock) -> Int64 {
        let presented = clock.presentationTime(
            track: track, timestamp: timestamp(track, atMilliseconds: time), arrival: arrival(track, atMilliseconds: time))
        return Int64(presented.nanoseconds) / 1_000_000 - origin
    }

    /// Plays from `start` to `end` in steps of 20 ms with reports every second; returns the last presentation times and checks that none steps back.
    func play(_ range: Range<Int64>, reports: Bool, by clock: inout RTPClock) -> (audio: Int64, video: Int64) {
        var last = (audio: Int64.min, video: Int64.min)
        for time in stride(from: range.lowerBound, to: range.upperBound, by: 20) {
            let audio = present(Self.audio, atMilliseconds: time, by: &clock)
            let video = present(Self.video, atMilliseconds: time, by: &clock)
            #expect(audio >= last.audio && video >= last.video)
            last = (audio, video)
            if reports, time % 1000 == 500 { for track in 0...1 { report(track, atMilliseconds: time, to: &clock) } }
        }
        return last
    }
}

private func makeClock() -> RTPClock { RTPClock(clockRates: [48_000, 90_000]) }

@Suite struct RTPClockTests {
    @Test func withoutReportsATrackStandsAtTheArrivalOfItsFirstPacket() {
        var clock = makeClock()
        let source = VirtualSource(audioDelay: 30, videoDelay: 80)
        #expect(source.present(VirtualSource.audio, atMilliseconds: 0, by: &clock) == 30)
        #expect(source.present(VirtualSource.video, atMilliseconds: 0, by: &clock) == 80)
        #expect(source.present(VirtualSource.audio, atMilliseconds: 20, by: &clock) == 50)
    }

    @Test func aTrackBeginsWhereItsLeastDelayedPacketBelongs() {
        var clock = makeClock()
        let source = VirtualSource()
        // What was sent in the first 200 ms comes at once, and then everything in time.
        let packets = stride(from: Int64(0), through: 400, by: 40).map { time in
            (time: time, arrival: source.arrival(VirtualSource.video, atMilliseconds: max(time, 200)))
        }
        for packet in packets {
            let timestamp = source.timestamp(VirtualSource.video, atMilliseconds: packet.time)
            clock.foresee(track: VirtualSource.video, timestamp: timestamp, arrival: packet.arrival)
        }
        for packet in packets {
            let timestamp = source.timestamp(VirtualSource.video, atMilliseconds: packet.time)
            let presented = clock.presentationTime(track: VirtualSource.video, timestamp: timestamp, arrival: packet.arrival)
            #expect(presented == source.arrival(VirtualSource.video, atMilliseconds: packet.time))
        }
    }

    @Test func aForeseenLeapIsNotBelieved() {
        var clock = makeClock()
        let source = VirtualSource()
        let leap = source.timestamp(VirtualSource.video, atMilliseconds: 3_600_000)
        clock.foresee(track: VirtualSource.video, timestamp: 0, arrival: source.arrival(VirtualSource.video, atMilliseconds: 0))
        clock.foresee(track: VirtualSource.video, timestamp: leap, arrival: source.arrival(VirtualSource.video, atMilliseconds: 40))
        #expect(source.present(VirtualSource.video, atMilliseconds: 0, by: &clock) == 0)
    }

    @Test(arguments: [(0, 200), (200, 0), (30, 230)] as [(Int64, Int64)])
    func reportsBringTracksWithUnequalDelaysTogether(audioDelay: Int64, videoDelay: Int64) {
        var clock = makeClock()
        let source = VirtualSource(audioDelay: audioDelay, videoDelay: videoDelay)
        let early = source.play(0..<500, reports: true, by: &clock)
        #expect(abs(early.audio - early.video) == 200)
        let late = source.play(500..<10_000, reports: true, by: &clock)
        #expect(abs(late.audio - late.video) <= 1)
    }

    @Test func correctionIsSlewedOnceATrackIsPresented() {
        var clock = makeClock()
        let source = VirtualSource(videoDelay: 200)
        _ = source.play(0..<520, reports: true, by: &clock)
        let before = source.present(VirtualSource.video, atMilliseconds: 520, by: &clock)
        let after = source.present(VirtualSource.video, atMilliseconds: 560, by: &clock)
        #expect((38...42).contains(after - before))
    }

    @Test func aFastAudioClockDoesNotRunAwayFromTheVideo() {
        var clock = makeClock()
        let source = VirtualSource(audioDrift: 500)
        let hour = source.play(0..<3_600_000, reports: true, by: &clock)
        #expect(abs(hour.audio - hour.video) <= 5)
        #expect(abs(hour.video - 3_599_980) <= 5)
    }

    @Test func withoutReportsDriftIsFollowedByTheArrivals() {
        var clock = makeClock()
        let source = VirtualSource(audioDrift: 500)
        let hour = source.play(0..<3_600_000, reports: false, by: &clock)
        #expect(abs(hour.audio - hour.video) <= 25)
    }

    @Test func timestampsWrapWithoutATrace() {
        var clock = makeClock()
        let source = VirtualSource(audioStart: UInt32.max - 24_000, videoStart: UInt32.max - 45_000)
        let end = source.play(0..<5000, reports: true, by: &clock)
        #expect(abs(end.audio - 4980) <= 1)
        #expect(abs(end.video - 4980) <= 1)
    }

    @Test(arguments: [-1_000_000_000, -90_000, 180_000, 1_000_000_000] as [Int64])
    func aLeapOfTimestampsKeepsTheTimeOfArrival(ticks: Int64) {
        var clock = makeClock()
        var source = VirtualSource(videoStart: 2_000_000_000)
        let before = source.play(0..<5000, reports: true, by: &clock)
        source.videoStart = source.videoStart &+ UInt32(truncatingIfNeeded: ticks)
        let first = source.present(VirtualSource.video, atMilliseconds: 5000, by: &clock)
        #expect(abs(first - before.video - 20) <= 1)
        let later = source.play(5020..<10_000, reports: true, by: &clock)
        #expect(abs(later.audio - later.video) <= 1)
    }

    @Test func aReplacedSourceWithSmallOffsetIsPlacedByItsArrival() {
        var clock = makeClock()
        var source = VirtualSource(videoStart: 5_000_000)
        _ = source.play(0..<5000, reports: true, by: &clock)
        source.videoStart = source.videoStart &- 90 * 4000
        clock.expectDiscontinuity()
        #expect(abs(source.present(VirtualSource.video, atMilliseconds: 9000, by: &clock) - 9000) <= 1)
    }

    /// The bridge was stopped for five seconds, and then got at once what had come meanwhile, with losses.
    @Test func aBurstAfterAStandstillKeepsItsTimes() {
        var clock = makeClock()
        let source = VirtualSource()
        _ = source.play(0..<3000, reports: true, by: &clock)
        let burst = Array(stride(from: Int64(4000), to: 8000, by: 20))
        let late = source.arrival(VirtualSource.video, atMilliseconds: 8000)
        clock.expectDiscontinuity()
        for time in burst {
            let timestamp = source.timestamp(VirtualSource.video, atMilliseconds: time)
            clock.foresee(track: VirtualSource.video, timestamp: timestamp, arrival: late)
        }
        for time in burst {
            let timestamp = source.timestamp(VirtualSource.video, atMilliseconds: time)
            let presented = clock.presentationTime(track: VirtualSource.video, timestamp: timestamp, arrival: late)
            #expect(abs(Int64(presented.nanoseconds) / 1_000_000 - source.origin - time) <= 1)
        }
        #expect(abs(source.present(VirtualSource.video, atMilliseconds: 8020, by: &clock) - 8020) <= 1)
    }

    @Test func aLeapThatIsForeseenAfterADiscontinuityIsNotBelieved() {
        var clock = makeClock()
        let source = VirtualSource()
        _ = source.play(0..<3000, reports: true, by: &clock)
        clock.expectDiscontinuity()
        for (time, arrival) in [(Int64(4000), Int64(4000)), (3_600_000, 4020)] {
            clock.foresee(
                track: VirtualSource.video, timestamp: source.timestamp(VirtualSource.video, atMilliseconds: time),
                arrival: source.arrival(VirtualSource.video, atMilliseconds: arrival))
        }
        #expect(abs(source.present(VirtualSource.video, atMilliseconds: 4000, by: &clock) - 4000) <= 1)
    }

    @Test func packetsOfOneFrameShareItsTime() {
        var clock = makeClock()
        let source = VirtualSource(videoDelay: 200)
        _ = source.play(0..<700, reports: true, by: &clock)
        let first = source.present(VirtualSource.video, atMilliseconds: 700, by: &clock)
        #expect(source.present(VirtualSource.video, atMilliseconds: 700, by: &clock) == first)
    }

    @Test(arguments: [0, 1, UInt64.max, 1 << 63, 3_918_272_400 << 32])
    func lyingReportsMoveNothingFar(ntp: UInt64) {
        var clock = makeClock()
        let source = VirtualSource()
        _ = source.play(0..<3000, reports: true, by: &clock)
        clock.senderReport(
            track: VirtualSource.audio, ntp: ntp, timestamp: source.timestamp(VirtualSource.audio, atMilliseconds: 3000),
            arrival: source.arrival(VirtualSource.audio, atMilliseconds: 3000))
        let end = source.play(3000..<6000, reports: true, by: &clock)
        #expect(abs(end.audio - 5980) <= 2 && abs(end.video - 5980) <= 2)
    }

    @Test func aSourceWhoseWallClockIsSetStaysInStep() {
        var clock = makeClock()
        let source = VirtualSource(videoDelay: 200)
        _ = source.play(0..<10_000, reports: true, by: &clock)
        for track in 0...1 {
            clock.senderReport(
                track: track, ntp: source.ntp(atMilliseconds: 10_000) &+ 86_400 << 32,
                timestamp: source.timestamp(track, atMilliseconds: 10_000), arrival: source.arrival(track, atMilliseconds: 10_000))
        }
        let end = source.play(10_000..<10_400, reports: false, by: &clock)
        #expect(abs(end.audio - end.video) <= 1)
    }

    @Test func captureTimeIsTheSourcesOwnClock() {
        var clock = makeClock()
        let source = VirtualSource(videoDelay: 200)
        _ = source.play(0..<400, reports: true, by: &clock)
        let first = MonotonicTime(nanoseconds: UInt64(source.origin + 200) * 1_000_000)
        #expect(clock.captureTime(track: VirtualSource.video, presentedAt: first) == nil)
        source.report(VirtualSource.video, atMilliseconds: 400, to: &clock)
        let captured = clock.captureTime(track: VirtualSource.video, presentedAt: first)
        #expect(abs((captured?.milliseconds ?? 0) - source.wallSeconds * 1000) <= 1)
    }

    @Test func aSourceWithoutAWallClockHasNoCaptureTime() {
        var clock = makeClock()
        let arrival = MonotonicTime(nanoseconds: 5_000_000_000)
        _ = clock.presentationTime(track: 0, timestamp: 0, arrival: arrival)
        clock.senderReport(track: 0, ntp: 2_208_988_900 << 32, timestamp: 0, arrival: arrival)
        #expect(clock.captureTime(track: 0, presentedAt: arrival) == nil)
    }

    @Test func anyInputIsSurvivedAndTimesNeverDecrease() {
        var generator = SplitMix(state: 7)
        var clock = makeClock()
        var last = [MonotonicTime](repeating: MonotonicTime(nanoseconds: 0), count: 2)
        var arrival: UInt64 = 1
        for _ in 0..<200_000 {
            arrival &+= generator.next() % 50_000_000
            let track = Int(generator.next() % 3)
            let timestamp = UInt32(truncatingIfNeeded: generator.next())
            if generator.next() % 10 == 0 {
                clock.senderReport(
                    track: track, ntp: generator.next(), timestamp: timestamp, arrival: MonotonicTime(nanoseconds: arrival))
                continue
            }
            let time = clock.presentationTime(track: track, timestamp: timestamp, arrival: MonotonicTime(nanoseconds: arrival))
            guard track < 2 else { continue }
            #expect(time >= last[track])
            last[track] = time
        }
    }
}

/// Seeded randomness (SplitMix64).
private struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
