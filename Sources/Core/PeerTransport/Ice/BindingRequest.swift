/// A STUN Binding request as far as ICE decides on it (RFC 8445 section 7.3). The worker fills it from the codec; the transaction id and the bytes
/// stay with the worker.
package struct BindingRequest: Sendable, Equatable {
    /// What came of MESSAGE-INTEGRITY (RFC 5389 section 10.1.2).
    package enum Integrity: Sendable, Equatable {
        /// There was no MESSAGE-INTEGRITY, or no USERNAME that names a key.
        case absent
        /// It does not fit the key of the credentials that USERNAME names.
        case wrong
        /// It fits: the sender knows the password that belongs to this fragment.
        case verified(LocalUfrag)
    }

    /// The role attribute of the request.
    package enum Role: Sendable, Equatable {
        /// Neither ICE-CONTROLLING nor ICE-CONTROLLED.
        case unstated
        case controlling
        case controlled
        /// Both stand there.
        case contradictory
    }

    /// Bytes of the datagram or frame that it came in.
    package var byteCount: Int
    package var integrity: Integrity
    package var role: Role
    /// PRIORITY.
    package var priority: UInt32?
    /// USE-CANDIDATE.
    package var nominates: Bool
    /// NOMINATION (0xC001, draft-thatcher-ice-renomination), which counts up; it stands beside USE-CANDIDATE.
    package var nomination: UInt32?
    /// A comprehension-required attribute that we do not know (RFC 5389 section 7.3.1).
    package var hasUnknownRequiredAttribute: Bool

    package init(
        byteCount: Int, integrity: Integrity, role: Role = .controlling, priority: UInt32? = nil, nominates: Bool = false
    ) {
        self.byteCount = byteCount
        self.integrity = integrity
        self.role = role
        self.priority = priority
        self.nominates = nominates
        nomination = nil
        hasUnknownRequiredAttribute = false
    }
}

/// ERROR-CODE values of ours (RFC 5389 section 15.6, RFC 8445 section 16.2).
package enum StunErrorCode: UInt16, Sendable {
    case badRequest = 400
    case unauthorized = 401
    case unknownAttribute = 420
    case roleConflict = 487
}

/// What is to be sent in answer to a Binding request, on the 5-tuple that it came on and nowhere else.
package enum StunAnswer: Sendable, Equatable {
    /// Nothing.
    case none
    /// A success response with the remote address as XOR-MAPPED-ADDRESS, and MESSAGE-INTEGRITY by the password of this fragment.
    case success(LocalUfrag)
    /// An error response of at most `byteLimit` bytes in all: if the codec's is longer, nothing is sent. With MESSAGE-INTEGRITY by the password of
    /// `signedBy`; without one where the request proved no knowledge of a password (RFC 5389 section 10.1.2).
    case error(StunErrorCode, signedBy: LocalUfrag?, byteLimit: Int)

    /// What a request gets that names no peer of ours. Whether it is sent at all is `UnverifiedReplyBudget`'s to say.
    package static func toStranger(_ request: BindingRequest) -> StunAnswer {
        switch request.integrity {
        case .absent: .error(.badRequest, signedBy: nil, byteLimit: request.byteCount)
        case .wrong, .verified: .error(.unauthorized, signedBy: nil, byteLimit: request.byteCount)
        }
    }
}
