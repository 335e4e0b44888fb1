package import BridgeModel

/// Takes AAC frames (access units) out of RTP packets (RFC 3640 section 3.3.6, AAC-hbr): several in a packet, or one in several packets. Frames come in
/// their order. Packets come in the order of their sequence numbers; a frame of which packets are missing is dropped. A value without IO.
package struct AACDepacketizer: Sendable {
    /// One frame.
    package struct Unit: Sendable, Equatable {
        package var time: MonotonicTime
        package var bytes: [UInt8]
    }

    /// A frame that goes on in the next packet.
    private struct Fragment: Sendable {
        let timestamp: UInt32
        let time: MonotonicTime
        let size: Int
        var bytes: [UInt8]
    }

    /// How long a frame sounds: packets say the time of their first frame only (section 3.2.1.1, constantDuration).
    private let frame: Duration
    private var fragment: Fragment?

    /// `frame` is how long each frame sounds.
    package init(frame: Duration) { self.frame = frame }

    /// Takes a packet's payload. Returns the frames that are complete. Throws `malformed`, and `incomplete` where the rest of a frame did not come or
    /// its beginning is missing; what is whole in later packets is not touched by that.
    package mutating func take(
        _ payload: UnsafeRawBufferPointer, of moment: PacketMoment
    ) throws(DepacketizerFailure) -> [Unit] {
        guard !payload.isEmpty else { return [] }
        let open = fragment.take()
        let sizes = try Self.sizes(of: payload)
        let data = payload.dropFirst(Self.headersEnd(sizes.count))
        if sizes.count == 1, let size = sizes.first, open != nil || size > data.count {
            return try takePiece(Array(data), of: size, moment, after: moment.isAfterGap ? nil : open)
        }
        guard sizes.reduce(0, +) <= data.count else { throw .malformed }
        var units: [Unit] = []
        var start = data.startIndex
        for (index, size) in sizes.enumerated() {
            let time = moment.time.nanoseconds &+ UInt64(clamping: frame.wholeNanoseconds * Int64(index))
            if size > 0 { units.append(Unit(time: MonotonicTime(nanoseconds: time), bytes: Array(data[start..<start + size]))) }
            start += size
        }
        return units
    }

    /// A fragment says the size of the whole frame (section 3.2.3); the pieces of one have its timestamp.
    private mutating func takePiece(
        _ piece: [UInt8], of size: Int, _ moment: PacketMoment, after open: Fragment?
    ) throws(DepacketizerFailure) -> [Unit] {
        var current = Fragment(timestamp: moment.timestamp, time: moment.time, size: size, bytes: [])
        if let open, open.timestamp == moment.timestamp {
            guard open.size == size else { throw .malformed }
            current = open
        } else if piece.count >= size {
            return size > 0 ? [Unit(time: moment.time, bytes: Array(piece.prefix(size)))] : []
        } else if moment.marker {
            // The last piece of a frame whose beginning is missing.
            throw .incomplete
        }
        current.bytes += piece
        guard current.bytes.count <= size else { throw .malformed }
        if current.bytes.count == size { return [Unit(time: current.time, bytes: current.bytes)] }
        guard !moment.marker else { throw .incomplete }
        fragment = current
        return []
    }

    /// The AU headers: their length in bits, then 13 bits of size and 3 of index each (section 3.2.1). An index that is not zero means frames out of order.
    private static func sizes(of payload: UnsafeRawBufferPointer) throws(DepacketizerFailure) -> [Int] {
        guard payload.count >= 2 else { throw .malformed }
        let bits = Int(payload.uint16(at: 0))
        let count = bits / 16
        guard bits > 0, bits % 16 == 0, headersEnd(count) <= payload.count else { throw .malformed }
        var sizes: [Int] = []
        for index in 0..<count {
            let header = payload.uint16(at: 2 + 2 * index)
            guard header & 0x07 == 0 else { throw .malformed }
            sizes.append(Int(header >> 3))
        }
        return sizes
    }

    private static func headersEnd(_ count: Int) -> Int { 2 + 2 * count }
}
