import HTTPTypes
import Testing

@testable import WebServerKit

@Suite struct RequestHeadParserTests {
    private func parse(_ text: String, limits: WebServerLimits = WebServerLimits()) throws -> (head: RequestHead, length: Int)? {
        var parser = RequestHeadParser(limits: limits, isSecure: false)
        return try parser.parse(Array(text.utf8)[...])
    }

    @Test func everyFieldReachesTheRequestUnknownOnesIncluded() throws {
        let text = "GET /a/b?c=%20d HTTP/1.1\r\nHost: h:80\r\nX-Made-Up: one\r\nx-made-up:two \t\r\nEmpty:\r\n\r\nrest"
        let (head, length) = try #require(try parse(text))
        #expect(length == text.utf8.count - 4)
        #expect(head.request.method == .get && head.request.path == "/a/b?c=%20d" && head.request.authority == "h:80")
        #expect(head.request.scheme == "http")
        #expect(head.request.headerFields[values: try #require(HTTPField.Name("x-made-up"))] == ["one", "two"])
        #expect(head.request.headerFields[try #require(HTTPField.Name("empty"))] == "")
        #expect(head.wantsKeepAlive && head.bodyFraming == .none && !head.expectsContinue)
    }

    @Test func aHeadThatDripsInIsReadLikeOneThatComesWhole() throws {
        let text = "\r\nPOST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
        var parser = RequestHeadParser(limits: WebServerLimits(), isSecure: true)
        var received: [UInt8] = []
        for octet in text.utf8.dropLast() {
            received.append(octet)
            #expect(try parser.parse(received[...]) == nil)
        }
        received.append(Octet.lineFeed)
        let (head, length) = try #require(try parser.parse(received[...]))
        #expect(length == received.count && head.bodyFraming == .length(5) && head.request.scheme == "https")
    }

    @Test(arguments: [
        ("GET http://other:81/p?q HTTP/1.1\r\nHost: h\r\n\r\n", "other:81", "/p?q"),
        ("GET HTTPS://other HTTP/1.1\r\nHost: h\r\n\r\n", "other", "/"),
        ("GET http://other?q HTTP/1.1\r\nHost: h\r\n\r\n", "other", "/?q"),
        ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "h", "*"),
        ("GET //a/../%2F HTTP/1.1\r\nHost: h\r\n\r\n", "h", "//a/../%2F"),
    ]) func theTargetIsSplitButNotNormalised(text: String, authority: String, path: String) throws {
        let head = try #require(try parse(text)).head
        #expect(head.request.authority == authority && head.request.path == path)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Close\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\r\n", true),
    ]) func theConnectionLivesAsTheClientSays(text: String, lives: Bool) throws {
        #expect(try #require(try parse(text)).head.wantsKeepAlive == lives)
    }

    @Test(arguments: malformed) func malformedHeadsAreFaults(_ request: MalformedRequest) {
        #expect(throws: request.fault) { try parse(request.text) }
    }

    static let malformed: [MalformedRequest] =
        ([
            ("GET / HTTP/1.1\nHost: h\n\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", .badRequest),
            ("GET /\r\nHost: h\r\n\r\n", .badRequest),
            ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .badRequest),
            (" GET / HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET / http/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1x\r\nHost: h\r\n\r\n", .badRequest),
            ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", .versionNotSupported),
            ("GET relative HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET /#f HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET /%2 HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET /\u{7F} HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET /é HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET http:// HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: h\r\nNo colon\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: h\r\n: empty name\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: h\r\nSpace : x\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: h\r\n:path: /\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .transferCodingUnknown),
            ("POST / HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n", .expectationFailed),
            ("GET /" + String(repeating: "a", count: 20_000), .targetTooLong),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "a", count: 20_000), .headersTooLarge),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "a", count: 20_000) + "\r\n\r\n", .headersTooLarge),
            ("GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "a: b\r\n", count: 100) + "\r\n", .headersTooLarge),
        ] as [(String, RequestFault)]).map { MalformedRequest(text: $0, fault: $1) }

    @Test func randomlyDamagedHeadsNeverTrap() {
        var random = SeededGenerator(seed: 1)
        let sound = Array("POST /p?q=%20 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n".utf8)
        for _ in 0..<5000 {
            let damaged = random.damage(sound)
            var parser = RequestHeadParser(limits: WebServerLimits(), isSecure: false)
            if let (_, length) = try? parser.parse(damaged[...]) { #expect(length <= damaged.count) }
        }
    }
}

/// A request and the fault that it must be.
struct MalformedRequest: CustomTestStringConvertible {
    let text: String
    let fault: RequestFault

    var testDescription: String { "\(fault): \(text.prefix(60).debugDescription)" }
}

/// Reproducible randomness.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) << 32 | (state &* 0x9E37_79B9_7F4A_7C15) >> 32
    }

    /// A copy with up to four bytes changed, removed or doubled.
    mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &self)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(bytes[index], at: index)
            default: bytes.removeLast(bytes.count - index)
            }
        }
        return bytes
    }
}
