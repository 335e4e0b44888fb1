import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import Testing

/// TLS against a server that is not ours: Python's, with a certificate made by the openssl tool.
@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    private let folder: TestFolder
    private let server: PythonTLSServer

    init() throws {
        folder = try TestFolder()
        server = try PythonTLSServer(folder: folder.path, name: "hooks.example")
    }

    private func attempt(_ host: String, trusting: Bool = true) async throws -> AttemptOutcome {
        let resolver = FixedResolver(["hooks.example": [Addresses.loopback], "other.example": [Addresses.loopback]])
        let rules = AddressRules(allow: ["127.0.0.1"])
        return try await routes(folder, rules: rules, resolver: resolver, trustRoots: trusting ? [server.certificate] : [])
            .attempt(Rows.webhook(url: "https://\(host):\(server.port)/"))
    }

    @Test func theServerNameIsTheHostThoughTheAddressIsConnected() async throws {
        #expect(try await attempt("hooks.example") == .replied(status: 200, retryAfter: nil))
        #expect(try server.names() == ["hooks.example"])
    }

    @Test func aCertificateOfAnotherNameIsRefused() async throws {
        #expect(try await attempt("other.example") == .failed(.untrusted))
    }

    @Test func aCertificateOfNoKnownAuthorityIsRefused() async throws {
        #expect(try await attempt("hooks.example", trusting: false) == .failed(.untrusted))
    }

    @Test func aServerThatSpeaksNoTLSIsLeft() async throws {
        let plain = try TestServer(.hang)
        let rules = AddressRules(allow: ["127.0.0.1"])
        let outcome = try await routes(folder, rules: rules, limit: .milliseconds(500)).attempt(
            Rows.webhook(url: "https://127.0.0.1:\(plain.port)/"))
        #expect(outcome == .failed(.timedOut))
    }

    @Test func unreadableTrustRootsAreRefused() {
        #expect(throws: BridgeError.self) {
            try EgressClient(rules: AddressRules(), resolver: FixedResolver([:]), connectTimeout: .seconds(1), trustRoots: ["/nowhere.pem"])
        }
    }
}

/// `http.server` behind `ssl`; writes each server name that a client asks for into a file. It ends when its standard input does: with this process,
/// however that ends.
private final class PythonTLSServer: Sendable {
    private static let script = """
        import http.server, os, ssl, sys, threading
        certificate, key, names = sys.argv[1:]
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
            def log_message(self, *_): pass
        def note(socket, name, context):
            with open(names, "a") as file: file.write(f"{name}\\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.sni_callback = note
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        def end_with_input():
            sys.stdin.buffer.read()
            os._exit(0)
        threading.Thread(target=end_with_input, daemon=True).start()
        print(server.server_address[1], flush=True)
        server.serve_forever()
        """

    let port: UInt16
    let certificate: String
    private let namesFile: String
    private let process: Process
    /// Nothing is written to it.
    private let input = Pipe()

    init(folder: String, name: String) throws {
        certificate = folder + "/certificate.pem"
        namesFile = folder + "/names"
        let key = folder + "/key.pem"
        let openssl = try Self.start(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
                "-addext", "subjectAltName=DNS:\(name)", "-keyout", key, "-out", certificate,
            ])
        openssl.waitUntilExit()
        let output = Pipe()
        process = try Self.start("python3", ["-c", Self.script, certificate, key, namesFile], input: input, output: output)
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    deinit {
        process.terminate()
    }

    func names() throws -> [String] {
        try String(contentsOfFile: namesFile, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private static func start(_ tool: String, _ arguments: [String], input: Pipe? = nil, output: Pipe? = nil) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool] + arguments
        process.standardError = FileHandle.nullDevice
        process.standardInput = input ?? FileHandle.nullDevice
        process.standardOutput = output ?? FileHandle.nullDevice
        try process.run()
        return process
    }
}
