internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// Whom a server's certificate may be from.
enum Trust {
    /// The system's authorities (the package ca-certificates).
    private static let system = "/etc/ssl/certs/ca-certificates.crt"
    private static let largest = 4 << 20

    /// Trusts those in the PEM file at `path` besides the system's: in this process, for as long as the result is kept, since it is read by each
    /// connection.
    static func add(authorities path: String) throws -> MemoryFile {
        guard let own = read(path) else {
            throw BridgeError(.pushUnavailable, "The file \(path) of webhooks.trust cannot be read; check its name and who may read it.")
        }
        // GLib takes one file.
        let file = try MemoryFile(own + [0x0A] + (read(system) ?? []))
        try TrustedAuthorities.set(pem: file.path)
        return file
    }

    /// GLib does not say what it is about a certificate, nor what to do about it.
    static func explained(_ text: String) -> String {
        guard text.contains("TLS certificate") else { return text }
        let reasons = "out of date, of another name, or from an authority that is not trusted here"
        return "\(text): the server's certificate is \(reasons); correct it there, or name the authority's file in webhooks.trust."
    }

    private static func read(_ path: String) -> [UInt8]? {
        (try? ReadableFile(path: path, followingLinks: true))?.read(at: 0, count: largest)
    }
}
