package import Bridge
package import BridgeModel

/// How often webhooks are tried, how far apart, and how many beside each other.
package struct WebhookTerms: Sendable {
    /// How many run beside each other.
    package var limits: WebhookLanes.Limits
    /// When a receiver is left alone.
    package var breaker: CircuitBreaker.Policy
    private let dialect: DeliveryPolicy
    private let events: DeliveryPolicy

    /// Schedules with one wait fewer than there are attempts.
    package init(
        dialectSchedule: [Duration], eventSchedule: [Duration], limits: WebhookLanes.Limits = WebhookLanes.Limits(),
        breaker: CircuitBreaker.Policy = CircuitBreaker.Policy()
    ) {
        dialect = .webhook(schedule: dialectSchedule)
        events = .webhook(schedule: eventSchedule)
        self.limits = limits
        self.breaker = breaker
    }

    /// From the configuration.
    package init(_ settings: WebhookSettings) {
        self.init(
            dialectSchedule: settings.schedule, eventSchedule: settings.eventSchedule,
            limits: WebhookLanes.Limits(total: settings.parallel, perHost: settings.parallelPerHost),
            breaker: CircuitBreaker.Policy(failures: settings.breakerFailures, pause: settings.breakerPause))
    }

    /// All rules.
    var policies: [(DeliveryTerms, DeliveryPolicy)] { [(.dialect, dialect), (.events, events)] }

    /// The rules that a webhook was promised.
    func policy(of delivery: DeliveryRow) -> DeliveryPolicy {
        switch delivery.terms {
        case .dialect: dialect
        case .events: events
        }
    }
}
