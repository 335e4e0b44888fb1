/// The rate that loss allows. A path that loses whatever is sent (a radio) is told from one that overflows: what a lower rate does not cure is not
/// caused by the rate, and is not answered with a lower one again.
struct LossBasedControl: Sendable {
    /// Loss above what the path always loses, from which on the rate goes down.
    private static let tolerated = 0.1
    /// Loss below which the rate may grow.
    private static let harmless = 0.02
    /// Nanoseconds between two decisions; enough packets make a fraction.
    private static let interval: Int64 = 300_000_000
    private static let enoughPackets = 20
    private static let growth = 1.08
    /// Nobody watches what loses more than this.
    private static let largestInherent = 0.4

    /// nil: loss sets no limit.
    private(set) var bound: Bitrate?
    /// The part that the path loses at any rate, as far as it is known.
    private(set) var inherentLoss = 0.0
    private var received = 0
    private var lost = 0
    private var decidedAt: Int64?
    /// The loss that the last decrease was to cure.
    private var treatedLoss: Double?

    /// Counts packets that a report speaks of.
    mutating func count(received: Int, lost: Int) {
        self.received += received
        self.lost += lost
    }

    /// A later report has a packet that was counted as lost.
    mutating func uncountLost() {
        lost = max(0, lost - 1)
        received += 1
    }

    /// Decides when it is time. `rate` is what is estimated now, `delivered` what arrives.
    mutating func update(rate: Bitrate, delivered: Bitrate?, now: Int64) {
        let last = decidedAt ?? now
        decidedAt = last
        guard now - last >= Self.interval, received + lost >= Self.enoughPackets else { return }
        decidedAt = now
        let loss = Double(lost) / Double(received + lost)
        received = 0
        lost = 0
        learn(loss)
        decide(loss, rate: rate, delivered: delivered)
    }

    /// A probe showed that the path takes this rate.
    mutating func raise(to probed: Bitrate) {
        if let current = bound, probed > current { bound = probed }
    }

    private mutating func learn(_ loss: Double) {
        if let treated = treatedLoss, loss > treated * 0.75 {
            inherentLoss = min(Self.largestInherent, max(inherentLoss, min(loss, treated)))
        }
        treatedLoss = nil
        // Slowly up while it lasts, quickly down: a path that once lost nothing needs no patience.
        if loss < inherentLoss { inherentLoss = max(loss, inherentLoss * 0.9) }
    }

    private mutating func decide(_ loss: Double, rate: Bitrate, delivered: Bitrate?) {
        let excess = loss - inherentLoss
        if excess > Self.tolerated {
            treatedLoss = loss
            let reduced = rate * (1 - 0.5 * excess)
            bound = delivered.map { min(rate, max(reduced, $0)) } ?? reduced
        } else if excess < Self.harmless, let current = bound {
            let grown = current * Self.growth
            // Far above the estimate a bound bounds nothing.
            bound = grown > rate * 2 ? nil : grown
        }
    }
}
