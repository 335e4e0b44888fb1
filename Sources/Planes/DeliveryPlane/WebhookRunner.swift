package import Bridge
internal import BridgeModel
internal import Logging

/// Carries out the webhooks of the outbox: takes what is due from the queue, sends it, and commits the outcome with its line of the log. It holds
/// nothing that a restart would lose: what was under way when the process ended is simply due again, with the same id. See `CrashPoints.md`.
///
/// Of a session's events a receiver has one at most under way: the queue hands out the next when the one before has ended.
package actor WebhookRunner: DeliveryService {
    private let queue: any WebhookQueue
    private let sender: any WebhookSender
    private let terms: WebhookTerms
    private let clock: any OutboxClock
    private let logger: Logger
    private var generator: any RandomNumberGenerator & Sendable
    private let bell = Bell()
    private var waits: WaitKeeper
    private var lanes: WebhookLanes
    /// Who waits in `drain`.
    private var drains: [Bell] = []
    /// Given up since the process began.
    private var deaths = 0

    /// Rows that are looked at in one query.
    private static let pageLength = 128
    /// The pause after the queue failed.
    private static let queuePause: Duration = .seconds(5)

    package init(queue: any WebhookQueue, sender: any WebhookSender, terms: WebhookTerms, environment: OutboxEnvironment) {
        self.queue = queue
        self.sender = sender
        self.terms = terms
        clock = environment.clock
        logger = environment.logger
        generator = environment.generator
        lanes = WebhookLanes(limits: terms.limits, breaker: terms.breaker)
        waits = WaitKeeper(clock)
    }

    /// Works until the task is cancelled; attempts under way are then broken off, and their rows stay due. Call it once.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let asking = drains
                // What ends during the look may leave new rows that the look did not see: only one that began idle can find nothing to do.
                let wasIdle = lanes.isIdle
                let look = await look()
                for delivery in look.startable { group.addTask { await self.attempt(delivery) } }
                if wasIdle, look.foundNothing { for idle in asking { idle.ring() } }
                await rest(until: look.next)
            }
        }
    }

    package nonisolated func wake() { bell.ring() }

    package func drain(limit: Duration) async -> Bool {
        let idle = Bell()
        drains.append(idle)
        wake()
        let isDrained = await idle.wait(until: clock.now.advanced(by: limit), clock)
        drains.removeAll { $0 === idle }
        return isDrained
    }

    /// Figures of this moment; those of the queue are missing when it cannot be read.
    package func samples() async -> [MetricSample] {
        let phases = lanes.phases(now: clock.now)
        let breakers = CircuitBreaker.Phase.allCases.filter { $0 != .closed }.map { phase in
            MetricSample(
                name: "viaduct_outbox_breakers", help: "Webhook receivers that are spared because they fail.", kind: .gauge,
                labels: [.init("state", phase.rawValue)], value: Double(phases[phase] ?? 0))
        }
        let total = MetricSample(
            name: "viaduct_outbox_dead_total", help: "Webhooks given up since the start.", kind: .counter, value: Double(deaths))
        guard let figures = try? await queue.webhookFigures() else { return breakers + [total] }
        return breakers + [
            total,
            MetricSample(
                name: "viaduct_outbox_pending_events", help: "Webhooks that are neither delivered nor given up.", kind: .gauge,
                value: Double(figures.pending)),
            MetricSample(
                name: "viaduct_outbox_dead_letters", help: "Webhooks that were given up and can be sent again.", kind: .gauge,
                value: Double(figures.dead)),
        ]
    }
}

// MARK: Looking

extension WebhookRunner {
    private struct Look {
        var startable: [DeliveryRow] = []
        /// When to look again, if nobody rings before.
        var next: WallTime?
        /// True when there is nothing to try; false also when the queue could not be read.
        var foundNothing = false
    }

    private func look() async -> Look {
        // One moment for the whole look: what falls due during it is due for the next one.
        let now = clock.now
        var look = Look(startable: lanes.start(now: now))
        do throws(BridgeError) {
            if waits.mayBeWrong(clock) {
                for (kind, policy) in terms.policies { try await queue.bringForward(kind, within: policy.longestWaits, of: now) }
                waits.areRight()
            }
            while lanes.hasRoom {
                let page = try await queue.dueWebhooks(at: now, limit: Self.pageLength, excluding: lanes.exclusions(now: now))
                lanes.add(page)
                look.startable += lanes.start(now: now)
                guard page.count == Self.pageLength else { break }
            }
            let later = try await queue.nextWebhookDue(excluding: lanes.exclusions(now: now))
            // What is due already has no place; the end of an attempt looks again.
            look.next = [later.flatMap { $0 > now ? $0 : nil }, lanes.reopens].compactMap { $0 }.min()
            look.foundNothing = look.startable.isEmpty && lanes.isIdle
        } catch {
            logger.error("the webhooks cannot be read", metadata: ["error": "\(error)"])
            look.next = clock.now.advanced(by: Self.queuePause)
        }
        return look
    }

    private func rest(until moment: WallTime?) async {
        await bell.wait(until: moment, clock)
    }
}

// MARK: One attempt

extension WebhookRunner {
    private func attempt(_ delivery: DeliveryRow) async {
        let beganAt = clock.now
        let attempt = await sender.send(delivery)
        // An attempt that was broken off tells nothing about its receiver; one that succeeded before it noticed has succeeded.
        let isMeaningful = !Task.isCancelled || attempt.outcome.sentence == nil
        if isMeaningful { await settle(delivery, attempt, beganAt: beganAt) }
        if lanes.end(delivery, isMeaningful ? attempt.outcome.health : nil, now: clock.now) {
            logger.warning("a webhook receiver fails and is left alone for a while", metadata: ["destination": "\(delivery.origin)"])
        }
        bell.ring()
    }

    private func settle(_ delivery: DeliveryRow, _ attempt: WebhookAttempt, beganAt: WallTime) async {
        let decision = terms.policy(of: delivery).decide(
            attempt.outcome, attempts: delivery.attempts + 1, now: clock.now, using: &generator)
        let row = delivery.attempted(attempt.outcome, decision)
        let record = AttemptRecord(
            number: row.attempts, beganAt: beganAt, duration: attempt.duration, status: attempt.outcome.status ?? 0,
            error: attempt.outcome.sentence, requestHeaders: attempt.requestHeaders, reply: attempt.reply)
        log(row, attempt.outcome)
        await persist(row, record)
        if row.state == .dead { deaths += 1 }
    }

    /// Tries until it works: what was delivered and cannot be recorded would be delivered again at once, and again.
    private func persist(_ row: DeliveryRow, _ record: AttemptRecord) async {
        while true {
            do throws(BridgeError) {
                return try await queue.settle(row, record)
            } catch {
                logger.error("an outcome cannot be stored", metadata: ["error": "\(error)", "delivery": "\(row.id)"])
            }
            guard (try? await clock.sleep(until: clock.now.advanced(by: Self.queuePause))) != nil else { return }
        }
    }

    private func log(_ delivery: DeliveryRow, _ outcome: AttemptOutcome) {
        var metadata: Logger.Metadata = [
            "delivery": "\(delivery.id)", "session": "\(delivery.session)", "attempt": "\(delivery.attempts)",
            "destination": "\(delivery.origin)",
        ]
        if let status = outcome.status { metadata["status"] = "\(status)" }
        if let sentence = outcome.sentence { metadata["reason"] = "\(sentence)" }
        switch delivery.state {
        case .delivered: logger.info("delivery succeeded", metadata: metadata)
        case .pending: logger.warning("delivery failed and will be tried again", metadata: metadata)
        case .dead: logger.error("delivery given up", metadata: metadata)
        }
    }
}

extension DeliveryRow {
    /// Where a webhook goes, without secrets: scheme, host and port.
    fileprivate var origin: String {
        guard case .webhook(let url, _) = work else { return "no webhook" }
        return DeliveryURL.shownOrigin(of: url)
    }
}
