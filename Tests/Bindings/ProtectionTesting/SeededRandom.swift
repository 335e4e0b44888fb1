/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same numbers everywhere.
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// Whether something that happens `percent` times in a hundred happens now.
    package mutating func happens(percent: Int) -> Bool { next(below: 100) < percent }

    /// 0..<bound, nearly uniform: the bound is tiny beside 2^64.
    package mutating func next(below bound: Int) -> Int { Int(truncatingIfNeeded: next() % UInt64(bound)) }

    /// Octets of any value.
    package mutating func octets(_ count: Int) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: count)
        for index in octets.indices { octets[index] = UInt8(truncatingIfNeeded: next() >> 32) }
        return octets
    }
}
