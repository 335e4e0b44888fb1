internal import Bridge
internal import BridgeModel

/// Which deliveries are under way, and which may join them: a slow receiver takes its own places, never everybody's.
struct OutboxLanes {
    private enum Lane: Hashable {
        case upload
        /// By scheme, host and port.
        case webhook(origin: String)
    }

    private let limits: OutboxLimits
    private var active: [DeliveryID: Lane] = [:]

    init(limits: OutboxLimits) { self.limits = limits }

    var underWay: Set<DeliveryID> { Set(active.keys) }
    var isIdle: Bool { active.isEmpty }

    /// True when at least one kind of delivery may start.
    var hasRoom: Bool { count(.upload) < limits.uploads || webhooks < limits.webhooks }

    /// Takes a place for a delivery; false when its lane is full or it is under way.
    mutating func reserve(_ delivery: DeliveryRow) -> Bool {
        guard active[delivery.id] == nil else { return false }
        let lane = Self.lane(of: delivery)
        let isFree =
            switch lane {
            case .upload: count(lane) < limits.uploads
            case .webhook: webhooks < limits.webhooks && count(lane) < limits.webhooksPerHost
            }
        guard isFree else { return false }
        active[delivery.id] = lane
        return true
    }

    mutating func release(_ id: DeliveryID) { active[id] = nil }

    private var webhooks: Int { active.count - count(.upload) }

    private func count(_ lane: Lane) -> Int { active.values.count { $0 == lane } }

    private static func lane(of delivery: DeliveryRow) -> Lane {
        guard case .webhook(let url, _) = delivery.work else { return .upload }
        return .webhook(origin: DeliveryURL.origin(of: url) ?? "")
    }
}

/// How many deliveries run beside each other.
package struct OutboxLimits: Sendable, Equatable {
    package var uploads: Int
    package var webhooks: Int
    package var webhooksPerHost: Int

    /// At least one of each, whatever is asked.
    package init(uploads: Int = 4, webhooks: Int = 16, webhooksPerHost: Int = 2) {
        self.uploads = max(1, uploads)
        self.webhooks = max(1, webhooks)
        self.webhooksPerHost = max(1, webhooksPerHost)
    }
}

extension DeliveryURL {
    /// Scheme, host and port of any URL that could ever be delivered to, for lanes and logs; nil when it has not the shape of one.
    static func origin(of url: Redacted<String>) -> String? {
        try? DeliveryURL(parsing: url, rules: AddressRules(allowPrivate: true)).origin
    }
}
