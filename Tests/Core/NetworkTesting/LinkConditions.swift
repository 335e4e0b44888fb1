/// What a link does to the datagrams that it carries; may change while it runs.
package struct LinkConditions: Sendable, Equatable {
    /// Bits a second; nil for a link without a limit (and so without a queue).
    package var bandwidth: Int?
    /// Bytes that wait in front of the bottleneck before the newest is dropped.
    package var queueBytes: Int
    /// One way, behind the bottleneck.
    package var delay: Duration
    /// Added to the delay, from zero to this; a datagram never overtakes another by it.
    package var jitter: Duration
    package var loss: LossModel
    /// Probability (0...1) that a datagram is held back by `reorderDelay`, so that later ones overtake it.
    package var reorder: Double
    package var reorderDelay: Duration
    /// Probability (0...1) that a datagram is delivered twice.
    package var duplication: Double

    package init(
        bandwidth: Int? = nil, queueBytes: Int = 64 * 1024, delay: Duration = .milliseconds(20), jitter: Duration = .zero,
        loss: LossModel = .none
    ) {
        self.bandwidth = bandwidth
        self.queueBytes = queueBytes
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        reorder = 0
        reorderDelay = .milliseconds(15)
        duplication = 0
    }

    /// The same link, on which datagrams overtake each other.
    package func reordering(_ probability: Double, by delay: Duration = .milliseconds(15)) -> LinkConditions {
        var changed = self
        changed.reorder = probability
        changed.reorderDelay = delay
        return changed
    }

    /// The same link, which delivers some datagrams twice.
    package func duplicating(_ probability: Double) -> LinkConditions {
        var changed = self
        changed.duplication = probability
        return changed
    }
}
