/// How a link loses what it carries.
package enum LossModel: Sendable, Equatable {
    case none
    /// Each datagram on its own, with this probability (0...1).
    case independent(Double)
    /// In bursts; see `GilbertElliott`.
    case bursts(GilbertElliott)
}

/// The two-state model of burst loss (Gilbert 1960, Elliott 1963): after each datagram the link may change its state.
package struct GilbertElliott: Sendable, Equatable {
    /// Probability of leaving the good state after a datagram.
    package var becomesBad: Double
    /// Probability of leaving the bad state after a datagram; its inverse is the mean length of a burst.
    package var becomesGood: Double
    /// Loss in the good state.
    package var lossWhenGood: Double
    /// Loss in the bad state.
    package var lossWhenBad: Double

    package init(becomesBad: Double, becomesGood: Double, lossWhenGood: Double = 0, lossWhenBad: Double = 1) {
        self.becomesBad = becomesBad
        self.becomesGood = becomesGood
        self.lossWhenGood = lossWhenGood
        self.lossWhenBad = lossWhenBad
    }

    /// The part of all datagrams that is lost in the long run.
    package var meanLoss: Double {
        guard becomesBad > 0 else { return lossWhenGood }
        let bad = becomesBad / (becomesBad + becomesGood)
        return bad * lossWhenBad + (1 - bad) * lossWhenGood
    }
}

/// A loss model at work.
struct LossProcess: Sendable {
    var model: LossModel {
        didSet { if model != oldValue { isBad = false } }
    }
    private var isBad = false

    init(_ model: LossModel) { self.model = model }

    /// Whether the next datagram is lost.
    mutating func loses(using random: inout SeededRandom) -> Bool {
        switch model {
        case .none: return false
        case .independent(let probability): return random.happens(probability)
        case .bursts(let bursts):
            let isLost = random.happens(isBad ? bursts.lossWhenBad : bursts.lossWhenGood)
            if random.happens(isBad ? bursts.becomesGood : bursts.becomesBad) { isBad.toggle() }
            return isLost
        }
    }
}
