/// Writes transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1): the inverse of `TransportFeedback`.
package struct TransportFeedbackEncoder {
    /// What one feedback says beside the arrivals.
    package struct Header: Sendable, Equatable {
        package var sender: UInt32
        /// One of the media sources of the transport.
        package var media: UInt32
        /// The transport-wide number of the first arrival.
        package var baseSequence: UInt16
        /// Counts feedback packets.
        package var feedbackCount: UInt8

        package init(sender: UInt32, media: UInt32, baseSequence: UInt16, feedbackCount: UInt8) {
            self.sender = sender
            self.media = media
            self.baseSequence = baseSequence
            self.feedbackCount = feedbackCount
        }
    }

    /// Stands for a packet that did not arrive.
    package static let notReceived = Int64.min

    private let header: Header
    private let arrivals: UnsafeBufferPointer<Int64>

    /// `arrivals` are times in ticks of 250 us of one clock, or `notReceived`, for consecutive packets; they are borrowed.
    package init(_ header: Header, arrivals: UnsafeBufferPointer<Int64>) {
        self.header = header
        self.arrivals = arrivals
    }

    /// Writes one feedback at the start of `bytes`: its size, and how many arrivals it speaks of. Both are 0 when nothing was written.
    package func write(to bytes: UnsafeMutableRawBufferPointer) -> (size: Int, statuses: Int) {
        guard bytes.count >= TransportFeedback.fixedSize, let first = arrivals.first(where: { $0 != Self.notReceived }) else {
            return (0, 0)
        }
        let reference = Self.floorDivided(first, by: TransportFeedback.ticksPerReference)
        // The length field must not overflow either; a whole number of words is left for the padding.
        let room = min(bytes.count, 4 * Int(UInt16.max)) & ~3
        let body = UnsafeMutableRawBufferPointer(rebasing: bytes[TransportFeedback.fixedSize..<room])
        var chunks = StatusChunkWriter(body)
        var deltaBytes = 0
        var statuses = 0
        var previous = reference * TransportFeedback.ticksPerReference
        for arrival in arrivals.prefix(Int(UInt16.max)) {
            guard let symbol = Self.symbol(of: arrival, after: previous) else { break }
            guard chunks.size(appending: symbol) + deltaBytes + symbol.deltaSize <= body.count else { break }
            chunks.append(symbol)
            deltaBytes += symbol.deltaSize
            if symbol != .notReceived { previous = arrival }
            statuses += 1
        }
        // Nothing but gaps says nothing: the arrival behind them did not fit.
        guard deltaBytes > 0 else { return (0, 0) }
        chunks.finish()
        let end = writeDeltas(to: body, from: chunks.count, reference: reference, statuses: statuses)
        return (writeHeader(to: bytes, reference: reference, statuses: statuses, bodySize: end), statuses)
    }

    /// Nil when the time is too far from the one before for a 16-bit delta: the next feedback takes it up with a new reference.
    private static func symbol(of arrival: Int64, after previous: Int64) -> StatusSymbol? {
        guard arrival != notReceived else { return .notReceived }
        let delta = arrival - previous
        if 0...255 ~= delta { return .smallDelta }
        return Int64(Int16.min)...Int64(Int16.max) ~= delta ? .largeDelta : nil
    }

    private func writeDeltas(to body: UnsafeMutableRawBufferPointer, from start: Int, reference: Int64, statuses: Int) -> Int {
        var offset = start
        var previous = reference * TransportFeedback.ticksPerReference
        for arrival in arrivals.prefix(statuses) where arrival != Self.notReceived {
            let delta = arrival - previous
            previous = arrival
            if 0...255 ~= delta {
                body[offset] = UInt8(delta)
                offset += 1
            } else {
                body.store(UInt16(bitPattern: Int16(delta)), at: offset)
                offset += 2
            }
        }
        return offset
    }

    /// Fills the last word with zeros and writes the fixed part; the size of the whole packet.
    private func writeHeader(to bytes: UnsafeMutableRawBufferPointer, reference: Int64, statuses: Int, bodySize: Int) -> Int {
        let end = TransportFeedback.fixedSize + bodySize
        let size = (end + 3) & ~3
        for offset in end..<size { bytes[offset] = 0 }
        bytes[0] = 0x80 | 15
        bytes[1] = RTCPPacketView.PacketType.transportFeedback
        bytes.store(UInt16(size / 4 - 1), at: 2)
        bytes.store(header.sender, at: 4)
        bytes.store(header.media, at: 8)
        bytes.store(header.baseSequence, at: 12)
        bytes.store(UInt16(statuses), at: 14)
        bytes.store(UInt32(truncatingIfNeeded: reference) << 8 | UInt32(header.feedbackCount), at: 16)
        return size
    }

    private static func floorDivided(_ value: Int64, by divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

/// Packs status symbols into chunks: a run where all are equal, one bit each where no large delta is among fourteen, else two bits each for seven.
struct StatusChunkWriter {
    private static let oneBitCapacity = 14
    private static let twoBitCapacity = 7
    private static let longestRun = 0x1FFF

    private let bytes: UnsafeMutableRawBufferPointer
    /// Bytes of the chunks that are written.
    private(set) var count = 0
    /// Symbols that are not written, two bits each, the oldest lowest; of a longer run the first fourteen.
    private var pending: UInt32 = 0
    private var pendingCount = 0
    private var first = StatusSymbol.notReceived
    private var isUniform = true
    private var hasLargeDelta = false

    init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

    /// Bytes of all chunks if this symbol is the last one: the chunk that it may push out, and the last one.
    func size(appending symbol: StatusSymbol) -> Int { count + (canTake(symbol) ? 2 : 4) }

    mutating func append(_ symbol: StatusSymbol) {
        if !canTake(symbol) { writeFullChunk() }
        if pendingCount == 0 { first = symbol }
        isUniform = isUniform && symbol == first
        hasLargeDelta = hasLargeDelta || symbol == .largeDelta
        if pendingCount < Self.oneBitCapacity { pending |= UInt32(symbol.rawValue) << UInt32(2 * pendingCount) }
        pendingCount += 1
    }

    /// Writes what is pending.
    mutating func finish() {
        guard pendingCount > 0 else { return }
        if isUniform {
            writeRun()
        } else if pendingCount <= Self.twoBitCapacity {
            writeTwoBit(pendingCount)
        } else {
            writeOneBit()
        }
    }

    private func canTake(_ symbol: StatusSymbol) -> Bool {
        if pendingCount < Self.twoBitCapacity { return true }
        if isUniform, symbol == first { return pendingCount < Self.longestRun }
        return pendingCount < Self.oneBitCapacity && !hasLargeDelta && symbol != .largeDelta
    }

    /// Makes room for a symbol that the pending ones cannot take.
    private mutating func writeFullChunk() {
        if isUniform {
            writeRun()
        } else if pendingCount == Self.oneBitCapacity {
            writeOneBit()
        } else {
            writeTwoBit(Self.twoBitCapacity)
        }
    }

    private mutating func writeRun() {
        write(first.rawValue << 13 | UInt16(pendingCount))
        restart(with: 0, count: 0)
    }

    private mutating func writeOneBit() {
        var chunk: UInt16 = 0x8000
        for index in 0..<pendingCount where symbol(index) != 0 { chunk |= 1 << UInt16(Self.oneBitCapacity - 1 - index) }
        write(chunk)
        restart(with: 0, count: 0)
    }

    private mutating func writeTwoBit(_ symbols: Int) {
        var chunk: UInt16 = 0xC000
        for index in 0..<symbols { chunk |= symbol(index) << UInt16(2 * (Self.twoBitCapacity - 1 - index)) }
        write(chunk)
        restart(with: pending >> UInt32(2 * symbols), count: pendingCount - symbols)
    }

    private func symbol(_ index: Int) -> UInt16 { UInt16(pending >> UInt32(2 * index) & 0x03) }

    private mutating func write(_ chunk: UInt16) {
        bytes.store(chunk, at: count)
        count += 2
    }

    /// Goes on with the `count` symbols that a two-bit chunk left over.
    private mutating func restart(with symbols: UInt32, count: Int) {
        pending = symbols
        pendingCount = count
        first = StatusSymbol(rawValue: symbol(0)) ?? .notReceived
        isUniform = (0..<count).allSatisfy { symbol($0) == first.rawValue }
        hasLargeDelta = (0..<count).contains { symbol($0) == StatusSymbol.largeDelta.rawValue }
    }
}
