import HTTPTypes
import Synchronization
import Testing

@testable import WebServerKit

extension SocketTests {
    @Suite struct HTTPServerTests {
        @Test func pipelinedRequestsAreAnsweredInTheirOrder() async throws {
            let handler = TestHandler(reply: { request in
                // The first of each pair takes longer, which must not let the second overtake it.
                if request.head.path == "/0" { try? await Task.sleep(for: .milliseconds(20)) }
                return .text("\(request.head.method.rawValue) \(request.head.path ?? "")")
            })
            try await withServer(handler) { port, server in
                let client = try await RawClient.connect(port)
                let requests = (0..<5).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined()
                await client.send(
                    requests + "POST /5 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcDELETE /6 HTTP/1.1\r\nHost: h\r\n\r\n")
                for expected in (0..<5).map({ "GET /\($0)" }) + ["POST /5", "DELETE /6"] {
                    let response = await client.receiveResponse()
                    #expect(response.head.hasPrefix("HTTP/1.1 200 OK\r\n") && response.body == expected)
                }
                #expect(server.statistics.requests == 7 && server.statistics.connections == 1)
            }
        }

        @Test func theHandlerSeesTheRequestAsItCame() async throws {
            let handler = TestHandler(reply: { request in
                let fields = request.head.headerFields.map { "\($0.name.canonicalName)=\($0.value)" }.joined(separator: ";")
                return .text("\(request.remoteAddress) \(request.isSecure) \(request.head.authority ?? "") \(fields)")
            })
            try await withServer(handler) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("PATCH / HTTP/1.1\r\nHost: example\r\nX-Odd: a\r\nX-Odd: b\r\n\r\n")
                #expect(await client.receiveResponse().body == "127.0.0.1 false example host=example;x-odd=a;x-odd=b")
            }
        }

        @Test func headAndBodilessStatusesHaveNoBody() async throws {
            let handler = TestHandler(reply: { request in
                request.head.path == "/none" ? WebResponse(status: .noContent, body: .bytes([1])) : .text("hello")
            })
            try await withServer(handler) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send(
                    "HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /none HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
                let head = await client.receiveHead()
                #expect(head.contains("content-length: 5\r\n"))
                let none = await client.receiveHead()
                #expect(none.hasPrefix("HTTP/1.1 204") && !none.contains("content-length"))
                #expect(await client.receiveResponse().body == "hello")
            }
        }

        @Test(arguments: RequestHeadParserTests.malformed) func malformedRequestsAreRefusedAndTheConnectionCloses(
            _ request: MalformedRequest
        )
            async throws
        {
            try await withServer { port, server in
                let client = try await RawClient.connect(port)
                await client.send(request.text)
                let response = String(decoding: await client.receiveToEnd(), as: UTF8.self)
                #expect(response.hasPrefix("HTTP/1.1 \(request.fault.status.code) ") && response.contains("connection: close\r\n"))
                #expect(server.statistics.requests == 0)
            }
        }

        @Test func theServerStaysWhateverIsSent() async throws {
            try await withServer { port, server in
                var random = SeededGenerator(seed: 4)
                let sound = Array("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".utf8)
                for _ in 0..<200 { await (try RawClient.connect(port)).send(random.damage(sound)) }
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                #expect(String(decoding: await client.receiveToEnd(), as: UTF8.self).hasSuffix("hello"))
                #expect(await becomesTrue { server.statistics.connections == 0 })
            }
        }

        @Test func anOldClientGetsACloseOrAKeepAlive() async throws {
            try await withServer { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(await client.receiveResponse().head.contains("connection: keep-alive\r\n"))
                await client.send("GET / HTTP/1.0\r\n\r\n")
                #expect(await client.receiveResponse().head.contains("connection: close\r\n"))
                #expect(await client.receive().isEmpty)
            }
        }

        @Test func aStreamIsSentInChunksAndToOldClientsUntilTheEnd() async throws {
            let handler = TestHandler(reply: { _ in
                let parts = AsyncStream<[UInt8]> { continuation in
                    for part in ["one", "", "two"] { continuation.yield(Array(part.utf8)) }
                    continuation.finish()
                }
                return WebResponse(status: .ok, body: .stream(parts))
            })
            try await withServer(handler) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(await client.receiveHead().contains("transfer-encoding: chunked\r\n"))
                #expect(await client.receive(exactly: 21) == Array("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n".utf8))
                await client.send("GET / HTTP/1.0\r\n\r\n")
                #expect(String(decoding: await client.receiveToEnd(), as: UTF8.self).hasSuffix("\r\n\r\nonetwo"))
            }
        }

        @Test func aHandlersOwnFramingFieldsAreDropped() async throws {
            let handler = TestHandler(reply: { _ in
                WebResponse(
                    status: .ok, headerFields: [.contentLength: "99", .transferEncoding: "chunked"], body: .bytes([0x61]))
            })
            try await withServer(handler) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
                for _ in 0..<2 {
                    let response = await client.receiveResponse()
                    #expect(response.body == "a" && !response.head.contains("99") && !response.head.lowercased().contains("chunked"))
                }
            }
        }

        @Test func aHandlerMayEndTheConnection() async throws {
            let handler = TestHandler(reply: { _ in WebResponse(status: .contentTooLarge, headerFields: [.connection: "close"]) })
            try await withServer(handler) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = String(decoding: await client.receiveToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.hasSuffix("connection: close\r\n\r\n"))
                #expect(answer.split(separator: "HTTP/1.1 ").count == 1)
            }
        }

        @Test func anUpgradeThatIsAskedForStandsInTheConnectionField() async throws {
            let handler = TestHandler(reply: { _ in WebResponse(status: .upgradeRequired, headerFields: [.upgrade: "websocket"]) })
            try await withServer(handler) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                let head = await client.receiveResponse().head.lowercased()
                #expect(head.contains("upgrade: websocket\r\n") && head.contains("connection: upgrade\r\n"))
            }
        }

        @Test func aLostPeerCancelsItsHandler() async throws {
            let started = Signal<Void>()
            let cancelled = Signal<Bool>()
            let handler = TestHandler(reply: { _ in
                started.send(())
                let forever = AsyncStream<Never> { _ in }
                for await _ in forever {}
                cancelled.send(Task.isCancelled)
                return .text("too late")
            })
            try await withServer(handler) { port, _ in
                do {
                    let client = try await RawClient.connect(port)
                    await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    _ = await started.wait()
                }
                #expect(await cancelled.wait() == true)
            }
        }

        @Test func aSlowHandlerDelaysNobodyElse() async throws {
            let release = Signal<Void>()
            let handler = TestHandler(reply: { request in
                if request.head.path == "/slow" { _ = await release.wait() }
                return .text("done")
            })
            try await withServer(handler) { port, _ in
                let slow = try await RawClient.connect(port)
                await slow.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
                let fast = try await RawClient.connect(port)
                for _ in 0..<20 {
                    await fast.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(await fast.receiveResponse().body == "done")
                }
                release.send(())
                #expect(await slow.receiveResponse().body == "done")
            }
        }

        @Test func filesAreSentWholeInPartsOrNotAtAll() async throws {
            let folder = TemporaryFolder()
            let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let path = folder.write("file", content)
            let handler = TestHandler(reply: { request in
                WebResponse(
                    status: .ok, headerFields: [.contentType: "video/mp4"],
                    body: .file(path: request.head.path == "/" ? path : "/nowhere/at/all"))
            })
            try await withServer(handler) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                let head = await client.receiveHead()
                #expect(head.contains("content-length: 300000\r\n") && head.contains("Accept-Ranges: bytes\r\n"))
                #expect(await client.receive(exactly: content.count) == content)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=299990-\r\n\r\n")
                #expect(await client.receiveHead().contains("Content-Range: bytes 299990-299999/300000\r\n"))
                #expect(await client.receive(exactly: 10) == Array(content[299_990...]))
                await client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(await client.receiveHead().contains("content-length: 300000\r\n"))
                let tag = try #require(head.firstRange(of: "ETag: ").map { head[$0.upperBound...].prefix { $0 != "\r\n" && $0 != "\r" } })
                await client.send("GET / HTTP/1.1\r\nHost: h\r\nIf-None-Match: \(tag)\r\n\r\n")
                #expect(await client.receiveHead().hasPrefix("HTTP/1.1 304"))
                await client.send("GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=300000-\r\n\r\n")
                #expect(await client.receiveResponse().head.hasPrefix("HTTP/1.1 416"))
                await client.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(await client.receiveResponse().head.hasPrefix("HTTP/1.1 404"))
            }
        }

        @Test func aFolderIsNoFile() async throws {
            let folder = TemporaryFolder()
            #expect(!canOpen(folder.path) && !canOpen("/dev/null") && !canOpen(folder.path + "/none"))
            #expect(canOpen(folder.write("f", [1])))
        }

        private func canOpen(_ path: String) -> Bool {
            if case .some = OpenFile(path: path) { true } else { false }
        }
    }
}
