import HTTPTypes
import Testing

@testable import WebServerKit

extension SocketTests {
    @Suite struct ServerLimitTests {
        private func limits(_ change: (inout WebServerLimits) -> Void) -> WebServerLimits {
            var limits = WebServerLimits()
            change(&limits)
            return limits
        }

        @Test func anIdleConnectionIsClosed() async throws {
            try await withServer(limits: limits { $0.idleTimeout = .milliseconds(100) }) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(await client.receiveResponse().body == "hello")
                #expect(await client.receive().isEmpty)
            }
        }

        @Test func aHeadThatDoesNotEndIsAnswered408() async throws {
            try await withServer(limits: limits { $0.requestTimeout = .milliseconds(100) }) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("GET / HTTP/1.1\r\nHost:")
                #expect(String(decoding: await client.receiveToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 408 "))
            }
        }

        @Test func aBodyThatStopsIsLost() async throws {
            let handler = TestHandler(reply: { request in
                (try? await request.body.collect()) == nil ? .text("lost", status: .requestTimeout) : .text("whole")
            })
            try await withServer(handler, limits: limits { $0.requestTimeout = .milliseconds(100) }) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
                #expect(await client.receiveResponse().body == "lost")
            }
        }

        @Test func aClientThatWaitsForOur100IsNotLost() async throws {
            let release = Signal<Void>()
            let handler = TestHandler(reply: { request in
                _ = await release.wait()
                return (try? await request.body.collect()) == nil ? .text("lost") : .text("whole")
            })
            try await withServer(handler, limits: limits { $0.requestTimeout = .milliseconds(40) }) { port, _ in
                let client = try await RawClient.connect(port)
                await client.send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
                // The same limit ends this one, so it has passed when the other is answered.
                let stalled = try await RawClient.connect(port)
                await stalled.send("GET / HTTP/1.1\r\n")
                #expect(await stalled.receiveHead().hasPrefix("HTTP/1.1 408 "))
                release.send(())
                #expect(await client.receiveHead() == "HTTP/1.1 100 Continue\r\n\r\n")
                await client.send("abc")
                #expect(await client.receiveResponse().body == "whole")
            }
        }

        @Test func aReaderThatTakesNothingIsDropped() async throws {
            let handler = TestHandler(reply: { _ in
                let endless = AsyncStream<[UInt8]>(unfolding: { [UInt8](repeating: 0x61, count: 65_536) })
                return WebResponse(status: .ok, body: .stream(endless))
            })
            try await withServer(handler, limits: limits { $0.slowReaderTimeout = .milliseconds(200) }) { port, server in
                let client = try await RawClient.connect(port, receiveBuffer: 4096)
                await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = await client.receiveHead()
                #expect(await becomesTrue { server.statistics.connections == 0 })
            }
        }

        @Test func connectionsAboveTheLimitOfAnAddressAreAnswered503() async throws {
            try await withServer(limits: limits { $0.connectionsPerAddress = 2 }) { port, server in
                var admitted: [RawClient] = []
                for _ in 0..<2 {
                    let client = try await RawClient.connect(port)
                    await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(await client.receiveResponse().body == "hello")
                    admitted.append(client)
                }
                let refused = try await RawClient.connect(port)
                await refused.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(String(decoding: await refused.receiveToEnd(), as: UTF8.self).hasPrefix("HTTP/1.1 503 "))
                #expect(server.statistics.refusals == 1)
                admitted.removeAll()
                #expect(await becomesTrue { server.statistics.connections == 0 })
                let late = try await RawClient.connect(port)
                await late.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(await late.receiveResponse().body == "hello")
            }
        }

        @Test func admissionCountsByAddressAndInAll() {
            var admission = Admission(
                limits: limits {
                    $0.connectionsPerAddress = 1
                    $0.connections = 2
                })
            #expect(admission.verdict(on: "a", open: 0) == .admit)
            admission.enter("a")
            #expect(admission.verdict(on: "a", open: 1) == .refuse && admission.verdict(on: "b", open: 1) == .admit)
            admission.enter("a")
            #expect(admission.verdict(on: "a", open: 2) == .drop && admission.verdict(on: "b", open: 2) == .refuse)
            #expect(admission.verdict(on: "b", open: 4) == .drop)
            admission.leave("a")
            admission.leave("a")
            admission.leave("a")
            #expect(admission.verdict(on: "a", open: 0) == .admit)
        }
    }
}
