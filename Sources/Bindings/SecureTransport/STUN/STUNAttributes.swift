internal import CNice
internal import Glibc

/// The attributes of one message whose lengths fit its datagram, found by libnice. Valid as long as the datagram.
struct STUNAttributes {
    /// Comprehension-required attributes that we understand or may ignore (RFC 5389 section 18.2, RFC 8445 section 16.1).
    static let known: [UInt16] = [
        STUN_ATTRIBUTE_MAPPED_ADDRESS, STUN_ATTRIBUTE_USERNAME, STUN_ATTRIBUTE_MESSAGE_INTEGRITY, STUN_ATTRIBUTE_ERROR_CODE,
        STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, STUN_ATTRIBUTE_REALM, STUN_ATTRIBUTE_NONCE, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
        STUN_ATTRIBUTE_PRIORITY, STUN_ATTRIBUTE_USE_CANDIDATE,
    ].map { UInt16(truncatingIfNeeded: $0.rawValue) }

    private static let headerByteCount = 20
    private static let integrityByteCount: UInt16 = 20

    let datagram: UnsafeRawBufferPointer
    private let start: UnsafeRawPointer
    private var message: StunMessage

    /// Refuses what is not exactly one message.
    init(_ datagram: UnsafeRawBufferPointer, agent: UnsafeMutablePointer<StunAgent>) throws(STUNDefect) {
        guard let start = datagram.baseAddress, datagram.count >= Self.headerByteCount else { throw .malformed }
        let bytes = start.assumingMemoryBound(to: UInt8.self)
        guard stun_message_validate_buffer_length(bytes, datagram.count, true) == datagram.count else { throw .malformed }
        self.datagram = datagram
        self.start = start
        message = StunMessage()
        message.agent = agent
        message.buffer = UnsafeMutablePointer(mutating: bytes)  // libnice writes nothing through it here.
        message.buffer_len = datagram.count
    }

    var method: StunMethod { withMessage { stun_message_get_method($0) } }
    var messageClass: StunClass { withMessage { stun_message_get_class($0) } }

    /// Behind type, length and cookie (RFC 5389 section 6).
    var transaction: STUNTransaction {
        STUNTransaction(
            high: UInt32(bigEndian: start.loadUnaligned(fromByteOffset: 8, as: UInt32.self)),
            low: UInt64(bigEndian: start.loadUnaligned(fromByteOffset: 12, as: UInt64.self)))
    }

    func contains(_ type: StunAttribute) -> Bool { withMessage { stun_message_has_attribute($0, type) } }

    func hasIntegrity() throws(STUNDefect) -> Bool {
        guard let value = find(STUN_ATTRIBUTE_MESSAGE_INTEGRITY) else { return false }
        guard value.count == Self.integrityByteCount else { throw .badAttribute }
        return true
    }

    func bindingRequest() throws(STUNDefect) -> STUNBindingRequest {
        var request = STUNBindingRequest(transaction: transaction)
        request.username = try username()
        request.priority = try number32(STUN_ATTRIBUTE_PRIORITY)
        request.nomination = try number32(STUN_ATTRIBUTE_NOMINATION)
        request.usesCandidate = try flag(STUN_ATTRIBUTE_USE_CANDIDATE)
        request.role = try role()
        request.hasIntegrity = try hasIntegrity()
        request.unknownAttributes = unknownAttributes()
        return request
    }

    func mappedAddress() throws(STUNDefect) -> STUNAddress? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withMessage { stun_message_find_xor_addr($0, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address, &length) }
        switch status {
        case STUN_MESSAGE_RETURN_SUCCESS: return STUNAddress(address)
        case STUN_MESSAGE_RETURN_NOT_FOUND: return nil
        default: throw .badAttribute
        }
    }

    /// 0 when there is none that makes sense.
    var errorCode: Int {
        var code: Int32 = 0
        return withMessage { stun_message_find_error($0, &code) } == STUN_MESSAGE_RETURN_SUCCESS ? Int(code) : 0
    }

    private func username() throws(STUNDefect) -> Range<Int>? {
        guard let value = find(STUN_ATTRIBUTE_USERNAME) else { return nil }
        guard value.count <= STUNCodec.maximumUsernameByteCount else { throw .badAttribute }
        return value
    }

    private func role() throws(STUNDefect) -> STUNRole {
        switch (try number64(STUN_ATTRIBUTE_ICE_CONTROLLING), try number64(STUN_ATTRIBUTE_ICE_CONTROLLED)) {
        case (nil, nil): .unstated
        case (let tieBreaker?, nil): .controlling(tieBreaker: tieBreaker)
        case (nil, let tieBreaker?): .controlled(tieBreaker: tieBreaker)
        default: .contradictory
        }
    }

    /// Those before MESSAGE-INTEGRITY: what follows it must be ignored (RFC 5389 section 15.4), which libnice's own list does not do.
    private func unknownAttributes() -> STUNUnknownAttributes {
        var unknown = STUNUnknownAttributes()
        var offset = Self.headerByteCount
        while offset + 4 <= datagram.count {
            let type = UInt16(bigEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            let length = UInt16(bigEndian: start.loadUnaligned(fromByteOffset: offset + 2, as: UInt16.self))
            if UInt32(type) == STUN_ATTRIBUTE_MESSAGE_INTEGRITY.rawValue { break }
            if !stun_optional(type), !Self.known.contains(type) { unknown.insert(type) }
            offset += 4 + (Int(length) + 3) & ~3  // Values are padded to 4 octets (RFC 5389 section 15).
        }
        return unknown
    }

    /// Where an attribute's value lies.
    private func find(_ type: StunAttribute) -> Range<Int>? {
        var length: UInt16 = 0
        guard let value = withMessage({ stun_message_find($0, type, &length) }) else { return nil }
        let offset = value - start
        return offset..<offset + Int(length)
    }

    private func flag(_ type: StunAttribute) throws(STUNDefect) -> Bool {
        try isPresent(withMessage { stun_message_find_flag($0, type) })
    }

    private func number32(_ type: StunAttribute) throws(STUNDefect) -> UInt32? {
        var value: UInt32 = 0
        return try isPresent(withMessage { stun_message_find32($0, type, &value) }) ? value : nil
    }

    private func number64(_ type: StunAttribute) throws(STUNDefect) -> UInt64? {
        var value: UInt64 = 0
        return try isPresent(withMessage { stun_message_find64($0, type, &value) }) ? value : nil
    }

    private func isPresent(_ status: StunMessageReturn) throws(STUNDefect) -> Bool {
        switch status {
        case STUN_MESSAGE_RETURN_SUCCESS: return true
        case STUN_MESSAGE_RETURN_NOT_FOUND: return false
        default: throw .badAttribute
        }
    }

    private func withMessage<Result>(_ body: (UnsafePointer<StunMessage>) -> Result) -> Result {
        withUnsafePointer(to: message, body)
    }
}
