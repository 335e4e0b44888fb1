import HTTPTypes
import Testing

@testable import WebServerKit

extension SocketTests {
    @Suite struct WebSocketServerTests {
        static let handshake =
            "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

        /// A raw client whose handshake is done.
        static func upgraded(_ port: Int, early: [UInt8] = [], receiveBuffer: Int32? = nil) async throws -> RawClient {
            let client = try await RawClient.connect(port, receiveBuffer: receiveBuffer)
            await client.send(Array(handshake.utf8) + early)
            let head = await client.receiveHead()
            try #require(head.hasPrefix("HTTP/1.1 101 ") && head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
            return client
        }

        private static func closeFrame(_ code: UInt16) -> [UInt8] { [0x88, 0x02, UInt8(code >> 8), UInt8(code & 0xFF)] }

        @Test func messagesGoBothWaysFromTheFirstByteOn() async throws {
            try await withServer { port, server in
                let client = try await Self.upgraded(port, early: Frame.text("early"))
                #expect(await client.receive(exactly: 7) == [0x81, 5] + Array("early".utf8))
                await client.send(Frame.masked(9, [1, 2]) + Frame.masked(2, [3]))
                #expect(await client.receive(exactly: 7) == [0x8A, 2, 1, 2, 0x82, 1, 3])
                #expect(server.statistics.webSockets == 1)
                await client.send(Frame.close(4001))
                #expect(await client.receiveToEnd() == Self.closeFrame(4001))
                #expect(await becomesTrue { server.statistics.webSockets == 0 })
            }
        }

        @Test(arguments: Frame.malformed) func malformedFramesCloseTheSocket(name: String, bytes: [UInt8], code: UInt16) async throws {
            let ended = Signal<[WebSocketEvent]>()
            let handler = TestHandler(decide: { _ in
                .accept(serve: { socket in
                    var events: [WebSocketEvent] = []
                    for await event in socket.events { events.append(event) }
                    ended.send(events)
                })
            })
            var limits = WebServerLimits()
            limits.webSocketMessageBytes = 1000
            try await withServer(handler, limits: limits) { port, _ in
                let client = try await Self.upgraded(port)
                await client.send(bytes)
                #expect(await client.receiveToEnd() == Self.closeFrame(code), "\(name)")
                #expect(await ended.wait() == [.closed(code: code)], "\(name)")
            }
        }

        @Test func theEndIsToldWithItsCode() async throws {
            let ended = Signal<WebSocketEvent?>()
            let handler = TestHandler(decide: { _ in .accept(serve: { ended.send(await $0.nextEvent()) }) })
            try await withServer(handler) { port, _ in
                let polite = try await Self.upgraded(port)
                await polite.send(Frame.close(4321, Array("bye".utf8)))
                #expect(await ended.wait() == .closed(code: 4321))
                let silent = try await Self.upgraded(port)
                await silent.send(Frame.masked(8))
                #expect(await ended.wait() == .closed(code: 1005))
                #expect(await silent.receiveToEnd() == [0x88, 0x00])
                do { _ = try await Self.upgraded(port) }
                #expect(await ended.wait() == .closed(code: 1006))
            }
        }

        @Test func whatIsQueuedIsSentBeforeTheCloseFrame() async throws {
            let results = Signal<[Bool]>()
            let handler = TestHandler(decide: { _ in
                .accept(serve: { socket in
                    let before = socket.send("last")
                    socket.close(code: 4410, reason: "over")
                    results.send([before, socket.send("too late")])
                    #expect(await socket.nextEvent() == .closed(code: 4410))
                })
            })
            try await withServer(handler) { port, _ in
                let client = try await Self.upgraded(port)
                #expect(await client.receive(exactly: 14) == [0x81, 4] + Array("last".utf8) + [0x88, 6, 0x11, 0x3A] + Array("over".utf8))
                await client.send(Frame.close(4410))
                #expect(await client.receiveToEnd().isEmpty)
                #expect(await results.wait() == [true, false])
            }
        }

        @Test func aReturningHandlerClosesTheSocket() async throws {
            try await withServer(TestHandler(decide: { _ in .accept(serve: { _ in }) })) { port, _ in
                let client = try await Self.upgraded(port)
                #expect(await client.receive(exactly: 4) == Self.closeFrame(1000))
            }
        }

        @Test func aRefusalIsAnOrdinaryReply() async throws {
            try await withServer(TestHandler(decide: { _ in .refuse(.text("no", status: .forbidden)) })) { port, _ in
                let client = try await RawClient.connect(port)
                for _ in 0..<2 {
                    await client.send(Self.handshake)
                    let response = await client.receiveResponse()
                    #expect(response.head.hasPrefix("HTTP/1.1 403 ") && response.body == "no")
                }
            }
        }

        @Test(arguments: [
            ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "426"), ("Sec-WebSocket-Version: 13\r\n", "", "426"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "short", "400"), ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ*==", "400"),
            ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400"), ("Host: h\r\n", "Host: h\r\nContent-Length: 1\r\n", "400"),
            ("GET", "POST", "200"), ("Upgrade: websocket", "Upgrade: h2c", "200"), ("Upgrade: websocket\r\n", "", "200"),
        ]) func handshakesThatLackSomethingStayHTTP(part: String, replacement: String, status: String) async throws {
            let range = try #require(Self.handshake.firstRange(of: part))
            let text = Self.handshake[..<range.lowerBound] + replacement + Self.handshake[range.upperBound...]
            try await withServer { port, _ in
                let client = try await RawClient.connect(port)
                await client.send(String(text))
                let head = await client.receiveHead()
                #expect(head.hasPrefix("HTTP/1.1 \(status) "))
                if status == "426" { #expect(head.contains("Sec-WebSocket-Version: 13\r\n")) }
            }
        }

        @Test(arguments: [(8, Int.max), (256, 300_000)]) func aReaderThatIsTooSlowIsClosedWith1013(_ frames: Int, _ bytes: Int) async throws
        {
            let ended = Signal<WebSocketEvent?>()
            let handler = TestHandler(decide: { _ in
                .accept(serve: { socket in
                    let message = String(repeating: "x", count: 65_536)
                    while socket.send(message) { try? await Task.sleep(for: .microseconds(100)) }
                    ended.send(await socket.nextEvent())
                })
            })
            var limits = WebServerLimits()
            (limits.webSocketQueueFrames, limits.webSocketQueueBytes) = (frames, bytes)
            limits.closeTimeout = .milliseconds(300)
            limits.slowReaderTimeout = .milliseconds(300)
            try await withServer(handler, limits: limits) { port, server in
                let client = try await Self.upgraded(port, receiveBuffer: 4096)
                let received = await client.receiveToEnd()
                #expect(received.suffix(12) == Self.closeFrame(1013).prefix(1) + [10, 0x03, 0xF5] + Array("too slow".utf8))
                #expect(await ended.wait() == .closed(code: 1013))
                #expect(await becomesTrue { server.statistics.connections == 0 })
            }
        }

        @Test func aSilentPeerIsPingedThenDropped() async throws {
            let ended = Signal<WebSocketEvent?>()
            let handler = TestHandler(decide: { _ in .accept(serve: { ended.send(await $0.nextEvent()) }) })
            var limits = WebServerLimits()
            limits.pingInterval = .milliseconds(100)
            limits.silenceTimeout = .milliseconds(350)
            try await withServer(handler, limits: limits) { port, _ in
                let client = try await Self.upgraded(port)
                let received = await client.receiveToEnd()
                #expect(received.count >= 4 && received.prefix(4) == [0x89, 0, 0x89, 0])
                #expect(await ended.wait() == .closed(code: 1006))
            }
        }

        @Test func aFloodWaitsForItsReader() async throws {
            let mayRead = Signal<Void>()
            let total = Signal<Int>()
            let handler = TestHandler(decide: { _ in
                .accept(serve: { socket in
                    _ = await mayRead.wait()
                    var count = 0
                    for await event in socket.events { if case .binary(let bytes) = event { count += bytes.count } }
                    total.send(count)
                })
            })
            try await withServer(handler) { port, _ in
                let client = try await Self.upgraded(port)
                let frame = Frame.masked(2, [UInt8](repeating: 7, count: 65_000))
                async let upload: Void = {
                    for _ in 0..<400 { await client.send(frame) }
                    await client.send(Frame.close(1000))
                }()
                mayRead.send(())
                await upload
                #expect(await total.wait() == 400 * 65_000)
            }
        }
    }
}
