import HTTPTypes
import Synchronization
import Testing

@testable import WebServerKit

@Suite struct RequestBodyTests {
    private static let collecting = TestHandler(reply: { request in
        do throws(WebBodyError) {
            return .text("\(try await request.body.collect(upTo: 1000).count)")
        } catch {
            return .text("\(error)", status: error == .malformed ? .badRequest : .contentTooLarge)
        }
    })

    @Test func bodiesOfBothFramingsAreCollected() async throws {
        try await withServer(Self.collecting) { port, _ in
            let client = try await RawClient.connect(port)
            await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")
            await client.send([UInt8](repeating: 1, count: 1000))
            #expect(await client.receiveResponse().body == "1000")
            await client.send("DELETE / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
            await client.send("3\r\ncde\r\n0\r\n\r\n")
            #expect(await client.receiveResponse().body == "5")
            await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(await client.receiveResponse().body == "0")
        }
    }

    @Test func aDeclaredLengthAboveTheLimitIsRefusedBeforeItIsSent() async throws {
        try await withServer(Self.collecting) { port, _ in
            let client = try await RawClient.connect(port)
            await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n")
            let response = await client.receiveResponse()
            #expect(response.head.hasPrefix("HTTP/1.1 413") && response.head.contains("connection: close\r\n"))
            #expect(await client.receive().isEmpty)
        }
    }

    @Test func aRefusalReachesAClientThatIsStillSending() async throws {
        try await withServer(Self.collecting) { port, _ in
            let client = try await RawClient.connect(port)
            await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n")
            await client.send([UInt8](repeating: 1, count: 4_000_000))
            #expect(await client.receiveResponse().head.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test func chunksAboveTheLimitAreRefused() async throws {
        try await withServer(Self.collecting) { port, _ in
            let client = try await RawClient.connect(port)
            await client.send("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n")
            await client.send([UInt8](repeating: 1, count: 0x400))
            let response = await client.receiveResponse()
            #expect(response.head.hasPrefix("HTTP/1.1 413") && response.head.contains("connection: close\r\n"))
        }
    }

    @Test(arguments: ["x\r\n", "2\r\nabc\r\n", "ffffffffffffffffffff\r\n", "1\r\na\n"])
    func malformedChunksAreToldToTheHandler(text: String) async throws {
        try await withServer(Self.collecting) { port, _ in
            let client = try await RawClient.connect(port)
            await client.send("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + text)
            let response = await client.receiveResponse()
            #expect(response.head.hasPrefix("HTTP/1.1 400") && response.head.contains("connection: close\r\n") && response.body == "malformed")
        }
    }

    @Test func aClientThatAsksGets100OnlyWhenItsBodyIsRead() async throws {
        let handler = TestHandler(reply: { request in
            guard request.head.path == "/read" else { return .text("no", status: .unauthorized) }
            let body = try? await request.body.collect()
            return .text("\(body?.count ?? -1)")
        })
        try await withServer(handler) { port, _ in
            let reader = try await RawClient.connect(port)
            await reader.send("PUT /read HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            #expect(await reader.receiveHead() == "HTTP/1.1 100 Continue\r\n\r\n")
            await reader.send("abc")
            #expect(await reader.receiveResponse().body == "3")
            let refused = try await RawClient.connect(port)
            await refused.send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            let head = await refused.receiveHead()
            #expect(head.hasPrefix("HTTP/1.1 401") && head.contains("connection: close\r\n"))
        }
    }

    @Test func aBodyIsReadOnlyAsFastAsItsReader() async throws {
        let total = 32 * 1024 * 1024
        let sent = ByteCounter()
        let mayRead = Signal<Void>()
        let handler = TestHandler(reply: { request in
            _ = await mayRead.wait()
            var count = 0
            do {
                for try await part in request.body { count += part.count }
            } catch {
                return .text("\(error)")
            }
            return .text("\(count)")
        })
        try await withServer(handler) { port, _ in
            let client = try await RawClient.connect(port)
            await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: \(total)\r\n\r\n")
            async let sending: Void = Self.send(total, to: client, counting: sent)
            // The system's buffers and ours take some megabytes; then the sender has to wait, and its count stands still.
            var before = -1
            while sent.value != before {
                before = sent.value
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(before < total / 2)
            mayRead.send(())
            await sending
            #expect(await client.receiveResponse().body == "\(total)")
        }
    }

    private static func send(_ total: Int, to client: RawClient, counting sent: ByteCounter) async {
        for _ in 0..<(total / 65_536) {
            await client.send([UInt8](repeating: 1, count: 65_536))
            sent.add(65_536)
        }
    }

    @Test func aLostPeerEndsTheBody() async throws {
        let outcome = Signal<WebBodyError?>()
        let handler = TestHandler(reply: { request in
            do throws(WebBodyError) {
                _ = try await request.body.collect()
                outcome.send(nil)
            } catch {
                outcome.send(error)
            }
            return .text("")
        })
        try await withServer(handler) { port, _ in
            await (try RawClient.connect(port)).send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
            #expect(await outcome.wait() == .lost)
        }
    }

    @Test func aHandlersTestCanMakeABody() async throws {
        #expect(try await WebBody([1, 2, 3]).collect() == [1, 2, 3])
        #expect(try await WebBody.empty.collect(upTo: 0).isEmpty)
        await #expect(throws: WebBodyError.tooLarge(limit: 2)) { try await WebBody([1, 2, 3]).collect(upTo: 2) }
    }
}

private final class ByteCounter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func add(_ bytes: Int) { count.withLock { $0 += bytes } }
}
