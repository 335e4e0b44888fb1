/// Decides which records of a handshake OpenSSL gets to see.
///
/// Until the keys are there anybody who can send from the peer's address can send plaintext records, and OpenSSL gives up at the first message
/// that it cannot parse. So what cannot be part of this handshake is dropped here (RFC 6347 section 4.1.2.7): other epochs, messages of the wrong
/// side, lengths that contradict each other or what was there before, and alerts. It also bounds what OpenSSL keeps: one message is at most
/// 16 KiB, and eleven may be on their way.
struct HandshakeFilter {
    enum Verdict: Equatable {
        case pass
        case drop
        /// The peer sends again what was answered: its copy of our flight was lost (RFC 6347 section 4.2.4).
        case retransmission
        /// Another ClientHello than the one of which a piece was seen, before any was complete: one of them is not the peer's.
        case startOver
        /// A fatal alert that anybody could have sent.
        case unprovedAlert(UInt8)
    }

    /// Messages ahead of the first that is missing; a flight has seven at most (RFC 6347 section 4.2.4, figure 1).
    private static let window = 11

    private let role: DTLSRole
    /// Messages before this one were answered by a flight of ours.
    private var firstUnanswered = 0
    /// Type and length of the messages in the window, by number; what comes first counts.
    private var known = SIMD16<UInt32>()

    init(role: DTLSRole) { self.role = role }

    /// Whether a flight of ours answered something.
    var hasAnswered: Bool { firstUnanswered > 0 }

    /// Takes note that OpenSSL has sent a flight: it answers the peer's flight that ended first.
    mutating func noteFlight() {
        for number in firstUnanswered..<firstUnanswered + Self.window {
            let slot = number % known.scalarCount
            let type = HandshakeFragment.MessageType(rawValue: UInt8(known[slot] >> 24))
            known[slot] = 0
            guard let type, type.endsFlight else { continue }
            firstUnanswered = number + 1
            return
        }
    }

    /// Judges one record of a datagram.
    mutating func judge(_ record: DTLSRecord) -> Verdict {
        switch (record.epoch, record.type) {
        case (0, .handshake): judgeMessages(record.fragment)
        case (0, .alert): Self.judgeAlert(record.fragment)
        case (0, .changeCipherSpec): record.fragment.elementsEqual([1]) ? .pass : .drop
        // Finished, which OpenSSL keeps when it came before its ChangeCipherSpec, or an alert that has to prove itself.
        case (1, .handshake), (1, .alert): RecordProtection.fragmentByteCounts.contains(record.fragment.count) ? .pass : .drop
        default: .drop
        }
    }

    /// All messages of a record have to be in order, or OpenSSL sees none of them.
    private mutating func judgeMessages(_ fragment: UnsafeRawBufferPointer) -> Verdict {
        let before = known
        var rest = fragment
        var verdict = Verdict.retransmission
        while !rest.isEmpty, verdict == .retransmission || verdict == .pass {
            guard let message = HandshakeFragment(rest) else {
                verdict = .drop
                break
            }
            let single = judge(message)
            // One new message makes the record worth reading.
            if single != .retransmission { verdict = single }
            rest = UnsafeRawBufferPointer(rebasing: rest[message.byteCount...])
        }
        if verdict != .pass { known = before }
        return verdict
    }

    private mutating func judge(_ message: HandshakeFragment) -> Verdict {
        guard message.length <= message.type.maximumByteCount, message.type.sender(fits: role.opposite) else { return .drop }
        guard message.number >= firstUnanswered else { return .retransmission }
        guard message.number < firstUnanswered + Self.window else { return .drop }
        let slot = message.number % known.scalarCount
        // Never zero, since no message that is let through has type 0.
        let identity = UInt32(message.type.rawValue) << 24 | UInt32(message.length)
        guard known[slot] == 0 || known[slot] == identity else { return message.type == .clientHello && !hasAnswered ? .startOver : .drop }
        known[slot] = identity
        return .pass
    }

    private static func judgeAlert(_ fragment: UnsafeRawBufferPointer) -> Verdict {
        let isFatal = fragment.count == 2 && fragment[0] == 2  // RFC 5246 section 7.2
        return isFatal ? .unprovedAlert(fragment[1]) : .drop
    }
}

/// One handshake message, or a piece of one (RFC 6347 section 4.2.2).
struct HandshakeFragment {
    /// RFC 5246 section 7.4, those that our handshakes can have.
    enum MessageType: UInt8 {
        case clientHello = 1
        case serverHello = 2
        case helloVerifyRequest = 3
        case certificate = 11
        case serverKeyExchange = 12
        case certificateRequest = 13
        case serverHelloDone = 14
        case certificateVerify = 15
        case clientKeyExchange = 16

        /// Well above what WebRTC peers send, and far below what would hurt.
        var maximumByteCount: Int {
            switch self {
            case .clientHello: 8192
            case .certificate: 16_384
            case .certificateRequest, .serverHello: 4096
            case .serverKeyExchange, .certificateVerify, .clientKeyExchange: 2048
            case .helloVerifyRequest: 512
            case .serverHelloDone: 0
            }
        }

        /// The other side answers it with a flight; Finished, which is encrypted, apart.
        var endsFlight: Bool {
            switch self {
            case .clientHello, .helloVerifyRequest, .serverHelloDone: true
            default: false
            }
        }

        func sender(fits role: DTLSRole) -> Bool {
            switch self {
            case .clientHello, .clientKeyExchange, .certificateVerify: role == .client
            case .serverHello, .helloVerifyRequest, .serverKeyExchange, .certificateRequest, .serverHelloDone: role == .server
            case .certificate: true
            }
        }
    }

    private static let headerByteCount = 12

    let type: MessageType
    /// `message_seq`.
    let number: Int
    /// Of the whole message without its header.
    let length: Int
    /// Of this piece with its header.
    let byteCount: Int

    /// The piece at the beginning of `octets`; nil when its lengths lie or its type is none of ours.
    init?(_ octets: UnsafeRawBufferPointer) {
        guard octets.count >= Self.headerByteCount, let type = MessageType(rawValue: octets[0]) else { return nil }
        let (length, offset, count) = (octets.bigEndian24(at: 1), octets.bigEndian24(at: 6), octets.bigEndian24(at: 9))
        guard offset + count <= length, Self.headerByteCount + count <= octets.count, count > 0 || length == 0 else { return nil }
        self.type = type
        self.length = length
        number = Int(octets.bigEndian16(at: 4))
        byteCount = Self.headerByteCount + count
    }
}
