import PeerTransport

/// A peer's whole life: checks, handshake records and reports, media, lost connections, restarts and time, chosen by the input (`PeerWalk`), under the
/// eyes of the oracle of the unit tests. The input is also read as a USERNAME.
func fuzzPeerTransport(_ bytes: UnsafeRawBufferPointer) {
    if let fault = PeerWalk.play(bytes) {
        print(fault)
        preconditionFailure("an invariant is broken")
    }
    guard let ufrag = LocalUfrag(username: bytes) else { return }
    precondition(bytes.starts(with: ufrag.text.utf8))
    precondition((0..<LocalUfrag.workerLimit).contains(ufrag.worker))
}
