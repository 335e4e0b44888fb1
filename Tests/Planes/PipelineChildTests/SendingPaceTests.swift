import BridgeModel
import Testing

@testable import PipelineChild

/// What goes to a server that takes less than there is, in virtual time.
@Suite struct SendingPaceTests {
    private var pace = SendingPace()
    private var now = MonotonicTime(nanoseconds: 100_000_000_000)

    private mutating func take(_ kind: MediaKind, age: Duration, isKeyframe: Bool = true) -> SendingPace.Verdict {
        pace.take(kind, isKeyframe: isKeyframe, time: now.advanced(by: .zero - age), now: now)
    }

    private static let dropped = SendingPace.Verdict(passes: false)

    @Test mutating func whatIsOnlyLatePasses() {
        for age in [Duration.zero, .milliseconds(-500), .seconds(3), SendingPace.limit] {
            #expect(take(.video, age: age, isKeyframe: false) == .pass && take(.audio, age: age) == .pass)
        }
    }

    @Test mutating func whatIsTooOldIsLeftOutUpToAFreshKeyframe() {
        #expect(
            take(.video, age: .seconds(5), isKeyframe: false) == .init(passes: false, wantsKeyframe: true, news: .fellBehind))
        // The rest of what waited, without a word more; sound in step.
        #expect(take(.video, age: .seconds(3), isKeyframe: false) == Self.dropped)
        #expect(take(.audio, age: .seconds(3)) == Self.dropped)
        #expect(take(.video, age: .seconds(2)) == .init(passes: false, wantsKeyframe: true), "it is too old, too")
        #expect(take(.video, age: .milliseconds(100), isKeyframe: false) == Self.dropped)
        #expect(take(.audio, age: .milliseconds(900)) == .pass, "sound needs no keyframe")
        #expect(take(.video, age: .milliseconds(200)) == .pass)
        #expect(take(.video, age: .milliseconds(200), isKeyframe: false) == .pass)
    }

    @Test mutating func soundGoesOnWhereThePicturesDo() {
        _ = take(.video, age: .seconds(5))
        #expect(take(.video, age: .milliseconds(100)) == .pass)
        #expect(take(.audio, age: .milliseconds(120)) == Self.dropped && take(.audio, age: .milliseconds(100)) == .pass)
        #expect(take(.audio, age: .milliseconds(120)) == .pass)
    }

    @Test mutating func itIsToldOnceUntilItKeepsUp() {
        #expect(take(.audio, age: .seconds(5)).news == .fellBehind)
        for _ in 0..<3 {
            now = now.advanced(by: .seconds(8))
            #expect(take(.video, age: .zero).passes && take(.audio, age: .zero) == .pass)
            now = now.advanced(by: .seconds(8))
            #expect(take(.video, age: .seconds(5)) == .init(passes: false, wantsKeyframe: true))
        }
        #expect(take(.video, age: .zero) == .pass && take(.audio, age: .zero) == .pass)
        now = now.advanced(by: SendingPace.steady)
        #expect(take(.audio, age: .zero) == .init(passes: true, news: .keepsUp))
        #expect(take(.video, age: .zero) == .pass)
        #expect(take(.video, age: .seconds(5)).news == .fellBehind)
    }

    /// Sound alone, or pictures alone.
    @Test mutating func whatIsAloneKeepsUp() {
        _ = take(.audio, age: .seconds(5))
        #expect(take(.audio, age: .zero) == .pass)
        now = now.advanced(by: SendingPace.steady)
        #expect(take(.audio, age: .zero).news == .keepsUp)
    }
}
