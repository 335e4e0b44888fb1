/// A DTLS record where it lies in its datagram (RFC 6347 section 4.1). Valid as long as the datagram.
struct DTLSRecord {
    /// RFC 5246 section 6.2.1.
    enum ContentType: UInt8 {
        case changeCipherSpec = 20
        case alert = 21
        case handshake = 22
        case applicationData = 23
    }

    /// Type, version, epoch, sequence number, length.
    static let headerByteCount = 13
    static let epochOffset = 3
    static let sequenceOffset = 5
    static let lengthOffset = 11
    /// The sequence number of the next record of an epoch must not wrap (RFC 6347 section 4.1): there are 2^48.
    static let maximumSequence: UInt64 = 0xFFFF_FFFF_FFFF

    let type: ContentType
    /// 0 is plaintext, 1 the keys of the first handshake.
    let epoch: UInt16
    let sequence: UInt64
    /// Header and fragment.
    let octets: UnsafeRawBufferPointer

    /// Behind the header.
    var fragment: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: octets[Self.headerByteCount...]) }
}

/// The records of one datagram, up to the first that makes no sense: nothing behind it can be trusted to begin where it seems to.
struct DTLSRecordIterator: IteratorProtocol {
    private var rest: UnsafeRawBufferPointer

    init(_ datagram: UnsafeRawBufferPointer) { rest = datagram }

    mutating func next() -> DTLSRecord? {
        guard rest.count > DTLSRecord.headerByteCount, let type = DTLSRecord.ContentType(rawValue: rest[0]), isVersionKnown else {
            return nil
        }
        let length = Int(rest.bigEndian16(at: DTLSRecord.lengthOffset))
        let end = DTLSRecord.headerByteCount + length
        guard length > 0, end <= rest.count else { return nil }
        let record = DTLSRecord(
            type: type, epoch: rest.bigEndian16(at: DTLSRecord.epochOffset),
            sequence: rest.bigEndian48(at: DTLSRecord.sequenceOffset),
            octets: UnsafeRawBufferPointer(rebasing: rest[..<end]))
        rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        return record
    }

    /// DTLS 1.2, or 1.0, which a ClientHello and its answer may carry for old middle boxes (RFC 6347 section 4.1).
    private var isVersionKnown: Bool { rest[1] == 0xFE && (rest[2] == 0xFD || rest[2] == 0xFF) }
}

/// Numbers in network byte order. The caller has checked that they lie inside.
extension UnsafeRawBufferPointer {
    func bigEndian16(at offset: Int) -> UInt16 { UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }

    func bigEndian24(at offset: Int) -> Int { Int(self[offset]) << 16 | Int(bigEndian16(at: offset + 1)) }

    func bigEndian48(at offset: Int) -> UInt64 {
        UInt64(bigEndian16(at: offset)) << 32 | UInt64(UInt32(bigEndian: loadUnaligned(fromByteOffset: offset + 2, as: UInt32.self)))
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Numbers the record at the beginning of these octets, which have to hold a header.
    func setRecordSequence(_ sequence: UInt64) {
        for index in 0..<6 { self[DTLSRecord.sequenceOffset + index] = UInt8(truncatingIfNeeded: sequence >> UInt64(40 - 8 * index)) }
    }
}
