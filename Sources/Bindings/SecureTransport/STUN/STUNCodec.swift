internal import CNice
internal import Glibc

/// Reads, checks and writes STUN messages of the Binding method, on libnice's stun library. One for each thread: it is not Sendable.
///
/// It allocates nothing itself; libnice's HMAC allocates and frees its context for each MESSAGE-INTEGRITY.
///
/// A check is answered in two steps: `read` finds USERNAME without a key, so that the peer can be looked up by its fragment; `isAuthentic` then
/// checks MESSAGE-INTEGRITY with that peer's password. All keys are passwords of short-term credentials (RFC 5389 section 10.1).
package final class STUNCodec {
    /// Longer messages are refused: ICE's checks have some hundred octets, and none may exceed the path MTU (RFC 5389 section 7.1).
    package static let maximumByteCount = 1500
    /// No message that we write is longer, the username of a request apart.
    package static let maximumResponseByteCount = 128
    /// USERNAME has to be shorter than 513 octets (RFC 5389 section 15.3).
    static let maximumUsernameByteCount = 512

    /// 12 kB for each thread: it has a table of transactions, of which one entry is used.
    private let agent: UnsafeMutablePointer<StunAgent>
    /// Ended by 0; has to live as long as the agent.
    private let knownAttributes: UnsafeMutablePointer<UInt16>

    /// Ready to use; allocates what all messages share.
    package init() {
        agent = .allocate(capacity: 1)
        agent.initialize(to: StunAgent())
        let known = STUNAttributes.known
        knownAttributes = .allocate(capacity: known.count + 1)
        knownAttributes.initialize(from: known, count: known.count)
        (knownAttributes + known.count).initialize(to: 0)
        stun_agent_init(agent, knownAttributes, STUN_COMPATIBILITY_RFC5389, STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS)
    }

    deinit {
        agent.deallocate()
        knownAttributes.deallocate()
    }

    // MARK: Reading

    /// Reads one message that fills `datagram` exactly. FINGERPRINT is checked when it is there, MESSAGE-INTEGRITY is not.
    ///
    /// Attributes behind MESSAGE-INTEGRITY are ignored, FINGERPRINT apart (RFC 5389 section 15.4).
    package func read(_ datagram: UnsafeRawBufferPointer) throws(STUNDefect) -> STUNMessage {
        guard datagram.count <= Self.maximumByteCount else { throw .tooLong }
        let attributes = try STUNAttributes(datagram, agent: agent)
        try checkEnvelope(attributes)
        guard attributes.method == STUN_BINDING else { throw .unsupportedMethod }
        switch attributes.messageClass {
        case STUN_REQUEST: return .request(try attributes.bindingRequest())
        case STUN_INDICATION: return .indication(attributes.transaction)
        case STUN_RESPONSE: return .success(attributes.transaction, mapped: try attributes.mappedAddress())
        default: return .error(attributes.transaction, code: attributes.errorCode)
        }
    }

    /// Whether `datagram`, which `read` accepted, carries a MESSAGE-INTEGRITY made with `key`. Needs USERNAME in requests and indications.
    ///
    /// Error responses are never authentic: most come without MESSAGE-INTEGRITY by design (RFC 5389 section 10.1.2), so they are hints.
    package func isAuthentic(_ datagram: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> Bool {
        // libnice takes 20 octets of MESSAGE-INTEGRITY without looking at its length, and an empty key as none.
        guard !key.isEmpty, let attributes = try? STUNAttributes(datagram, agent: agent), (try? attributes.hasIntegrity()) == true,
            attributes.messageClass != STUN_ERROR
        else { return false }
        if attributes.messageClass == STUN_RESPONSE { expect(attributes.transaction, key: key) }
        defer { forget(attributes.transaction) }
        agent.pointee.usage_flags = STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS
        var key = key
        let status = validate(attributes.datagram, passwordIn: &key)
        return status == STUN_VALIDATION_SUCCESS || status == STUN_VALIDATION_UNKNOWN_ATTRIBUTE
            || status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE
    }

    // MARK: Writing

    /// Writes a Binding success response with XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY and FINGERPRINT (RFC 8445 section 7.3.1.2 and 7.3.1.3).
    ///
    /// - Returns: how many octets of `output` it takes; 0 when `output` is too small.
    package func writeSuccess(
        _ transaction: STUNTransaction, mapped: STUNAddress, key: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        write(STUN_RESPONSE, transaction, key: key, into: output) { message in
            mapped.withSocketAddress { address, length in
                stun_message_append_xor_addr(&message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, address, length)
            }
        }
    }

    /// Writes a Binding error response; with UNKNOWN-ATTRIBUTES when `unknown` is not empty (RFC 5389 section 7.3.1).
    ///
    /// - Parameter key: nil leaves MESSAGE-INTEGRITY out, as for requests that proved nothing (RFC 5389 section 10.1.2).
    /// - Returns: how many octets of `output` it takes; 0 when `output` is too small.
    package func writeError(
        _ code: STUNErrorCode, _ transaction: STUNTransaction, unknown: STUNUnknownAttributes = STUNUnknownAttributes(),
        key: UnsafeRawBufferPointer?, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        write(STUN_ERROR, transaction, key: key, into: output) { message in
            let status = stun_message_append_error(&message, StunError(code.rawValue))
            guard status == STUN_MESSAGE_RETURN_SUCCESS, !unknown.isEmpty else { return status }
            return unknown.withBigEndianBytes {
                stun_message_append_bytes(&message, STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, $0.baseAddress, $0.count)
            }
        }
    }

    /// Writes a Binding request: a connectivity check of a full agent (RFC 8445 section 7.2.2).
    ///
    /// - Parameters:
    ///   - request: transaction, PRIORITY, role and USE-CANDIDATE are taken from it.
    ///   - username: the peer's fragment, a colon, our fragment.
    ///   - key: the peer's password.
    /// - Returns: how many octets of `output` it takes; 0 when `output` is too small or `username` too long.
    package func writeRequest(
        _ request: STUNCheck, username: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard username.count <= Self.maximumUsernameByteCount else { return 0 }
        defer { forget(request.transaction) }
        return write(STUN_REQUEST, request.transaction, key: key, into: output) { message in
            request.append(username: username, to: &message)
        }
    }

    private func write(
        _ messageClass: StunClass, _ transaction: STUNTransaction, key: UnsafeRawBufferPointer?,
        into output: UnsafeMutableRawBufferPointer, attributes: (inout StunMessage) -> StunMessageReturn
    ) -> Int {
        agent.pointee.usage_flags = StunAgentUsageFlags(
            STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS.rawValue | STUN_AGENT_USAGE_USE_FINGERPRINT.rawValue)
        var message = StunMessage()
        message.agent = agent
        message.buffer = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        message.buffer_len = output.count
        let begun = transaction.withIdentifier { stun_message_init(&message, messageClass, STUN_BINDING, $0) }
        guard begun, attributes(&message) == STUN_MESSAGE_RETURN_SUCCESS else { return 0 }
        let keyBytes = key?.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return stun_agent_finish_message(agent, &message, keyBytes, key?.count ?? 0)
    }

    // MARK: libnice's agent

    /// Length, cookie and FINGERPRINT.
    private func checkEnvelope(_ attributes: STUNAttributes) throws(STUNDefect) {
        var flags = STUN_AGENT_USAGE_IGNORE_CREDENTIALS.rawValue
        if attributes.contains(STUN_ATTRIBUTE_FINGERPRINT) { flags |= STUN_AGENT_USAGE_USE_FINGERPRINT.rawValue }
        agent.pointee.usage_flags = StunAgentUsageFlags(flags)
        switch validate(attributes.datagram, passwordIn: nil) {
        case STUN_VALIDATION_SUCCESS, STUN_VALIDATION_UNKNOWN_ATTRIBUTE, STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE: return
        case STUN_VALIDATION_UNMATCHED_RESPONSE: return  // Whether it is awaited is the caller's to know.
        case STUN_VALIDATION_BAD_REQUEST: throw .notOurs
        default: throw .malformed
        }
    }

    private func validate(
        _ datagram: UnsafeRawBufferPointer, passwordIn key: UnsafeMutablePointer<UnsafeRawBufferPointer>?
    ) -> StunValidationStatus {
        var message = StunMessage()
        return stun_agent_validate(
            agent, &message, datagram.baseAddress?.assumingMemoryBound(to: UInt8.self), datagram.count,
            { _, _, _, _, password, passwordLength, context in
                guard let key = context?.assumingMemoryBound(to: UnsafeRawBufferPointer.self).pointee else { return false }
                // libnice reads through this pointer only.
                password?.pointee = UnsafeMutablePointer(mutating: key.baseAddress?.assumingMemoryBound(to: UInt8.self))
                passwordLength?.pointee = key.count
                return true
            }, key)
    }

    /// Enters a transaction, so that libnice accepts its response and checks it with `key`.
    private func expect(_ transaction: STUNTransaction, key: UnsafeRawBufferPointer) {
        transaction.withIdentifier { identifier in
            withUnsafeMutableBytes(of: &agent.pointee.sent_ids.0.id) {
                $0.copyMemory(from: UnsafeRawBufferPointer(start: identifier, count: 16))
            }
        }
        agent.pointee.sent_ids.0.method = STUN_BINDING
        agent.pointee.sent_ids.0.key = UnsafeMutablePointer(mutating: key.baseAddress?.assumingMemoryBound(to: UInt8.self))
        agent.pointee.sent_ids.0.key_len = key.count
        agent.pointee.sent_ids.0.valid = true
    }

    /// The key of an entry is the caller's memory: no entry outlives a call.
    private func forget(_ transaction: STUNTransaction) {
        _ = transaction.withIdentifier { stun_agent_forget_transaction(agent, UnsafeMutablePointer(mutating: $0)) }
    }
}
