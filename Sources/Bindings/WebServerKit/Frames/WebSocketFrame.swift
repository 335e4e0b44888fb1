/// What a frame is (RFC 6455, 5.2).
enum WebSocketOpcode: UInt8 {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    var isControl: Bool { rawValue >= 0x8 }
}

/// Which end of a WebSocket this process is. Only clients mask (RFC 6455, 5.1).
enum WebSocketSide: Sendable {
    case server
    case client
}

/// The close codes that this module itself uses (RFC 6455, 7.4.1; 1013 is in IANA's registry).
enum WebSocketCloseCode {
    static let normal: UInt16 = 1000
    static let goingAway: UInt16 = 1001
    static let protocolError: UInt16 = 1002
    static let noStatus: UInt16 = 1005
    static let lost: UInt16 = 1006
    static let invalidText: UInt16 = 1007
    static let messageTooBig: UInt16 = 1009
    static let tryAgainLater: UInt16 = 1013

    /// Whether a code may stand in a close frame (RFC 6455, 7.4.1 and 7.4.2; 1012 to 1014 are registered since).
    static func isSendable(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// Writes frames. Messages are never fragmented.
enum WebSocketFrameEncoder {
    /// Longest payload of a control frame (RFC 6455, 5.5).
    static let controlLimit = 125

    /// Appends one frame; with a mask as a client must have it (RFC 6455, 5.3).
    static func append(_ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>, mask: UInt32?, to output: inout [UInt8]) {
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        output.append(0x80 | opcode.rawValue)
        switch payload.count {
        case 0...125: output.append(maskBit | UInt8(payload.count))
        case 126...0xFFFF:
            output.append(maskBit | 126)
            appendBigEndian(UInt64(payload.count), bytes: 2, to: &output)
        default:
            output.append(maskBit | 127)
            appendBigEndian(UInt64(payload.count), bytes: 8, to: &output)
        }
        guard let mask else {
            output.append(contentsOf: payload)
            return
        }
        appendBigEndian(UInt64(mask), bytes: 4, to: &output)
        for (index, octet) in payload.enumerated() { output.append(octet ^ WebSocketMask.octet(of: mask, at: index)) }
    }

    /// The payload of a close frame: the code and as much of the reason as fits, cut between characters.
    static func closePayload(code: UInt16, reason: String) -> [UInt8] {
        var payload = [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)]
        for character in reason {
            guard payload.count + character.utf8.count <= controlLimit else { break }
            payload += Array(character.utf8)
        }
        return payload
    }

    private static func appendBigEndian(_ value: UInt64, bytes: Int, to output: inout [UInt8]) {
        for index in (0..<bytes).reversed() { output.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))) }
    }
}

/// The masking of client frames (RFC 6455, 5.3).
enum WebSocketMask {
    static func octet(of mask: UInt32, at index: Int) -> UInt8 { UInt8(truncatingIfNeeded: mask >> UInt32(24 - 8 * (index & 3))) }
}
