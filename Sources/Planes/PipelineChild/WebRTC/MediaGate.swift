internal import BridgeModel
internal import GStreamerKit
internal import Synchronization

/// Decides whether media may pass: only after the peer's certificate was seen to match its SDP (RFC 8827 section 6.5, RFC 8122 section 6.2).
///
/// The certificate is judged inside the DTLS handshake, before there are keys. A refusal is for good. Read from streaming threads without a lock.
final class MediaGate: Sendable {
    private enum State: UInt8, AtomicRepresentable {
        case waiting, verified, refused
    }

    private let fingerprints: Mutex<[Fingerprint]>
    private let state = Atomic(State.waiting)
    private let transportIsUp = Atomic(false)

    /// `fingerprints` are those of the peer's description; a camera learns them with the answer.
    init(fingerprints: [Fingerprint]) { self.fingerprints = Mutex(fingerprints) }

    /// The digests that the peer's certificate must match one of. Set before its description is applied.
    func expect(_ fingerprints: [Fingerprint]) { self.fingerprints.withLock { $0 = fingerprints } }

    /// Judges a certificate; false when it is none of the announced ones. A certificate that changes later is judged again.
    func judge(certificatePEM: String) -> Bool {
        let isKnown = fingerprints.withLock { announced in
            announced.contains { fingerprint in
                CertificateDigest.fingerprint(ofPEM: certificatePEM, algorithm: fingerprint.algorithm.lowercased())
                    == fingerprint.value.uppercased()
            }
        }
        if isKnown {
            _ = state.compareExchange(expected: .waiting, desired: .verified, ordering: .acquiringAndReleasing)
        } else {
            state.store(.refused, ordering: .releasing)
        }
        return isKnown
    }

    /// Notes whether ICE and DTLS are up.
    func setTransportUp(_ isUp: Bool) { transportIsUp.store(isUp, ordering: .releasing) }

    /// True when media may come in.
    var isOpen: Bool { state.load(ordering: .acquiring) == .verified }

    /// True when media may go out and would arrive.
    var canSend: Bool { isOpen && transportIsUp.load(ordering: .acquiring) }
}
