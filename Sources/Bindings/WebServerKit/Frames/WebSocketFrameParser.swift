/// What the peer's bytes turn out to be.
enum WebSocketInput: Equatable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong
    /// A close frame with its code, or nil when it has none.
    case close(UInt16?)
}

/// Why a peer's bytes end the connection, as the close code that says so.
enum WebSocketFault: Error, Equatable {
    case protocolError
    case invalidText
    case messageTooBig

    var closeCode: UInt16 {
        switch self {
        case .protocolError: WebSocketCloseCode.protocolError
        case .invalidText: WebSocketCloseCode.invalidText
        case .messageTooBig: WebSocketCloseCode.messageTooBig
        }
    }
}

/// Turns a peer's bytes into whole messages and control frames (RFC 6455, 5).
///
/// No extension is negotiated, so reserved bits and opcodes are errors. A length is judged when its header is read, before any of the payload is kept.
struct WebSocketFrameParser {
    private struct Header {
        let opcode: WebSocketOpcode
        let isFinal: Bool
        let mask: UInt32?
        let payloadLength: Int
        let headerLength: Int
    }

    let side: WebSocketSide
    let messageLimit: Int
    private var buffer: [UInt8] = []
    /// How much of `buffer` is parsed.
    private var consumed = 0
    /// The kind of the message whose fragments are being collected.
    private var fragmentedOpcode: WebSocketOpcode?
    private var fragments: [UInt8] = []

    init(side: WebSocketSide, messageLimit: Int) {
        self.side = side
        self.messageLimit = messageLimit
    }

    /// Adds received bytes.
    mutating func append(_ bytes: some Collection<UInt8>) {
        if consumed == buffer.count {
            buffer.removeAll(keepingCapacity: bytes.count <= buffer.capacity && buffer.capacity <= 4096)
            consumed = 0
        } else if consumed > 4096 {
            buffer.removeFirst(consumed)
            consumed = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next message or control frame; nil when more bytes are needed.
    mutating func next() throws(WebSocketFault) -> WebSocketInput? {
        while let header = try readHeader() {
            let start = consumed + header.headerLength
            guard buffer.count - start >= header.payloadLength else { return nil }
            let payload = unmask(buffer[start..<(start + header.payloadLength)], header.mask)
            consumed = start + header.payloadLength
            if let input = try accept(header, payload) { return input }
        }
        if consumed == buffer.count {
            buffer = []
            consumed = 0
        }
        return nil
    }

    private func readHeader() throws(WebSocketFault) -> Header? {
        let bytes = buffer[consumed...]
        guard bytes.count >= 2 else { return nil }
        let first = bytes[consumed]
        let second = bytes[consumed + 1]
        guard first & 0x70 == 0, let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { throw .protocolError }
        let isMasked = second & 0x80 != 0
        guard isMasked == (side == .server) else { throw .protocolError }
        try check(opcode, isFinal: first & 0x80 != 0, shortLength: second & 0x7F)
        let lengthBytes = second & 0x7F == 127 ? 8 : (second & 0x7F == 126 ? 2 : 0)
        let headerLength = 2 + lengthBytes + (isMasked ? 4 : 0)
        guard bytes.count >= headerLength else { return nil }
        let length = lengthBytes == 0 ? UInt64(second & 0x7F) : bigEndian(at: consumed + 2, bytes: lengthBytes)
        // The shortest form of a length must be used, and the highest bit of the longest must be 0 (RFC 6455, 5.2).
        guard lengthBytes != 2 || length > 125, lengthBytes != 8 || (length > 0xFFFF && length < 1 << 63) else { throw .protocolError }
        guard opcode.isControl || length <= UInt64(max(0, messageLimit - fragments.count)) else { throw .messageTooBig }
        let mask = isMasked ? UInt32(bigEndian(at: consumed + 2 + lengthBytes, bytes: 4)) : nil
        return Header(
            opcode: opcode, isFinal: first & 0x80 != 0, mask: mask, payloadLength: Int(length), headerLength: headerLength)
    }

    /// Control frames are short and whole; a continuation needs a start, a start no open message (RFC 6455, 5.4 and 5.5).
    private func check(_ opcode: WebSocketOpcode, isFinal: Bool, shortLength: UInt8) throws(WebSocketFault) {
        if opcode.isControl {
            guard isFinal, shortLength <= WebSocketFrameEncoder.controlLimit else { throw .protocolError }
        } else {
            guard (opcode == .continuation) == (fragmentedOpcode != nil) else { throw .protocolError }
        }
    }

    private mutating func accept(_ header: Header, _ payload: [UInt8]) throws(WebSocketFault) -> WebSocketInput? {
        switch header.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong
        case .close: return .close(try Self.closeCode(payload))
        case .text, .binary:
            if header.isFinal { return try Self.message(header.opcode, payload) }
            fragmentedOpcode = header.opcode
            fragments = payload
            return nil
        case .continuation:
            fragments += payload
            guard header.isFinal, let opcode = fragmentedOpcode else { return nil }
            defer {
                fragments = []
                fragmentedOpcode = nil
            }
            return try Self.message(opcode, fragments)
        }
    }

    private static func message(_ opcode: WebSocketOpcode, _ payload: [UInt8]) throws(WebSocketFault) -> WebSocketInput {
        guard opcode == .text else { return .binary(payload) }
        guard let text = String(validating: payload, as: UTF8.self) else { throw .invalidText }
        return .text(text)
    }

    private static func closeCode(_ payload: [UInt8]) throws(WebSocketFault) -> UInt16? {
        guard !payload.isEmpty else { return nil }
        guard payload.count >= 2 else { throw .protocolError }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard WebSocketCloseCode.isSendable(code) else { throw .protocolError }
        guard String(validating: payload[2...], as: UTF8.self) != nil else { throw .invalidText }
        return code
    }

    private func bigEndian(at index: Int, bytes: Int) -> UInt64 {
        buffer[index..<(index + bytes)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func unmask(_ payload: ArraySlice<UInt8>, _ mask: UInt32?) -> [UInt8] {
        // As for a file's content: without capacity the empty array that all threads share would be written to.
        guard let mask, !payload.isEmpty else { return Array(payload) }
        return [UInt8](unsafeUninitializedCapacity: payload.count) { output, filled in
            for octet in payload {
                output[filled] = octet ^ WebSocketMask.octet(of: mask, at: filled)
                filled += 1
            }
        }
    }
}
