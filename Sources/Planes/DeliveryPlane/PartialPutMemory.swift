internal import Bridge
internal import BridgeModel
internal import Synchronization

/// Which WebDAV servers were found to take no files in parts, so that not every recording finds it out again. For a while only: servers change.
final class PartialPutMemory: Sendable {
    private struct Finding {
        /// The server does not know parts; else something went wrong when it was tried.
        var isLasting: Bool
        var end: ContinuousClock.Instant
    }

    private static let lasting: Duration = .seconds(3600)
    private static let pause: Duration = .seconds(30)
    /// Servers that are remembered.
    private static let places = 256

    private let findings = Mutex<[String: Finding]>([:])

    /// Whether the server was found to take no parts.
    func excludes(_ server: WebDAVDestination) -> Bool { finding(server)?.isLasting ?? false }

    /// Whether it is too early to try the server again, where nothing depends on it.
    func pauses(_ server: WebDAVDestination) -> Bool { finding(server) != nil }

    func note(_ server: WebDAVDestination, isLasting: Bool) {
        let now = ContinuousClock.now
        findings.withLock { findings in
            findings = findings.filter { $0.value.end > now }
            if findings.count >= Self.places { findings = [:] }
            findings[server.url.revealed] = Finding(isLasting: isLasting, end: now + (isLasting ? Self.lasting : Self.pause))
        }
    }

    private func finding(_ server: WebDAVDestination) -> Finding? {
        let finding = findings.withLock { $0[server.url.revealed] }
        return finding.flatMap { $0.end > .now ? $0 : nil }
    }
}
