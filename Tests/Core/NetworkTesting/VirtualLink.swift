package import BridgeModel

/// One direction of a network path in virtual time: a bottleneck with a queue, then loss, delay, jitter, reordering and duplication, all from one seed.
///
/// The caller owns the clock: it sends at a time, and asks at later times what has arrived. Times must not go back.
/// ```
/// var link = VirtualLink<[UInt8]>(LinkConditions(bandwidth: 2_000_000, loss: .independent(0.05)), seed: 7)
/// link.send(packet, size: packet.count, now: now)
/// while let arrival = link.receive(now: now) { … }
/// ```
package struct VirtualLink<Payload: Sendable>: Sendable {
    /// A datagram that came through.
    package struct Arrival: Sendable {
        package var payload: Payload
        /// When the last bit of it arrived: not later than the `now` that it was asked for with.
        package var time: MonotonicTime
    }

    /// What became of all datagrams so far.
    package struct Counters: Sendable, Equatable {
        package var sent = 0
        /// Dropped because the queue was full.
        package var overflowed = 0
        /// Dropped by the loss model.
        package var lost = 0
        package var duplicated = 0
        package var delivered = 0
        package var deliveredBytes = 0
    }

    private struct Waiting: Sendable {
        var payload: Payload
        var size: Int
        var sentAt: MonotonicTime
    }

    private struct Flying: Sendable {
        var payload: Payload
        var size: Int
        var arrival: MonotonicTime
    }

    package private(set) var conditions: LinkConditions
    package private(set) var counters = Counters()
    private var random: SeededRandom
    private var loss: LossProcess
    /// In front of the bottleneck, oldest first.
    private var queue: [Waiting] = []
    private var queuedBytes = 0
    /// When the bottleneck has sent what it took.
    private var freeAt = MonotonicTime(nanoseconds: 0)
    /// Behind the bottleneck, by time of arrival.
    private var flying: [Flying] = []
    private var lastInOrder = MonotonicTime(nanoseconds: 0)

    package init(_ conditions: LinkConditions, seed: UInt64) {
        self.conditions = conditions
        random = SeededRandom(seed: seed)
        loss = LossProcess(conditions.loss)
    }

    /// From `now` on the link is another one; what waits in its queue leaves at the new bandwidth, what flies is not touched.
    package mutating func change(_ conditions: LinkConditions, now: MonotonicTime) {
        transmit(until: now)
        self.conditions = conditions
        loss.model = conditions.loss
    }

    /// Puts a datagram of `size` bytes on the link.
    package mutating func send(_ payload: Payload, size: Int, now: MonotonicTime) {
        transmit(until: now)
        counters.sent += 1
        guard conditions.bandwidth == nil || queuedBytes + size <= conditions.queueBytes else {
            counters.overflowed += 1
            return
        }
        queue.append(Waiting(payload: payload, size: size, sentAt: now))
        queuedBytes += size
        transmit(until: now)
    }

    /// The next datagram that has arrived by `now`, in the order of arrival; nil when there is none.
    package mutating func receive(now: MonotonicTime) -> Arrival? {
        transmit(until: now)
        guard let first = flying.first, first.arrival <= now else { return nil }
        flying.removeFirst()
        counters.delivered += 1
        counters.deliveredBytes += first.size
        return Arrival(payload: first.payload, time: first.arrival)
    }

    /// When `receive` is worth calling next; nil when the link is empty.
    package var nextEvent: MonotonicTime? {
        let departure = queue.first.map { end(of: $0) }
        guard let arrival = flying.first?.arrival else { return departure }
        return departure.map { min($0, arrival) } ?? arrival
    }

    /// How long a datagram that is sent now would wait in the queue.
    package func queueingDelay(now: MonotonicTime) -> Duration {
        guard let bandwidth = conditions.bandwidth else { return .zero }
        return Self.transmissionTime(queuedBytes, bandwidth)
    }

    private func end(of waiting: Waiting) -> MonotonicTime {
        guard let bandwidth = conditions.bandwidth else { return waiting.sentAt }
        return max(waiting.sentAt, freeAt).advanced(by: Self.transmissionTime(waiting.size, bandwidth))
    }

    private static func transmissionTime(_ bytes: Int, _ bandwidth: Int) -> Duration {
        .nanoseconds(Int64(bytes) * 8_000_000_000 / Int64(max(1, bandwidth)))
    }

    private mutating func transmit(until now: MonotonicTime) {
        while let first = queue.first {
            let departure = end(of: first)
            guard departure <= now else { return }
            queue.removeFirst()
            queuedBytes -= first.size
            freeAt = departure
            fly(first, from: departure)
        }
    }

    private mutating func fly(_ datagram: Waiting, from departure: MonotonicTime) {
        guard !loss.loses(using: &random) else {
            counters.lost += 1
            return
        }
        insert(datagram, arrival: arrivalTime(departure))
        guard random.happens(conditions.duplication) else { return }
        counters.duplicated += 1
        insert(datagram, arrival: arrivalTime(departure))
    }

    private mutating func arrivalTime(_ departure: MonotonicTime) -> MonotonicTime {
        let arrival = departure.advanced(by: conditions.delay + random.duration(upTo: conditions.jitter))
        if random.happens(conditions.reorder) { return arrival.advanced(by: conditions.reorderDelay) }
        lastInOrder = max(lastInOrder, arrival)
        return lastInOrder
    }

    private mutating func insert(_ datagram: Waiting, arrival: MonotonicTime) {
        let place = flying.lastIndex { $0.arrival <= arrival }.map { $0 + 1 } ?? 0
        flying.insert(Flying(payload: datagram.payload, size: datagram.size, arrival: arrival), at: place)
    }
}
