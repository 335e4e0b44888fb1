import BridgeModel
import LoadGeneration
import Testing

@Suite struct PathChecksTests {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000)

    private func time(_ duration: Duration) -> MonotonicTime { Self.start.advanced(by: duration) }

    @Test func allCandidatesAreTriedUntilOneAnswers() {
        var checks = PathChecks(candidateCount: 3, seed: 1, now: Self.start)
        #expect(checks.check(now: Self.start).map(\.candidate) == [0, 1, 2])
        #expect(checks.check(now: time(.milliseconds(49))).isEmpty)
        let second = checks.check(now: time(.milliseconds(50)))
        #expect(second.map(\.candidate) == [0, 1, 2])
        let becamePath = checks.answered(second[1].transaction, now: time(.milliseconds(60)))
        #expect(becamePath && checks.path == 1)
        #expect(checks.check(now: time(.milliseconds(200))).isEmpty)
    }

    @Test func anAnswerToNoCheckOfOursMakesNoPath() {
        var checks = PathChecks(candidateCount: 1, seed: 1, now: Self.start)
        let sent = checks.check(now: Self.start)
        let becamePath = checks.answered(sent[0].transaction &+ 1000, now: Self.start)
        #expect(!becamePath && checks.path == nil)
    }

    @Test func consentIsAskedForAndLostWithoutAnswers() {
        var checks = PathChecks(candidateCount: 1, seed: 9, now: Self.start)
        let sent = checks.check(now: Self.start)
        _ = checks.answered(sent[0].transaction, now: Self.start)
        var asked = 0
        for second in 1...60 {
            guard let check = checks.check(now: time(.seconds(second))).first else { continue }
            asked += 1
            if second <= 20 { _ = checks.answered(check.transaction, now: time(.seconds(second))) }
        }
        #expect((8...15).contains(asked), "\(asked) checks in a minute")
        #expect(!checks.hasLostConsent(now: time(.seconds(40))))
        #expect(checks.hasLostConsent(now: time(.seconds(51))))
    }
}
