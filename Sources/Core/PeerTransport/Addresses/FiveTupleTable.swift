/// 5-tuples with a number each: whose peer and path it is, or whose worker. Of fixed capacity; a lookup reads one bucket and one entry as a rule.
///
/// Only validated tuples belong into it: then nobody without a password of ours can fill it. One thread uses it.
package struct FiveTupleTable: ~Copyable {
    private struct Entry {
        var tuple: FiveTuple
        var value: UInt32
    }

    private var index: HashIndex
    /// Grows up to the capacity, within storage that is reserved at the start, and never again.
    private var entries: [Entry] = []
    private var free: [UInt32] = []
    private let seed: UInt64

    /// `capacity` of 1 to 2^24; more is a bug of ours. The seed is taken from `random`.
    package init(capacity: Int, using random: inout some RandomNumberGenerator) {
        index = HashIndex(capacity: capacity)
        entries.reserveCapacity(capacity)
        free.reserveCapacity(capacity)
        seed = random.next()
    }

    /// 5-tuples in the table.
    package var count: Int { index.count }
    /// The most that fit.
    package var capacity: Int { index.capacity }

    /// The number of this tuple; nil when it is not there.
    @inline(__always)
    package func value(of tuple: FiveTuple) -> UInt32? {
        index.slot(hash: tuple.hash(seed: seed)) { entries[$0].tuple == tuple }.map { entries[$0].value }
    }

    /// Sets the number of this tuple. False when the tuple is new and the table full; nothing changed then.
    package mutating func set(_ value: UInt32, for tuple: FiveTuple) -> Bool {
        let hash = tuple.hash(seed: seed)
        if let slot = index.slot(hash: hash, where: { entries[$0].tuple == tuple }) {
            entries[slot].value = value
            return true
        }
        guard index.count < index.capacity else { return false }
        return index.insert(store(Entry(tuple: tuple, value: value)), hash: hash)
    }

    /// Takes the tuple out and returns its number; nil when it was not there.
    @discardableResult
    package mutating func remove(_ tuple: FiveTuple) -> UInt32? {
        let hash = tuple.hash(seed: seed)
        guard let slot = index.slot(hash: hash, where: { entries[$0].tuple == tuple }), index.remove(slot, hash: hash) else { return nil }
        free.append(UInt32(slot))
        return entries[slot].value
    }

    private mutating func store(_ entry: Entry) -> Int {
        guard let slot = free.popLast() else {
            entries.append(entry)
            return entries.count - 1
        }
        entries[Int(slot)] = entry
        return Int(slot)
    }
}
