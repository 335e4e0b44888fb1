import Foundation
import HTTPTypes
import Testing

@testable import WebServerKit

extension SocketTests {
    @Suite struct TLSTests {
        /// A self-signed certificate for localhost, made by the openssl command.
        private static func makeCertificate(in folder: TemporaryFolder, named name: String) throws -> TLSFiles {
            let files = TLSFiles(certificatePath: "\(folder.path)/\(name).crt", keyPath: "\(folder.path)/\(name).key")
            let openssl = Process()
            openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            openssl.arguments =
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=\(name)",
                ]
                + ["-addext", "subjectAltName=DNS:localhost", "-keyout", files.keyPath, "-out", files.certificatePath]
            openssl.standardError = FileHandle.nullDevice
            try openssl.run()
            openssl.waitUntilExit()
            try #require(openssl.terminationStatus == 0)
            return files
        }

        private static func copy(_ source: TLSFiles, to target: TLSFiles, in folder: TemporaryFolder) throws {
            for (from, to) in [(source.certificatePath, target.certificatePath), (source.keyPath, target.keyPath)] {
                _ = try folder.write(
                    #require(to.split(separator: "/").last.map(String.init)), Array(Data(contentsOf: URL(fileURLWithPath: from))))
            }
        }

        private static func echo(_ port: Int, trusting files: TLSFiles) async throws -> WebSocketEvent? {
            let socket = try await WebSocketClient.connect(
                url: "wss://localhost:\(port)/ws", trust: .authorities(path: files.certificatePath))
            socket.send("hello")
            let event = await socket.nextEvent()
            socket.close(code: 1000, reason: "")
            return event
        }

        @Test func webSocketsRunOverTLSAndTheCertificateCanBeReplaced() async throws {
            let folder = TemporaryFolder()
            let first = try Self.makeCertificate(in: folder, named: "first")
            let second = try Self.makeCertificate(in: folder, named: "second")
            let used = TLSFiles(certificatePath: folder.path + "/used.crt", keyPath: folder.path + "/used.key")
            try Self.copy(first, to: used, in: folder)
            let handler = TestHandler(decide: { request in request.isSecure ? .accept(serve: { await $0.echo() }) : .refuse(.text("plain"))
            })
            try await withServer(handler, tls: used) { port, server in
                #expect(try await Self.echo(port, trusting: first) == .text("hello"))
                await #expect(throws: WebServerError.self) { try await Self.echo(port, trusting: second) }
                let old = try await WebSocketClient.connect(
                    url: "wss://localhost:\(port)/", trust: .authorities(path: first.certificatePath))
                try Self.copy(second, to: used, in: folder)
                try await server.reloadCertificate()
                #expect(try await Self.echo(port, trusting: second) == .text("hello"))
                await #expect(throws: WebServerError.self) { try await Self.echo(port, trusting: first) }
                old.send("still here")
                #expect(await old.nextEvent() == .text("still here"))
            }
        }

        @Test func aBrokenCertificateChangesNothing() async throws {
            let folder = TemporaryFolder()
            let sound = try Self.makeCertificate(in: folder, named: "sound")
            let other = try Self.makeCertificate(in: folder, named: "other")
            let used = TLSFiles(certificatePath: folder.path + "/used.crt", keyPath: folder.path + "/used.key")
            try Self.copy(sound, to: used, in: folder)
            try await withServer(tls: used) { port, server in
                try Self.copy(TLSFiles(certificatePath: other.certificatePath, keyPath: sound.keyPath), to: used, in: folder)
                let mismatch = WebServerError.invalidCertificate(certificatePath: used.certificatePath, keyPath: used.keyPath)
                await #expect(throws: mismatch) { try await server.reloadCertificate() }
                _ = folder.write("used.crt", Array("no certificate".utf8))
                await #expect(throws: mismatch) { try await server.reloadCertificate() }
                #expect(try await Self.echo(port, trusting: sound) == .text("hello"))
            }
            let files = TLSFiles(certificatePath: folder.path + "/none", keyPath: folder.path + "/none")
            let server = WebServer(configuration: WebServerConfiguration(tls: files), handler: TestHandler())
            await #expect(throws: WebServerError.invalidCertificate(certificatePath: files.certificatePath, keyPath: files.keyPath)) {
                try await server.start()
            }
        }

        @Test func theNameInTheCertificateIsChecked() async throws {
            let folder = TemporaryFolder()
            let files = try Self.makeCertificate(in: folder, named: "first")
            try await withServer(tls: files) { port, _ in
                await #expect(throws: WebServerError.self) {
                    try await WebSocketClient.connect(url: "wss://127.0.0.1:\(port)/", trust: .authorities(path: files.certificatePath))
                }
            }
        }

        @Test func aLargeResponseAndPlainTextOnATLSPortAreHandled() async throws {
            let folder = TemporaryFolder()
            let files = try Self.makeCertificate(in: folder, named: "first")
            let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let path = folder.write("file", content)
            try await withServer(TestHandler(reply: { _ in WebResponse(status: .ok, body: .file(path: path)) }), tls: files) {
                port, server in
                let plain = try await RawClient.connect(port)
                await plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(!String(decoding: await plain.receiveToEnd(), as: UTF8.self).contains("HTTP/1.1 200"))
                let curl = Process()
                let output = Pipe()
                curl.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
                curl.arguments = ["--silent", "--cacert", files.certificatePath, "https://localhost:\(port)/"]
                curl.standardOutput = output
                try curl.run()
                let received = await withCheckedContinuation { continuation in
                    Thread.detachNewThread { continuation.resume(returning: output.fileHandleForReading.readDataToEndOfFile()) }
                }
                #expect(received == Data(content))
            }
        }
    }
}
