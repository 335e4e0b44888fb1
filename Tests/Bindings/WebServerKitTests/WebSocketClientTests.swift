import HTTPTypes
import Testing

@testable import WebServerKit

extension SocketTests {
    @Suite struct WebSocketClientTests {
        @Test func aClientSpeaksWithAServer() async throws {
            let handler = TestHandler(decide: { request in
                guard request.head.path == "/rtm?a=b%20c", request.head.headerFields[.authorization] == "Bearer token" else {
                    return .refuse(.text("no", status: .unauthorized))
                }
                return .accept(serve: { await $0.echo() })
            })
            try await withServer(handler) { port, _ in
                let url = "ws://127.0.0.1:\(port)/rtm?a=b%20c"
                await #expect(throws: WebServerError.upgradeRefused(status: 401)) { try await WebSocketClient.connect(url: url) }
                let socket = try await WebSocketClient.connect(url: url, headers: [.authorization: "Bearer token"])
                let long = String(repeating: "é", count: 100_000)
                #expect(socket.send("hello") && socket.send(long) && socket.send([1, 2, 3]))
                var events = socket.events.makeAsyncIterator()
                #expect(await events.next() == .text("hello"))
                #expect(await events.next() == .text(long))
                #expect(await events.next() == .binary([1, 2, 3]))
                socket.close(code: 4000, reason: "done")
                #expect(await events.next() == .closed(code: 4000))
                #expect(await events.next() == nil)
                #expect(!socket.send("too late"))
            }
        }

        @Test func theServersEndIsTold() async throws {
            let handler = TestHandler(decide: { request in
                .accept(serve: { socket in
                    socket.send("early")
                    socket.close(code: 4410, reason: "over")
                })
            })
            try await withServer(handler) { port, server in
                let socket = try await WebSocketClient.connect(url: "ws://127.0.0.1:\(port)/")
                var events = socket.events.makeAsyncIterator()
                #expect(await events.next() == .text("early"))
                #expect(await events.next() == .closed(code: 4410))
                #expect(await becomesTrue { server.statistics.connections == 0 })
            }
        }

        @Test func aServerThatIsNotThereIsAnError() async throws {
            let free = try ListeningSocket(address: "127.0.0.1", port: 0)
            free.close()
            await #expect(throws: WebServerError.self) { try await WebSocketClient.connect(url: "ws://127.0.0.1:\(free.port)/") }
        }

        @Test func aServerThatDoesNotAnswerIsTimedOut() async throws {
            let silent = try ListeningSocket(address: "127.0.0.1", port: 0)
            var limits = WebServerLimits()
            limits.connectTimeout = .milliseconds(100)
            await #expect(throws: WebServerError.timedOut) {
                try await WebSocketClient.connect(url: "ws://127.0.0.1:\(silent.port)/", limits: limits)
            }
            silent.close()
        }

        @Test(arguments: [
            ("ws://h", "h", 80, "/", "h"), ("WSS://h/p?q", "h", 443, "/p?q", "h"), ("ws://h:81?q", "h", 81, "/?q", "h:81"),
            ("ws://[::1]:9000/x", "::1", 9000, "/x", "[::1]:9000"), ("wss://[::1]", "::1", 443, "/", "[::1]"),
        ]) func urlsAreSplit(url: String, host: String, port: Int, target: String, authority: String) throws {
            let url = try #require(WebSocketURL(url))
            #expect(url.host == host && url.port == port && url.target == target && url.authority == authority)
        }

        @Test(arguments: [
            "", "h", "http://h", "ws:h", "ws://", "ws:///p", "ws://u@h", "ws://h:0", "ws://h:65536", "ws://h:x", "ws://h:", "ws://h:1:2",
            "ws://[::1",
            "ws://[::1]x", "ws://[::1]:", "ws://h/ x", "ws://h/\r\nX: y", "ws://h#f", "ws://:80",
        ]) func malformedURLsAreRefused(url: String) async {
            await #expect(throws: WebServerError.invalidURL(url)) { try await WebSocketClient.connect(url: url) }
        }

        private static let sound =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n"
        private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
        private static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

        @Test func aSoundReplyOpensTheSocketOnceItIsWhole() throws {
            let bytes = Array((Self.sound + "rest").utf8)
            let reply = HandshakeReply(limit: 1000)
            #expect(try reply.check(bytes, key: Self.key) == Self.sound.utf8.count)
            for length in 0..<Self.sound.utf8.count { #expect(try reply.check(Array(bytes[..<length]), key: Self.key) == nil) }
        }

        @Test(arguments: [
            ("101", "xyz"), ("HTTP/1.1", "HTTP/1.0"), ("HTTP/1.1 101", "hello"), ("WebSocket", "h2c"), ("Connection: Upgrade\r\n", ""),
            ("s3pP", "S3pP"), ("Upgrade: ", "Upgrade "), ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
            ("Upgrade: ", String(repeating: "x", count: 1000) + ": "), ("Upgrade: ", "No Name: "),
        ]) func malformedRepliesAreRefused(part: String, replacement: String) throws {
            let range = try #require(Self.sound.firstRange(of: part))
            let text = Self.sound[..<range.lowerBound] + replacement + Self.sound[range.upperBound...]
            #expect(throws: WebServerError.invalidHandshake) { try HandshakeReply(limit: 1000).check(Array(text.utf8), key: Self.key) }
        }
    }
}
