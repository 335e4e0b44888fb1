/// Where in an array the entry with some key lies: open addressing with linear probing, eight bytes a bucket, at most half full.
///
/// A bucket holds 32 bits of the hash beside the slot, so that a lookup reads an entry only when it is very likely the right one, and a removal
/// closes its gap (no tombstones): after any number of insertions and removals the index is as fast as a new one.
struct HashIndex: ~Copyable {
    /// Hash in the upper half; slot + 1 in the lower half, 0 when empty.
    private var buckets: [UInt64]
    private let mask: Int
    private(set) var count = 0
    /// The most that fit.
    let capacity: Int

    /// `capacity` of 1 to 2^24; more is a bug of ours.
    init(capacity: Int) {
        precondition((1...1 << 24).contains(capacity), "no such table")
        self.capacity = capacity
        var size = 4
        while size < capacity * 2 { size *= 2 }
        buckets = [UInt64](repeating: 0, count: size)
        mask = size - 1
    }

    /// The slot with this hash that `matches`; nil when there is none.
    @inline(__always)
    func slot(hash: UInt32, where matches: (Int) -> Bool) -> Int? {
        var position = Int(hash) & mask
        while true {
            let bucket = buckets[position]
            guard bucket != 0 else { return nil }
            if bucket >> 32 == UInt64(hash) {
                let slot = Self.slot(of: bucket)
                if matches(slot) { return slot }
            }
            position = (position + 1) & mask
        }
    }

    /// Adds a slot whose key is not there yet. False when the index is full.
    mutating func insert(_ slot: Int, hash: UInt32) -> Bool {
        guard count < capacity else { return false }
        var position = Int(hash) & mask
        while buckets[position] != 0 { position = (position + 1) & mask }
        buckets[position] = UInt64(hash) << 32 | UInt64(slot + 1)
        count += 1
        return true
    }

    /// Removes a slot that is there; false when it is not.
    mutating func remove(_ slot: Int, hash: UInt32) -> Bool {
        let sought = UInt64(hash) << 32 | UInt64(slot + 1)
        var gap = Int(hash) & mask
        while buckets[gap] != sought {
            guard buckets[gap] != 0 else { return false }
            gap = (gap + 1) & mask
        }
        closeGap(at: gap)
        count -= 1
        return true
    }

    /// Moves each later bucket of the run into the gap that may lie there.
    private mutating func closeGap(at start: Int) {
        var gap = start
        var position = (gap + 1) & mask
        while buckets[position] != 0 {
            let home = Int(truncatingIfNeeded: buckets[position] >> 32) & mask
            // It may move to the gap if its home lies not behind the gap.
            if (position - home) & mask >= (position - gap) & mask {
                buckets[gap] = buckets[position]
                gap = position
            }
            position = (position + 1) & mask
        }
        buckets[gap] = 0
    }

    private static func slot(of bucket: UInt64) -> Int { Int(truncatingIfNeeded: bucket & 0xFFFF_FFFF) - 1 }
}
