internal import CWebSockets
import HTTPTypes

/// The opening handshake (RFC 6455, 4).
enum WebSocketHandshake {
    /// Appended to the key before hashing (RFC 6455, 1.3).
    private static let salt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    private static let digestLength = 20

    /// The key that a client sent, or the reply that says what its handshake lacks.
    static func key(of request: HTTPRequest, framing: BodyFraming) -> Result<String, Refusal> {
        guard request.headerFields[values: .secWebSocketVersion] == ["13"] else { return .failure(Refusal(status: .upgradeRequired)) }
        let keys = request.headerFields[values: .secWebSocketKey]
        // The key is 16 bytes in base64: 22 characters and two signs of equality.
        guard keys.count == 1, keys[0].utf8.count == 24, keys[0].hasSuffix("=="), keys[0].dropLast(2).utf8.allSatisfy(\.isBase64) else {
            return .failure(Refusal(status: .badRequest))
        }
        guard framing == .none else { return .failure(Refusal(status: .badRequest)) }
        return .success(keys[0])
    }

    /// An HTTP reply instead of 101.
    struct Refusal: Error, Equatable {
        let status: HTTPResponse.Status

        var response: WebResponse {
            guard status == .upgradeRequired else { return WebResponse(status: status) }
            return WebResponse(status: status, headerFields: [.upgrade: "websocket", .secWebSocketVersion: "13"])
        }
    }

    /// The value of Sec-WebSocket-Accept for a key (RFC 6455, 4.2.2).
    static func accept(for key: String) -> String {
        let input = Array((key + salt).utf8)
        var digest = [UInt8](repeating: 0, count: digestLength)
        _ = lws_SHA1(input, input.count, &digest)
        return base64(digest)
    }

    /// The whole 101 response.
    static func response(for key: String) -> [UInt8] {
        let lines = [
            "HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: upgrade", "sec-websocket-accept: \(accept(for: key))",
        ]
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// A client's new key: 16 random bytes in base64.
    static func makeKey() -> String {
        var random = SystemRandomNumberGenerator()
        return base64((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        // Four characters for three bytes, padded; libwebsockets wants room for the end of the C string and for one byte more.
        var text = [CChar](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 2)
        let length = bytes.withUnsafeBytes { raw in
            lws_b64_encode_string(raw.bindMemory(to: CChar.self).baseAddress, Int32(raw.count), &text, Int32(text.count))
        }
        return String(decoding: text.prefix(max(0, Int(length))).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension UInt8 {
    fileprivate var isBase64: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: self == UInt8(ascii: "+") || self == UInt8(ascii: "/")
        }
    }
}
