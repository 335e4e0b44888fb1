package import Logging
internal import Synchronization

/// What the outbox takes from the world around it.
package struct OutboxEnvironment: Sendable {
    /// What due times are measured with.
    package var clock: any OutboxClock
    /// Hears of each attempt, by ids, scheme and host only.
    package var logger: Logger
    /// Makes ids and jitter.
    package var generator: any RandomNumberGenerator & Sendable

    /// By default the system's clock and randomness.
    package init(
        logger: Logger, clock: any OutboxClock = SystemOutboxClock(),
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.logger = logger
        self.clock = clock
        self.generator = generator
    }
}

/// One generator that is shared behind a lock.
final class SharedGenerator: RandomNumberGenerator, Sendable {
    private struct Base: Sendable {
        var generator: any RandomNumberGenerator & Sendable
    }

    private let base: Mutex<Base>

    init(_ generator: any RandomNumberGenerator & Sendable) { base = Mutex(Base(generator: generator)) }

    func next() -> UInt64 { base.withLock { $0.generator.next() } }
}
