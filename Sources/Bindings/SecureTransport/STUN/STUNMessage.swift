/// The 96 bits that pair a STUN response with its request (RFC 5389 section 6).
package struct STUNTransaction: Hashable, Sendable {
    /// The first 4 octets as a big-endian number.
    package let high: UInt32
    /// The other 8 octets as a big-endian number.
    package let low: UInt64

    /// From the numbers that the octets make; any are legal. Whoever begins a transaction makes them at random.
    package init(high: UInt32, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// An IP address and port inside a STUN message. IPv4 is held as an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2).
package struct STUNAddress: Hashable, Sendable {
    /// Octets 0...7 of the IPv6 address as a big-endian number; 0 for IPv4.
    package let high: UInt64
    /// Octets 8...15 as a big-endian number; for IPv4 `0x0000_FFFF` and the four octets.
    package let low: UInt64
    /// Host byte order.
    package let port: UInt16

    /// From the numbers that the octets make; IPv4 has to be given as an IPv4-mapped address.
    package init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    /// From an IPv4 address in host byte order, for instance 0x7F00_0001.
    package init(ipv4: UInt32, port: UInt16) { self.init(high: 0, low: 0x0000_FFFF_0000_0000 | UInt64(ipv4), port: port) }

    /// The IPv4 address in host byte order; nil for IPv6.
    package var ipv4: UInt32? { high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil }
}

/// The ICE role that a request claims for its sender (RFC 8445 section 7.1.3), with the tie-breaker.
package enum STUNRole: Sendable, Hashable {
    /// Neither ICE-CONTROLLING nor ICE-CONTROLLED.
    case unstated
    case controlling(tieBreaker: UInt64)
    case controlled(tieBreaker: UInt64)
    /// Both stand there.
    case contradictory
}

/// Comprehension-required attributes that we do not know (RFC 5389 section 7.3.1): the first eight, none twice.
package struct STUNUnknownAttributes: Hashable, Sendable {
    /// How many are listed at most.
    package static let capacity = 8
    private var types = SIMD8<UInt16>()
    /// How many are listed.
    package private(set) var count = 0

    /// An empty list.
    package init() {}

    /// Every attribute is known.
    package var isEmpty: Bool { count == 0 }

    /// The attribute type at `index`, which has to be less than `count`.
    package subscript(index: Int) -> UInt16 {
        precondition(index < count, "no such attribute")
        return types[index]
    }

    /// Lists a type, unless it stands there already or the list is full.
    package mutating func insert(_ type: UInt16) {
        guard count < Self.capacity else { return }
        for index in 0..<count where types[index] == type { return }
        types[count] = type
        count += 1
    }
}

/// A Binding request: a connectivity or consent check (RFC 8445 section 7.2.2, RFC 7675 section 5.1). Nothing in it is proved until
/// `STUNCodec.isAuthentic` has said so.
package struct STUNBindingRequest: Sendable, Hashable {
    /// What the answer has to repeat.
    package var transaction: STUNTransaction
    /// Where USERNAME's value lies in the datagram; nil without one. The fragment of the receiver comes before its colon.
    package var username: Range<Int>?
    /// PRIORITY.
    package var priority: UInt32?
    /// USE-CANDIDATE.
    package var usesCandidate = false
    /// NOMINATION (draft-thatcher-ice-renomination), as Chromium sends it.
    package var nomination: UInt32?
    /// ICE-CONTROLLING or ICE-CONTROLLED.
    package var role = STUNRole.unstated
    /// A MESSAGE-INTEGRITY is there; whether it is right is `STUNCodec.isAuthentic`'s to say.
    package var hasIntegrity = false
    /// Not empty: the answer is error 420.
    package var unknownAttributes = STUNUnknownAttributes()

    init(transaction: STUNTransaction) { self.transaction = transaction }
}

/// A STUN message of the Binding method, as far as an ICE agent acts on it. Values only: the datagram is free to go.
package enum STUNMessage: Sendable, Hashable {
    /// A connectivity or consent check, to be answered when it is authentic.
    case request(STUNBindingRequest)
    /// A keep-alive (RFC 8445 section 11): never answered.
    case indication(STUNTransaction)
    /// A success response with its XOR-MAPPED-ADDRESS.
    case success(STUNTransaction, mapped: STUNAddress?)
    /// An error response; 0 when its ERROR-CODE is missing or nonsense.
    case error(STUNTransaction, code: Int)
}

/// Why a datagram is no STUN message that we act on. It is dropped without an answer.
package enum STUNDefect: Error, Sendable, Hashable {
    /// Its length field or an attribute's length does not fit the datagram.
    case malformed
    /// The magic cookie is missing (RFC 3489), or FINGERPRINT does not fit.
    case notOurs
    /// Another method than Binding, TURN for instance.
    case unsupportedMethod
    /// An attribute has a length that its type does not allow.
    case badAttribute
    /// Longer than `STUNCodec.maximumByteCount`.
    case tooLong
}

/// The ERROR-CODE values that we send (RFC 5389 section 15.6, RFC 8445 section 7.3.1.1).
package enum STUNErrorCode: UInt32, Sendable, Hashable {
    /// USERNAME or MESSAGE-INTEGRITY is missing.
    case badRequest = 400
    /// MESSAGE-INTEGRITY does not fit, or USERNAME names nobody.
    case unauthorized = 401
    /// With the attributes that we do not know and must not ignore.
    case unknownAttribute = 420
    /// Both sides claim the same ICE role.
    case roleConflict = 487
}
