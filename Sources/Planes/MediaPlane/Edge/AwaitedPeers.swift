import BridgeModel
import PeerTransport
import Synchronization

/// `EarlyChecks` of all workers. The engine notes a peer before its offer can leave, so that no check comes before the note; a command in the worker's
/// mailbox might be read after it. Workers ask only about fragments that they do not know.
final class AwaitedPeers: Sendable {
    private let checks: Mutex<EarlyChecks>

    /// For at most `capacity` peers at a time.
    init(capacity: Int) { checks = Mutex(EarlyChecks(capacity: capacity)) }

    func expect(_ credentials: IceCredentials) { checks.withLock { $0.expect(credentials) } }

    /// The peer will not open.
    func forget(_ ufrag: LocalUfrag) { checks.withLock { $0.forget(ufrag) } }

    func credentials(of ufrag: LocalUfrag) -> IceCredentials? { checks.withLock { $0.credentials(of: ufrag) } }

    /// See `EarlyChecks.keep`.
    func keep(
        _ datagram: UnsafeRawBufferPointer, of ufrag: LocalUfrag, on tuple: FiveTuple, receiver: Int?, now: MonotonicTime
    ) -> Bool {
        checks.withLock { $0.keep(datagram, of: ufrag, on: tuple, receiver: receiver, now: now) }
    }

    /// See `EarlyChecks.take`.
    func take(_ ufrag: LocalUfrag, now: MonotonicTime) -> [EarlyChecks.Check] { checks.withLock { $0.take(ufrag, now: now) } }
}
