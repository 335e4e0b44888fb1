/// Which source packet each sent sequence number stands for, as the few offsets that say so: one segment for each run of packets without a switch or a
/// packet that was left out. It numbers what is sent, and finds the source again when a viewer asks for a number.
///
/// Packets that were left out get no number; packets that the network lost before us keep theirs free, so that the viewer sees the gap. No number is
/// given out twice: with the same number other bytes would be encrypted with the same key stream (RFC 7714 section 8).
struct SequenceMap: Sendable {
    /// Added to the source's numbers, modulo their range.
    struct Offsets: Sendable, Equatable {
        var timestamp: UInt32 = 0
        var pictureID: UInt16 = 0
        var zeroIndex: UInt8 = 0
        var keyIndex: UInt8 = 0
    }

    /// Who sent the packets.
    struct Source: Sendable, Equatable {
        var track: UInt8
        /// The low half of the cache's.
        var epoch: UInt16

        init(track: UInt8, epoch: UInt32) {
            self.track = track
            self.epoch = UInt16(truncatingIfNeeded: epoch)
        }

        /// Whether this is a source's epoch.
        func isEpoch(_ epoch: UInt32) -> Bool { self.epoch == UInt16(truncatingIfNeeded: epoch) }
    }

    struct Segment: Sendable, Equatable {
        var source: Source
        var firstSource: UInt16
        var firstOutput: UInt16
        var offsets: Offsets

        func output(of sequence: UInt16) -> UInt16 { sequence &- firstSource &+ firstOutput }
        func sequence(of output: UInt16) -> UInt16 { output &- firstOutput &+ firstSource }
    }

    /// Three seconds of 30 pictures with one layer left out of every other.
    private static let capacity = 48

    private(set) var current: Segment
    private var older: [Segment] = []
    /// The newest source packet that was seen, in the current segment or just before it.
    private var newestSource: UInt16
    /// The newest number that was given out.
    private(set) var newestOutput: UInt16
    /// Numbers before this one are not found any more.
    private var floor: UInt16
    /// How far back numbers are found: they must not seem to lie ahead.
    private static let reach: UInt16 = 16_384
    /// Bit n: `newestOutput - n` was given out.
    private var given: UInt128 = 0

    /// Begins with this packet, which keeps its number.
    init(_ source: Source, sequence: UInt16, offsets: Offsets = Offsets()) {
        current = Segment(source: source, firstSource: sequence, firstOutput: sequence, offsets: offsets)
        newestSource = sequence &- 1
        newestOutput = sequence &- 1
        floor = sequence
    }

    /// Bytes on the heap.
    var heapByteCount: Int { older.capacity * MemoryLayout<Segment>.stride }

    /// The number for a packet of the current source, and its segment's offsets. Nil for one that has no place: from before the beginning, sent
    /// already, or too late to tell.
    mutating func place(_ sequence: UInt16) -> (output: UInt16, offsets: Offsets)? {
        let step = Self.distance(from: newestSource, to: sequence)
        guard step > 0 else { return placeLate(sequence) }
        newestSource = sequence
        let output = current.output(of: sequence)
        advance(to: output)
        return (output, current.offsets)
    }

    /// Leaves out a packet of the current source; `change` is made to the offsets of what follows. A late one has a place that the viewer waits for:
    /// that number is returned, to be filled with something empty.
    mutating func leaveOut(_ sequence: UInt16, change: (inout Offsets) -> Void = { _ in }) -> UInt16? {
        let step = Self.distance(from: newestSource, to: sequence)
        guard step > 0 else { return placeLate(sequence)?.output }
        newestSource = sequence
        let next = Segment(
            source: current.source, firstSource: sequence &+ 1, firstOutput: current.output(of: sequence), offsets: current.offsets)
        // A segment that nothing was sent in, and that no packet is missing from, is moved on.
        if current.firstSource != sequence { remember() }
        current = next
        change(&current.offsets)
        return nil
    }

    /// What follows begins with this packet and goes on without a gap, whatever lies between.
    mutating func begin(_ source: Source, sequence: UInt16, offsets: Offsets) {
        if current.firstOutput != newestOutput &+ 1 { remember() }
        current = Segment(source: source, firstSource: sequence, firstOutput: newestOutput &+ 1, offsets: offsets)
        newestSource = sequence &- 1
    }

    /// What was given out so far is not found any more.
    mutating func forget() {
        older.removeAll(keepingCapacity: true)
        floor = newestOutput &+ 1
    }

    /// The source packet that a sent number stands for; nil when it was not given out or is too long ago.
    func source(of output: UInt16) -> (source: Source, sequence: UInt16, offsets: Offsets)? {
        guard Self.distance(from: output, to: newestOutput) >= 0, Self.distance(from: floor, to: output) >= 0
        else { return nil }
        if Self.distance(from: current.firstOutput, to: output) >= 0 {
            return (current.source, current.sequence(of: output), current.offsets)
        }
        guard let segment = older.last(where: { Self.distance(from: $0.firstOutput, to: output) >= 0 }) else { return nil }
        return (segment.source, segment.sequence(of: output), segment.offsets)
    }

    /// How far `later` lies behind `earlier`, the short way round (RFC 1982).
    private static func distance(from earlier: UInt16, to later: UInt16) -> Int { Int(Int16(bitPattern: later &- earlier)) }

    private mutating func advance(to output: UInt16) {
        let step = Int(output &- newestOutput)
        given = step < 128 ? given << UInt128(step) | 1 : 1
        newestOutput = output
        if newestOutput &- floor > Self.reach { floor = newestOutput &- Self.reach }
    }

    private mutating func placeLate(_ sequence: UInt16) -> (output: UInt16, offsets: Offsets)? {
        var end = newestOutput &+ 1
        var segment = current
        var next = older.count
        while Self.distance(from: segment.firstSource, to: sequence) < 0 {
            end = segment.firstOutput
            next -= 1
            guard next >= 0, older[next].source == current.source else { return nil }
            segment = older[next]
        }
        let output = segment.output(of: sequence)
        // Behind the segment's end lies what was left out.
        guard Self.distance(from: output, to: end) > 0 else { return nil }
        guard Self.distance(from: newestOutput, to: output) <= 0 else {
            // Only what was left out came after it.
            advance(to: output)
            return (output, segment.offsets)
        }
        let age = Int(newestOutput &- output)
        guard age < 128, given & (1 << UInt128(age)) == 0 else { return nil }
        given |= 1 << UInt128(age)
        return (output, segment.offsets)
    }

    private mutating func remember() {
        if older.count >= Self.capacity { older.removeFirst() }
        older.append(current)
    }
}
