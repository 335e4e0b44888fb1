/// A repeatable source of random numbers (SplitMix64): the same seed plays the same network.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// Whether something of this probability (0...1) happens now.
    package mutating func happens(_ probability: Double) -> Bool {
        guard probability > 0 else { return false }
        return Double.random(in: 0..<1, using: &self) < probability
    }

    /// A duration from zero to `limit`, all equally likely.
    package mutating func duration(upTo limit: Duration) -> Duration {
        guard limit > .zero else { return .zero }
        return limit * Double.random(in: 0...1, using: &self)
    }
}
