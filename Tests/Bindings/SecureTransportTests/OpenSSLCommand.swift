import Foundation

/// The `openssl` command refused.
struct CommandFailure: Error {
    let status: Int32
    let output: String
}

/// Runs the command-line tool with `input` on its standard input and returns what it prints; a failure status throws.
func openssl(_ arguments: [String], input: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    let (stdin, stdout) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, FileHandle.nullDevice)
    try process.run()
    try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    let output = String(decoding: try stdout.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CommandFailure(status: process.terminationStatus, output: output) }
    return output
}

func withTemporaryFile(_ text: String, _ body: (String) throws -> Void) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("certificate-\(UUID().uuidString).pem")
    try text.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    try body(file.path)
}

/// A new key, P-256 unless other `options` say otherwise, and a certificate that it signed, with a comment of so many octets.
func makeCertificate(
    key options: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], commentLength: Int = 1
) throws -> String {
    let comment = String(repeating: "x", count: commentLength)
    let request = ["req", "-x509", "-sha256", "-nodes", "-subj", "/CN=test", "-days", "2", "-keyout", "-"]
    return try openssl(request + ["-addext", "nsComment=\(comment)", "-newkey"] + options, input: "")
}

/// The `openssl` command while it runs, its output and errors in one text.
final class RunningCommand {
    private let process = Process()
    private let (input, printed) = (Pipe(), Pipe())
    private var text = ""

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        (process.standardInput, process.standardOutput, process.standardError) = (input, printed, printed)
        try process.run()
    }

    deinit { stop() }

    /// What it has printed when a line with `marker` is complete, when it ends, or when it has been silent for ten seconds.
    func output(until marker: String) throws -> String {
        while text.range(of: "\(marker)[^\n]*\n", options: .regularExpression) == nil {
            var descriptors = pollfd(fd: printed.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptors, 1, 10_000) > 0 else { break }
            let chunk = printed.fileHandleForReading.availableData
            guard !chunk.isEmpty else { break }
            text += String(decoding: chunk, as: UTF8.self)
        }
        return text
    }

    func closeInput() { try? input.fileHandleForWriting.close() }

    func stop() {
        guard process.isRunning else { return }
        kill(process.processIdentifier, SIGKILL)  // Its SIGTERM may be blocked, as it was in the process that started it.
        process.waitUntilExit()
    }
}
