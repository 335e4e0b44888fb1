internal import Bridge
internal import BridgeModel
internal import Logging
internal import Synchronization

/// What a recording has to tell the ledger, in its order. A ledger that is busy is tried again at once; one that stays away, as on a full disk, does
/// not hold the recording up: what waits is tried until it is stored.
actor RecordingCommits {
    /// Reads what is to be written at the time, for what depends on rows of others.
    typealias Work = @Sendable () async throws(BridgeError) -> Void

    private let clock: BridgeClock
    private let logger: Logger
    private let metadata: Logger.Metadata
    private let unstored: UnstoredRecordings
    private var waiting: [Work] = []
    private var worker: Task<Void, Never>?

    /// How often whoever commits waits for the ledger.
    private static let attempts = 10
    private static let pause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(15)

    init(_ services: RecordingServices, metadata: Logger.Metadata) {
        clock = services.clock
        logger = services.logger
        unstored = services.unstored
        self.metadata = metadata
    }

    /// Returns when it is stored, or left to be stored later.
    func commit(_ work: @escaping Work) async {
        // What came before is stored first.
        guard worker == nil else { return waiting.append(work) }
        for attempt in 1...Self.attempts {
            do throws(BridgeError) {
                return try await work()
            } catch {
                if attempt == 1 { complain(error) }
                if attempt < Self.attempts { try? await clock.pause(Self.pause) }
            }
        }
        waiting.append(work)
        unstored.add(1)
        worker = Task { await storeWaiting() }
    }

    /// Returns when nothing waits any more.
    func finish() async { await worker?.value }

    private func storeWaiting() async {
        var pause = Self.pause
        while let next = waiting.first {
            do throws(BridgeError) {
                try await next()
                waiting.removeFirst()
                pause = Self.pause
            } catch {
                try? await clock.pause(pause)
                pause = min(pause * 2, Self.longestPause)
            }
        }
        worker = nil
        unstored.add(-1)
        logger.notice("the state of a recording is stored again", metadata: metadata)
    }

    private func complain(_ error: BridgeError) {
        logger.error(
            "a recording's state cannot be stored and is tried until it can: make room on the disk of data.folder",
            metadata: metadata.adding("error", error.description))
    }
}

/// How many recordings wait for the ledger to take their state.
package final class UnstoredRecordings: Sendable {
    private let value = Atomic(0)

    /// How many there are now.
    package var count: Int { value.load(ordering: .relaxed) }

    func add(_ more: Int) { value.add(more, ordering: .relaxed) }
}
