import Bridge
import BridgeModel
import Testing

@Suite struct DeliveryPolicyTests {
    private static let start = WallTime(milliseconds: 1_700_000_000_000)
    private static let webhook = DeliveryPolicy.webhook(schedule: WebhookSettings().schedule)
    private static let upload = DeliveryPolicy.upload(schedule: UploadSettings().schedule)

    private enum Expected {
        case delivered, again, dead
    }

    private func decide(_ policy: DeliveryPolicy, _ outcome: AttemptOutcome, attempts: Int = 1, seed: UInt64 = 1) -> DeliveryDecision {
        var generator = SeededGenerator(seed: seed)
        return policy.decide(outcome, attempts: attempts, now: Self.start, using: &generator)
    }

    private func length(of decision: DeliveryDecision) -> Duration? {
        guard case .retry(let at) = decision else { return nil }
        return .nanoseconds(at.nanoseconds - Self.start.nanoseconds)
    }

    private func matches(_ decision: DeliveryDecision, _ expected: Expected) -> Bool {
        switch (decision, expected) {
        case (.delivered, .delivered), (.retry, .again), (.dead, .dead): true
        default: false
        }
    }

    @Test func webhookStatusesFollowTheirTable() {
        for status in 100...599 {
            let expected: Expected = (200...299).contains(status) ? .delivered : status == 410 ? .dead : .again
            #expect(matches(decide(Self.webhook, .replied(status: status, retryAfter: nil)), expected), "\(status)")
        }
    }

    @Test func uploadStatusesFollowTheirTable() {
        for status in 100...599 {
            let again = [408, 429].contains(status) || status >= 500
            let expected: Expected = (200...299).contains(status) ? .delivered : again ? .again : .dead
            #expect(matches(decide(Self.upload, .replied(status: status, retryAfter: nil)), expected), "\(status)")
        }
        #expect(decide(Self.upload, .stored) == .delivered)
    }

    @Test(arguments: [
        AttemptFault.unresolvable, .blockedAddress(.loopback), .refusedURL, .unreachable, .untrusted, .connectionLost, .timedOut,
        .invalidReply,
        .folderUnwritable, .folderFull,
    ])
    func passingFaultsAreTriedAgain(fault: AttemptFault) {
        #expect(matches(decide(Self.webhook, .failed(fault)), .again))
        #expect(matches(decide(Self.upload, .failed(fault)), .again))
    }

    @Test(arguments: [AttemptFault.fileMissing, .impossible])
    func lastingFaultsEndAtOnce(fault: AttemptFault) {
        #expect(decide(Self.upload, .failed(fault)) == .dead)
    }

    @Test func webhooksEndAfterTenAttemptsAndMoreThanADay() {
        var total: Duration = .zero
        for attempts in 1...9 {
            guard let wait = length(of: decide(Self.webhook, .failed(.unreachable), attempts: attempts)) else {
                Issue.record("attempt \(attempts) is the last")
                return
            }
            total += wait
        }
        #expect(decide(Self.webhook, .failed(.unreachable), attempts: 10) == .dead)
        // 5 s + 30 s + 2 min + 10 min + 30 min + 2 h + 5 h + 10 h + 10 h = 99,755 s.
        #expect(total > .seconds(99_755) * 0.9 && total < .seconds(99_755) * 1.1)
    }

    @Test func uploadsEndAfterFiveAttempts() {
        #expect(length(of: decide(Self.upload, .failed(.timedOut), attempts: 4)) != nil)
        #expect(decide(Self.upload, .failed(.timedOut), attempts: 5) == .dead)
    }

    @Test func attemptsBeyondTheScheduleNeverTrap() {
        for attempts in [-1, 0, 11, Int.max] { #expect(decide(Self.webhook, .failed(.timedOut), attempts: attempts) == .dead) }
        #expect(decide(.webhook(schedule: []), .failed(.timedOut)) == .dead)
    }

    @Test func waitsSpreadByATenthAndNoMore() {
        let waits = (0..<500).compactMap { length(of: decide(Self.webhook, .failed(.timedOut), attempts: 2, seed: $0)) }
        #expect(waits.count == 500)
        #expect(waits.allSatisfy { $0 >= .seconds(27) && $0 <= .seconds(33) })
        #expect((waits.min() ?? .zero) < .seconds(27.5))
        #expect((waits.max() ?? .zero) > .seconds(32.5))
    }

    @Test(arguments: [
        (503, 60, 60), (429, 60, 60), (503, 1, 5), (503, 100_000, 3600), (503, -60, 5), (500, 60, 5), (404, 3600, 5),
    ])
    func retryAfterLengthensAWaitUpToAnHour(status: Int, asked: Int, floor: Int) throws {
        let decision = decide(Self.webhook, .replied(status: status, retryAfter: .seconds(asked)))
        let wait = try #require(length(of: decision))
        if floor == 5 {
            #expect(wait >= .seconds(4.5) && wait <= .seconds(5.5))
        } else {
            #expect(wait == .seconds(floor))
        }
    }

    @Test func retryAfterIsTheWebhooksOwn() throws {
        let wait = try #require(length(of: decide(Self.upload, .replied(status: 503, retryAfter: .seconds(600)))))
        #expect(wait <= .seconds(11))
    }
}

@Suite struct RetryAfterTests {
    private let now = WallTime(milliseconds: 784_111_777_000)  // Sun, 06 Nov 1994 08:49:37 GMT

    @Test(arguments: [
        ("0", 0), ("60", 60), ("999999999", 999_999_999), ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
        ("Sun, 06 Nov 1994 08:48:37 GMT", -60), ("Thu, 01 Jan 1970 00:00:00 GMT", -784_111_777), ("Mon, 07 Nov 1994 08:49:37 GMT", 86_400),
        ("Thu, 29 Feb 1996 08:49:37 GMT", 41_472_000),
    ])
    func secondsAndDatesAreRead(text: String, seconds: Int) {
        #expect(RetryAfter.parse(text, now: now) == .seconds(seconds))
    }

    @Test(arguments: [
        "", " ", "-1", "+1", "1.5", "1 ", "0x10", "9999999999", "soon", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun,  06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 0a:49:37 GMT",
        String(repeating: "1", count: 100_000),
    ])
    func anythingElseIsIgnored(text: String) {
        #expect(RetryAfter.parse(text, now: now) == nil)
    }
}
