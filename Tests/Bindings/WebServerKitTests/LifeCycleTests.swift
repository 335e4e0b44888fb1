import Foundation
import Glibc
import HTTPTypes
import Testing

@testable import WebServerKit

extension SocketTests {
    @Suite struct LifeCycleTests {
        @Test func aShutdownLetsResponsesFinishAndClosesTheRest() async throws {
            let started = Signal<Void>()
            let release = Signal<Void>()
            let handler = TestHandler(reply: { request in
                guard request.head.path == "/slow" else { return .text("hello") }
                started.send(())
                _ = await release.wait()
                return .text("finished")
            })
            let server = WebServer(configuration: WebServerConfiguration(), handler: handler)
            let port = try await server.start()
            let idle = try await RawClient.connect(port)
            await idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(await idle.receiveResponse().body == "hello")
            let socket = try await SocketTests.WebSocketServerTests.upgraded(port)
            let busy = try await RawClient.connect(port)
            await busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = await started.wait()
            async let ended: Void = server.shutdown(grace: .seconds(10))
            #expect(await idle.receive().isEmpty)
            await #expect(throws: RawClient.CannotConnect.self) { try await RawClient.connect(port) }
            release.send(())
            #expect(await busy.receiveResponse().body == "finished")
            #expect(await socket.receive(exactly: 4) == [0x88, 26, 0x03, 0xE9])
            await socket.send(Frame.close(1001))
            await ended
        }

        @Test func aHandlerThatOutlastsTheGraceIsCutOff() async throws {
            let started = Signal<Void>()
            let cancelled = Signal<Void>()
            let handler = TestHandler(reply: { _ in
                let endless = AsyncStream<Never> { _ in }
                started.send(())
                for await _ in endless {}
                cancelled.send(())
                return .text("too late")
            })
            var limits = WebServerLimits()
            limits.closeTimeout = .milliseconds(100)
            let server = WebServer(configuration: WebServerConfiguration(limits: limits), handler: handler)
            let client = try await RawClient.connect(try await server.start())
            await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = await started.wait()
            await server.shutdown(grace: .milliseconds(50))
            #expect(await client.receiveToEnd().isEmpty)
            #expect(await cancelled.wait() != nil)
        }

        @Test func whatCannotBeListenedOnIsSaid() async throws {
            let taken = try ListeningSocket(address: "127.0.0.1", port: 0)
            let second = WebServer(configuration: WebServerConfiguration(port: taken.port), handler: TestHandler())
            let error = await #expect(throws: WebServerError.self) { try await second.start() }
            #expect(error == .cannotListen(address: "127.0.0.1", port: taken.port, reason: "Address already in use"))
            taken.close()
            for configuration in [WebServerConfiguration(bindAddress: "localhost"), WebServerConfiguration(port: 70_000)] {
                let server = WebServer(configuration: configuration, handler: TestHandler())
                await #expect(throws: WebServerError.invalidAddress(configuration.bindAddress)) { try await server.start() }
            }
        }

        @Test func aServerIsStartedOnceAndShutDownOnce() async throws {
            let server = WebServer(configuration: WebServerConfiguration(), handler: TestHandler())
            await #expect(throws: WebServerError.notInThisState) { try await server.reloadCertificate() }
            _ = try await server.start()
            await #expect(throws: WebServerError.notInThisState) { try await server.start() }
            await #expect(throws: WebServerError.tlsNotConfigured) { try await server.reloadCertificate() }
            await server.shutdown(grace: .zero)
            await server.shutdown(grace: .zero)
            await #expect(throws: WebServerError.notInThisState) { try await server.start() }
        }

        @Test func bothFamiliesAreServedWithTheirOwnAddress() async throws {
            let handler = TestHandler(reply: { .text($0.remoteAddress) })
            let server = WebServer(configuration: WebServerConfiguration(bindAddress: "::"), handler: handler)
            let client = try await RawClient.connect(try await server.start())
            await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(await client.receiveResponse().body == "127.0.0.1")
            await server.shutdown(grace: .zero)
        }

        /// In a process of its own, where nothing else opens descriptors and takes memory.
        @Test func descriptorsAndMemoryReturn() async {
            await #expect(processExitsWith: .success) {
                // The first server warms up what the libraries keep open for themselves; the runtime's timers have descriptors, too.
                try await withServer { port, _ in try await Self.sendMuch(port) }
                try await Task.sleep(for: .milliseconds(1))
                let before = OwnProcess.openFiles
                try await withServer { port, server in
                    try await Self.sendMuch(port)
                    try #require(await becomesTrue { server.statistics.connections == 0 }, "connections stay")
                    let memory = OwnProcess.residentBytes
                    for _ in 0..<12 { try await Self.sendMuch(port) }
                    try #require(await becomesTrue { server.statistics.connections == 0 }, "connections stay")
                    // 24 MB of bodies and unfinished messages have come and gone; what stays is the allocator's slack.
                    let grown = OwnProcess.residentBytes - memory
                    try #require(grown < 10 * 1024 * 1024, "\(grown) bytes more than before")
                }
                try #require(
                    await becomesTrue { OwnProcess.openFiles.count <= before.count },
                    "more is open than before: \(OwnProcess.openFiles.filter { before[$0.key] != $0.value })")
            }
        }

        /// Ten bodies and ten messages that do not end, of 100 kB each.
        private static func sendMuch(_ port: Int) async throws {
            let body = [UInt8](repeating: 1, count: 100_000)
            for _ in 0..<10 {
                let client = try await RawClient.connect(port)
                await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.count)\r\n\r\n")
                await client.send(body)
                _ = await client.receiveResponse()
                let socket = try await SocketTests.WebSocketServerTests.upgraded(port)
                await socket.send(Frame.masked(2, body, final: false))
            }
        }
    }
}

/// What this process holds.
private enum OwnProcess {
    /// What each open descriptor refers to; without the timers of the runtime, which it makes when it first needs each of their kinds.
    static var openFiles: [Int32: String] {
        var files: [Int32: String] = [:]
        for descriptor in Int32(0)..<4096 where fcntl(descriptor, F_GETFD) >= 0 {
            let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")) ?? ""
            if target != "anon_inode:[timerfd]" { files[descriptor] = target }
        }
        return files
    }

    static var residentBytes: Int {
        guard let file = OpenFileText.read("/proc/self/statm") else { return 0 }
        return (file.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(getpagesize())
    }
}

/// Reads files of /proc, which have no length.
private enum OpenFileText {
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = max(0, Glibc.read(descriptor, buffer.baseAddress, 4096))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
