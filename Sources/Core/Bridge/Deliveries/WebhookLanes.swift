package import BridgeModel

/// Which webhooks are under way, which wait for a place, and which receivers are left alone: a slow or dead server takes its own places, never
/// everybody's. Pure; the order within a session is the ledger's, which hands out the first of each session only.
package struct WebhookLanes: Sendable {
    /// How many run beside each other.
    package struct Limits: Sendable, Equatable {
        /// To all receivers.
        package var total: Int
        /// To one host.
        package var perHost: Int
        /// What is read ahead of the ledger for one host.
        package var backlogPerHost = 64
        /// Receivers with failures that are remembered; beyond them the one that failed first is forgotten.
        package var rememberedReceivers = 10_000

        /// At least one of each.
        package init(total: Int = 16, perHost: Int = 4) {
            self.total = max(1, total)
            self.perHost = max(1, perHost)
        }
    }

    private let limits: Limits
    private let policy: CircuitBreaker.Policy
    private var underWay: [DeliveryID: WebhookReceiver] = [:]
    private var running: [ReceiverHostID: Int] = [:]
    private var backlog: [ReceiverHostID: [DeliveryRow]] = [:]
    private var breakers: [ReceiverID: CircuitBreaker] = [:]
    /// Receivers with a breaker that remembers something, by their first failure.
    private var failing: [ReceiverID] = []
    /// Whom the last place was given to: the others come first.
    private var turn: ReceiverHostID?

    package init(limits: Limits = Limits(), breaker: CircuitBreaker.Policy = CircuitBreaker.Policy()) {
        self.limits = limits
        policy = breaker
    }

    /// Nothing is under way and nothing waits.
    package var isIdle: Bool { underWay.isEmpty && backlog.isEmpty }

    /// Another one could begin, if the ledger has it.
    package var hasRoom: Bool { underWay.count < limits.total }

    /// What need not be read now: rows that are here, receivers whose breaker is open, and hosts of which enough waits.
    package func exclusions(now: WallTime) -> WebhookExclusions {
        WebhookExclusions(
            webhooks: known, receivers: Set(breakers.filter { !$0.value.admits(now: now) }.keys),
            hosts: Set(backlog.filter { $0.value.count >= limits.backlogPerHost }.keys))
    }

    private var known: Set<DeliveryID> { Set(underWay.keys).union(backlog.values.joined().map(\.id)) }

    /// When the next breaker asks; nil when none is open.
    package var reopens: WallTime? { breakers.values.compactMap(\.reopens).min() }

    /// How many breakers are in each phase; closed ones that remember nothing are not counted.
    package func phases(now: WallTime) -> [CircuitBreaker.Phase: Int] {
        breakers.values.reduce(into: [:]) { counts, breaker in counts[breaker.phase(now: now), default: 0] += 1 }
    }

    /// Takes rows that are due, in their order.
    package mutating func add(_ rows: [DeliveryRow]) {
        var known = known
        for row in rows where known.insert(row.id).inserted { backlog[row.lane.host, default: []].append(row) }
    }

    /// Moves what has a place out of the backlog, a host after the other.
    package mutating func start(now: WallTime) -> [DeliveryRow] {
        var started: [DeliveryRow] = []
        while hasRoom, let (host, index) = next(now: now), let row = backlog[host]?.remove(at: index) {
            if backlog[host]?.isEmpty == true { backlog[host] = nil }
            underWay[row.id] = row.lane
            running[host, default: 0] += 1
            breakers[row.lane.id]?.begin(now: now)
            turn = host
            started.append(row)
        }
        return started
    }

    /// An attempt ended; nil health when it was broken off. True when the receiver's breaker opened by it.
    package mutating func end(_ row: DeliveryRow, _ health: AttemptHealth?, now: WallTime) -> Bool {
        guard let receiver = underWay.removeValue(forKey: row.id) else { return false }
        let left = (running[receiver.host] ?? 1) - 1
        running[receiver.host] = left > 0 ? left : nil
        guard let health else {
            breakers[receiver.id]?.abandon()
            return false
        }
        let wasClosed = breakers[receiver.id].map { $0.phase(now: now) == .closed } ?? true
        note(health, of: receiver.id, now: now)
        guard breakers[receiver.id]?.phase(now: now) == .open else { return false }
        forget(receiver)
        return wasClosed
    }

    /// The ledger has what waits for a receiver that is left alone; it is read again when the receiver is back.
    private mutating func forget(_ receiver: WebhookReceiver) {
        backlog[receiver.host]?.removeAll { $0.lane.id == receiver.id }
        if backlog[receiver.host]?.isEmpty == true { backlog[receiver.host] = nil }
    }

    private mutating func note(_ health: AttemptHealth, of receiver: ReceiverID, now: WallTime) {
        guard health == .failing || breakers[receiver] != nil else { return }
        var breaker = breakers[receiver] ?? CircuitBreaker(policy)
        breaker.end(health, now: now)
        if breaker.isFresh {
            breakers[receiver] = nil
            failing.removeAll { $0 == receiver }
            return
        }
        if breakers.updateValue(breaker, forKey: receiver) == nil { failing.append(receiver) }
        if failing.count > limits.rememberedReceivers { breakers[failing.removeFirst()] = nil }
    }

    /// Of the host after the last one, by id, that has a place, the first row that its receiver's breaker lets.
    private func next(now: WallTime) -> (host: ReceiverHostID, index: Int)? {
        let hosts = backlog.keys.filter { (running[$0] ?? 0) < limits.perHost }.sorted { $0.rawValue < $1.rawValue }
        let last = turn?.rawValue ?? ""
        let inTurn = hosts.filter { $0.rawValue > last } + hosts.filter { $0.rawValue <= last }
        for host in inTurn {
            let index = backlog[host]?.firstIndex { breakers[$0.lane.id]?.admits(now: now) ?? true }
            if let index { return (host, index) }
        }
        return nil
    }
}

extension DeliveryRow {
    /// Rows that the ledger has not seen yet know no receiver; they stand alone.
    fileprivate var lane: WebhookReceiver {
        receiver ?? WebhookReceiver(id: ReceiverID(id.rawValue), host: ReceiverHostID(id.rawValue))
    }
}
