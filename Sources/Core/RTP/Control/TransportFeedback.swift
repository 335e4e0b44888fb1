/// Transport-wide feedback, read in place: which packets of a transport arrived, and when (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
///
/// Making one checks every chunk and delta; iteration cannot fail afterwards. The work is bounded by the packet: each chunk stands for at most 8191
/// statuses and the count of statuses is a 16-bit number.
package struct TransportFeedback {
    /// Arrival times count units of 250 us.
    package static let ticksPerSecond: Int64 = 4000
    /// The reference time counts units of 64 ms, which are this many ticks.
    package static let ticksPerReference: Int64 = 256
    /// Reference times are 24-bit numbers: they wrap after about twelve days.
    package static let referenceRange: Int64 = 1 << 24

    /// Header, both SSRCs, base sequence, count, reference time and feedback count.
    static let fixedSize = 20

    /// What the receiver says of one packet.
    package struct Status: Equatable, Sendable {
        /// The transport-wide sequence number.
        package var sequence: UInt16
        /// When the packet arrived, in ticks from the feedback's reference time; nil when it did not.
        package var arrivalTicks: Int64?

        package init(sequence: UInt16, arrivalTicks: Int64?) {
            self.sequence = sequence
            self.arrivalTicks = arrivalTicks
        }
    }

    /// The first packet that the feedback speaks of.
    package let baseSequence: UInt16
    /// How many packets it speaks of.
    package let statusCount: UInt16
    /// Multiples of 64 ms, signed 24 bits, of a clock that only differences can be taken of.
    package let referenceTime: Int32
    /// Counts feedback packets modulo 256, so that the sender notices a lost one.
    package let feedbackCount: UInt8
    /// One of the media sources.
    package let media: UInt32
    private let chunks: UnsafeRawBufferPointer
    private let deltas: UnsafeRawBufferPointer

    /// Nil when the packet is of another kind, or its chunks and deltas do not fit together.
    package init?(_ packet: RTCPPacketView) {
        let bytes = packet.bytes
        guard packet.type == RTCPPacketView.PacketType.transportFeedback, packet.countOrFormat == 15, bytes.count >= Self.fixedSize
        else { return nil }
        media = bytes.uint32(at: 8)
        baseSequence = bytes.uint16(at: 12)
        statusCount = bytes.uint16(at: 14)
        let word = bytes.uint32(at: 16)
        referenceTime = Int32(bitPattern: word) >> 8
        feedbackCount = UInt8(word & 0xFF)
        let body = bytes.suffix(fromOffset: Self.fixedSize)
        guard let (chunkBytes, deltaBytes) = Self.measure(body, statusCount: Int(statusCount)) else { return nil }
        chunks = UnsafeRawBufferPointer(rebasing: body[..<chunkBytes])
        deltas = UnsafeRawBufferPointer(rebasing: body[chunkBytes..<chunkBytes + deltaBytes])
    }

    /// The statuses in the order of the sequence numbers.
    package var statuses: Statuses { Statuses(base: baseSequence, count: Int(statusCount), chunks: chunks, deltas: deltas) }

    /// Iterates over the statuses of one feedback.
    package struct Statuses: Sequence, IteratorProtocol {
        private var sequence: UInt16
        private var remaining: Int
        private var symbols: StatusSymbols
        private let deltas: UnsafeRawBufferPointer
        private var offset = 0
        private var ticks: Int64 = 0

        fileprivate init(base: UInt16, count: Int, chunks: UnsafeRawBufferPointer, deltas: UnsafeRawBufferPointer) {
            sequence = base
            remaining = count
            symbols = StatusSymbols(chunks)
            self.deltas = deltas
        }

        package mutating func next() -> Status? {
            guard remaining > 0, let symbol = symbols.next() else { return nil }
            remaining -= 1
            defer { sequence &+= 1 }
            switch symbol {
            case .notReceived, .reserved: return Status(sequence: sequence, arrivalTicks: nil)
            case .smallDelta:
                ticks += Int64(deltas[offset])
                offset += 1
            case .largeDelta:
                ticks += Int64(Int16(bitPattern: deltas.uint16(at: offset)))
                offset += 2
            }
            return Status(sequence: sequence, arrivalTicks: ticks)
        }
    }

    /// Bytes of the chunks and of the deltas of `statusCount` statuses; nil when they do not fit into `body`. A chunk is measured as a whole, so that a
    /// packet which claims 65,535 statuses costs no more than its own bytes.
    private static func measure(_ body: UnsafeRawBufferPointer, statusCount: Int) -> (chunkBytes: Int, deltaBytes: Int)? {
        var offset = 0
        var remaining = statusCount
        var deltaBytes = 0
        while remaining > 0 {
            guard offset + 2 <= body.count else { return nil }
            var symbols = StatusSymbols(UnsafeRawBufferPointer(rebasing: body[offset..<offset + 2]))
            guard let (count, size) = symbols.measureChunk(limit: remaining) else { return nil }
            remaining -= count
            deltaBytes += size
            offset += 2
        }
        return offset + deltaBytes <= body.count ? (offset, deltaBytes) : nil
    }
}

/// The packet status symbols (section 3.1.1).
enum StatusSymbol: UInt16 {
    case notReceived = 0
    case smallDelta = 1
    case largeDelta = 2
    case reserved = 3

    /// Bytes of the delta that belongs to it (section 3.1.5).
    var deltaSize: Int {
        switch self {
        case .notReceived, .reserved: 0
        case .smallDelta: 1
        case .largeDelta: 2
        }
    }
}

/// The symbols of status chunks, in order (sections 3.1.3 and 3.1.4); ends where no whole chunk is left.
struct StatusSymbols {
    private let bytes: UnsafeRawBufferPointer
    /// Bytes of the chunks that were begun.
    private(set) var consumedBytes = 0
    private var chunk: UInt16 = 0
    /// Symbols of `chunk` that were not given out.
    private var left = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> StatusSymbol? {
        if left == 0 {
            guard consumedBytes + 2 <= bytes.count else { return nil }
            chunk = bytes.uint16(at: consumedBytes)
            consumedBytes += 2
            left = Self.count(of: chunk)
            // A run of nothing: the sender's mistake, and no way to go on.
            guard left > 0 else { return nil }
        }
        left -= 1
        return StatusSymbol(rawValue: symbolBits)
    }

    /// How many statuses the only chunk stands for, `limit` at most, and the bytes of their deltas; nil for a run of nothing.
    mutating func measureChunk(limit: Int) -> (count: Int, deltaBytes: Int)? {
        guard let first = next() else { return nil }
        let count = min(limit, left + 1)
        if chunk & 0x8000 == 0 { return (count, count * first.deltaSize) }
        var deltaBytes = first.deltaSize
        for _ in 1..<count { deltaBytes += next()?.deltaSize ?? 0 }
        return (count, deltaBytes)
    }

    private static func count(of chunk: UInt16) -> Int {
        if chunk & 0x8000 == 0 { return Int(chunk & 0x1FFF) }
        return chunk & 0x4000 == 0 ? 14 : 7
    }

    /// The bits of the symbol with `left` more behind it.
    private var symbolBits: UInt16 {
        if chunk & 0x8000 == 0 { return chunk >> 13 & 0x03 }
        if chunk & 0x4000 == 0 { return chunk >> UInt16(left) & 0x01 }
        return chunk >> UInt16(2 * left) & 0x03
    }
}
