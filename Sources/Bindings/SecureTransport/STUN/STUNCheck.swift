internal import CNice

/// What a full ICE agent says in a connectivity check of its own (RFC 8445 section 7.2.2).
package struct STUNCheck: Sendable, Hashable {
    /// Has to be new and random for each check.
    package var transaction: STUNTransaction
    /// PRIORITY: what the candidate would have as a peer-reflexive one.
    package var priority: UInt32
    /// ICE-CONTROLLING or ICE-CONTROLLED; `.unstated` and `.contradictory` leave both out.
    package var role: STUNRole
    /// USE-CANDIDATE: nominates the pair.
    package var usesCandidate: Bool

    /// The four as they are documented.
    package init(transaction: STUNTransaction, priority: UInt32, role: STUNRole, usesCandidate: Bool) {
        self.transaction = transaction
        self.priority = priority
        self.role = role
        self.usesCandidate = usesCandidate
    }

    /// Appends USERNAME and what `self` says; the first failure is the result.
    func append(username: UnsafeRawBufferPointer, to message: inout StunMessage) -> StunMessageReturn {
        var status = stun_message_append_bytes(&message, STUN_ATTRIBUTE_USERNAME, username.baseAddress, username.count)
        guard status == STUN_MESSAGE_RETURN_SUCCESS else { return status }
        status = stun_message_append32(&message, STUN_ATTRIBUTE_PRIORITY, priority)
        guard status == STUN_MESSAGE_RETURN_SUCCESS else { return status }
        switch role {
        case .controlling(let tieBreaker): status = stun_message_append64(&message, STUN_ATTRIBUTE_ICE_CONTROLLING, tieBreaker)
        case .controlled(let tieBreaker): status = stun_message_append64(&message, STUN_ATTRIBUTE_ICE_CONTROLLED, tieBreaker)
        case .unstated, .contradictory: break
        }
        guard status == STUN_MESSAGE_RETURN_SUCCESS, usesCandidate else { return status }
        return stun_message_append_flag(&message, STUN_ATTRIBUTE_USE_CANDIDATE)
    }
}
