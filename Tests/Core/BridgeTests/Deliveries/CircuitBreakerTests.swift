import Bridge
import BridgeModel
import Testing

@Suite struct CircuitBreakerTests {
    private let start = WallTime(milliseconds: 1_700_000_000_000)
    private let policy = CircuitBreaker.Policy(failures: 3, pause: .seconds(5), longestPause: .seconds(60))

    private func at(_ seconds: Int) -> WallTime { start.advanced(by: .seconds(seconds)) }

    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker(policy)
        for _ in 0..<3 { breaker.end(.failing, now: start) }
        return breaker
    }

    @Test func failuresInARowOpenIt() {
        var breaker = CircuitBreaker(policy)
        for _ in 0..<2 { breaker.end(.failing, now: start) }
        breaker.end(.answered, now: start)
        for _ in 0..<2 { breaker.end(.failing, now: start) }
        #expect(breaker.phase(now: start) == .closed && breaker.admits(now: start))
        breaker.end(.failing, now: start)
        #expect(breaker.phase(now: start) == .open && !breaker.admits(now: at(4)))
        #expect(breaker.reopens == at(5))
    }

    @Test func oneAsksWhenThePauseIsOver() {
        var breaker = opened()
        #expect(breaker.phase(now: at(5)) == .halfOpen && breaker.admits(now: at(5)))
        breaker.begin(now: at(5))
        #expect(!breaker.admits(now: at(5)) && !breaker.admits(now: at(500)) && breaker.reopens == nil)
        breaker.end(.answered, now: at(6))
        #expect(breaker.isFresh && breaker.admits(now: at(6)))
    }

    @Test func thePauseDoublesUpToItsLimit() {
        var breaker = opened()
        var now = 5
        for pause in [10, 20, 40, 60, 60] {
            breaker.begin(now: at(now))
            breaker.end(.failing, now: at(now))
            #expect(breaker.reopens == at(now + pause))
            now += pause
        }
        breaker.begin(now: at(now))
        breaker.end(.answered, now: at(now))
        for _ in 0..<3 { breaker.end(.failing, now: at(now)) }
        #expect(breaker.reopens == at(now + 5), "after a success it begins anew")
    }

    @Test func aQuestionThatWasBrokenOffIsAskedAgain() {
        var breaker = opened()
        breaker.begin(now: at(5))
        breaker.abandon()
        #expect(breaker.admits(now: at(5)))
    }

    @Test func lateResultsOfEarlierAttemptsDoNotLengthenThePause() {
        var breaker = opened()
        for second in 1...4 { breaker.end(.failing, now: at(second)) }
        #expect(breaker.reopens == at(5))
        breaker.end(.answered, now: at(4))
        #expect(breaker.isFresh)
    }

    @Test(arguments: [
        (AttemptOutcome.replied(status: 200, retryAfter: nil), AttemptHealth.answered), (.replied(status: 302, retryAfter: nil), .answered),
        (.replied(status: 400, retryAfter: nil), .answered), (.replied(status: 410, retryAfter: nil), .answered),
        (.replied(status: 429, retryAfter: nil), .failing), (.replied(status: 500, retryAfter: nil), .failing),
        (.replied(status: 503, retryAfter: .seconds(1)), .failing), (.failed(.timedOut), .failing), (.failed(.unresolvable), .failing),
    ])
    func aRefusalOfOneWebhookIsNoFailureOfItsReceiver(outcome: AttemptOutcome, health: AttemptHealth) {
        #expect(outcome.health == health)
    }
}

@Suite struct WebhookLanesTests {
    private let now = WallTime(milliseconds: 1_700_000_000_000)

    private func row(_ id: String, receiver: String, host: String? = nil) -> DeliveryRow {
        var row = DeliveryRow(
            id: DeliveryID(id), work: .webhook(url: Redacted("https://a.example/"), body: "{}"), account: AccountID("a"),
            session: SessionID("s"), dueAt: now, createdAt: now)
        row.receiver = WebhookReceiver(id: ReceiverID(receiver), host: ReceiverHostID(host ?? receiver))
        return row
    }

    private func lanes(total: Int = 4, perHost: Int = 2, failures: Int = 2) -> WebhookLanes {
        WebhookLanes(
            limits: WebhookLanes.Limits(total: total, perHost: perHost),
            breaker: CircuitBreaker.Policy(failures: failures, pause: .seconds(5)))
    }

    @Test func aHostTakesItsPlacesAndOthersTheirs() {
        var lanes = lanes(total: 5)
        lanes.add((0..<10).map { row("a\($0)", receiver: "r\($0)", host: "a") } + (0..<10).map { row("b\($0)", receiver: "b") })
        let first = lanes.start(now: now)
        #expect(first.map(\.id.rawValue).sorted() == ["a0", "a1", "b0", "b1"])
        let second = lanes.start(now: now)
        #expect(second.isEmpty && lanes.hasRoom)
        _ = lanes.end(row("a1", receiver: "r1", host: "a"), .answered, now: now)
        let third = lanes.start(now: now)
        #expect(third.map(\.id.rawValue) == ["a2"])
    }

    @Test func hostsTakeTurns() {
        var lanes = lanes(total: 1)
        lanes.add(["a1", "a2", "b1", "b2", "c1"].map { row($0, receiver: String($0.prefix(1))) })
        var order: [String] = []
        while let next = lanes.start(now: now).first {
            order.append(next.id.rawValue)
            _ = lanes.end(next, .answered, now: now)
        }
        #expect(order == ["a1", "b1", "c1", "a2", "b2"])
        #expect(lanes.isIdle)
    }

    @Test func rowsAreTakenOnce() {
        var lanes = lanes()
        let one = row("a", receiver: "a")
        lanes.add([one, one])
        let first = lanes.start(now: now)
        #expect(first == [one])
        lanes.add([one])
        let second = lanes.start(now: now)
        #expect(second.isEmpty && lanes.exclusions(now: now).webhooks == [one.id])
    }

    @Test func aHostOfWhichEnoughWaitsIsNotReadOn() {
        var lanes = lanes(total: 1)
        lanes.add((0..<64).map { row("a\($0)", receiver: "a") })
        #expect(lanes.exclusions(now: now).hosts == [ReceiverHostID("a")])
        _ = lanes.start(now: now)
        #expect(lanes.exclusions(now: now).hosts.isEmpty && lanes.exclusions(now: now).webhooks.count == 64)
    }

    @Test func aReceiverThatFailsIsLeftAloneAndItsHostsOthersAreNot() {
        var lanes = lanes(total: 8, perHost: 8)
        let rows = (0..<3).map { row("a\($0)", receiver: "a", host: "h") } + [row("b", receiver: "b", host: "h")]
        lanes.add(Array(rows.prefix(2)))
        _ = lanes.start(now: now)
        let opened = [lanes.end(rows[0], .failing, now: now), lanes.end(rows[1], .failing, now: now)]
        #expect(opened == [false, true], "the second failure opens")
        lanes.add(Array(rows.suffix(2)))
        let first = lanes.start(now: now)
        #expect(first.map(\.id.rawValue) == ["b"])
        #expect(lanes.exclusions(now: now).receivers == [ReceiverID("a")])
        let later = now.advanced(by: .seconds(5))
        #expect(lanes.reopens == later && lanes.phases(now: now) == [.open: 1] && lanes.phases(now: later) == [.halfOpen: 1])
        lanes.add([row("a3", receiver: "a", host: "h")])
        let second = lanes.start(now: later)
        #expect(second.map(\.id.rawValue) == ["a2"], "one asks")
        _ = lanes.end(rows[2], .answered, now: later)
        let third = lanes.start(now: later)
        #expect(third.map(\.id.rawValue) == ["a3"] && lanes.phases(now: later).isEmpty)
    }

    @Test func manyFailingReceiversAreForgottenOldestFirst() {
        var limits = WebhookLanes.Limits(total: 1, perHost: 1)
        limits.rememberedReceivers = 2
        var lanes = WebhookLanes(limits: limits, breaker: CircuitBreaker.Policy(failures: 1))
        for name in ["a", "b", "c"] {
            lanes.add([row(name, receiver: name)])
            for started in lanes.start(now: now) { _ = lanes.end(started, .failing, now: now) }
        }
        #expect(lanes.exclusions(now: now).receivers == [ReceiverID("b"), ReceiverID("c")])
    }
}
