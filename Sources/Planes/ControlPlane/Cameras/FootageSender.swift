package import Bridge
package import BridgeModel
internal import FoundationEssentials
internal import LinuxIO
internal import Logging

/// Brings what a camera recorded by itself to its bridge while it is live again, the oldest file first and one at a time, no faster than its live picture
/// goes. A file is removed when the bridge has it as a recording, durably; what a camera that ends leaves undone is done by the next.
package actor FootageSender {
    /// What it sends, and how.
    package struct Terms: Sendable {
        /// That of `OfflineRecorder.Terms`.
        package var folder: String
        package var stream: StreamID
        /// bit/s
        package var rate: Int
        /// The SHA-256 of a file, lower-case hexadecimal.
        package var digest: @Sendable (_ path: String) async throws -> String
        /// The exchange of a file of this hash and size; throws what keeps it from being made.
        package var exchange: @Sendable (_ sha256: String, _ size: Int64) throws -> FootageExchange
        package var http: any OutgoingCalls

        package init(
            folder: String, stream: StreamID, rate: Int, digest: @escaping @Sendable (_ path: String) async throws -> String,
            exchange: @escaping @Sendable (_ sha256: String, _ size: Int64) throws -> FootageExchange, http: any OutgoingCalls
        ) {
            self.folder = folder
            self.stream = stream
            self.rate = rate
            self.digest = digest
            self.exchange = exchange
            self.http = http
        }
    }

    private static let interval = Duration.seconds(3)
    private static let longestPause = Duration.seconds(60)
    private static let pieceBytes = 256 * 1024
    /// One piece and its reply.
    private static let patience = Duration.seconds(30)

    private let terms: Terms
    private let clock: BridgeClock
    private let logger: Logger
    /// Whether media gets through now.
    private let isLive: @Sendable () async -> Bool
    /// Files that the bridge will not take; the next start asks again.
    private var refused: Set<String> = []

    package init(_ terms: Terms, services: CameraDirector.Services, isLive: @escaping @Sendable () async -> Bool) {
        self.terms = terms
        clock = services.clock
        logger = services.logger
        self.isLive = isLive
    }

    /// Until its task is cancelled.
    package func run() async {
        var pause = Self.interval
        while !Task.isCancelled {
            guard (try? await clock.sleep(clock.now().advanced(by: pause))) != nil else { return }
            pause = Self.interval
            guard await isLive(), let path = next() else { continue }
            do {
                if let wish = try await send(path) { pause = min(Self.longestPause, max(pause, wish)) }
            } catch {
                logger.warning(
                    "a file recorded here cannot be sent now and is tried again", metadata: ["file": "\(path)", "reason": "\(error)"])
                pause = Self.longestPause
            }
        }
    }

    /// The oldest complete file: names begin with their times.
    private func next() -> String? {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: terms.folder)) ?? []
        let paths = names.filter { PartName(fileName: String($0.split(separator: "/").last ?? "")) != nil }.sorted()
        return paths.map { "\(terms.folder)/\($0)" }.first { path in
            !refused.contains(path) && (try? ReadableFile(path: path)).map { !$0.isBeingWritten && $0.size > 0 } ?? false
        }
    }

    /// Sends one file, or what of it the bridge does not have; returns how long to wait when it is not done.
    private func send(_ path: String) async throws -> Duration? {
        let file = try ReadableFile(path: path)
        let exchange = try terms.exchange(try await terms.digest(path), Int64(file.size))
        var (offset, bytes): (Int64, [UInt8]) = (0, [])
        while !Task.isCancelled, await isLive() {
            let begun = clock.now()
            let reply = try await terms.http.call(exchange.request(offset: offset, bytes: bytes), within: Self.patience).get()
            switch exchange.word(of: reply, now: clock.wall()) {
            case .wants(let from):
                let sent = bytes.count
                (offset, bytes) = (from, file.read(at: UInt64(from), count: Self.pieceBytes))
                // It wants more than there is: the file is not what it was.
                guard !bytes.isEmpty else { return Self.longestPause }
                try? await clock.pause(pause(after: sent, since: begun))
            case .taken(let recording):
                remove(path)
                logger.notice(
                    "a file recorded here is a recording of the bridge now", metadata: ["file": "\(path)", "recording": "\(recording)"])
                return nil
            case .refused(let reason):
                refused.insert(path)
                logger.error(
                    "the bridge does not take a file recorded here; it stays", metadata: ["file": "\(path)", "reason": "\(reason)"])
                return nil
            case .later(let wish, let reason):
                logger.warning("a file recorded here is sent later", metadata: ["file": "\(path)", "reason": "\(reason)"])
                return wish ?? Self.longestPause / 6
            }
        }
        return nil
    }

    /// What is left of the time that so many bytes may take.
    private func pause(after bytes: Int, since begun: MonotonicTime) -> Duration {
        let time = Duration.milliseconds(bytes * 8 * 1000 / max(1, terms.rate))
        return max(.zero, time - clock.now().duration(since: begun))
    }

    private func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        guard folder != terms.folder, (try? FileManager.default.contentsOfDirectory(atPath: folder))?.isEmpty == true else { return }
        try? FileManager.default.removeItem(atPath: folder)
    }
}
