import Bridge
import BridgeModel
import BridgeTesting
import SDP
import Synchronization

/// An engine whose peers do what a test says.
final class FakeEdge: EdgePeers {
    enum Call: Equatable {
        case prepare(EdgePeerUse)
        case open(PeerID)
        case publish(PeerID)
        case limit(PeerID, LayerBounds, track: UInt8)
        case restart(PeerID)
        case close(PeerID)
        case attach(mid: String, StreamID, PeerID)
        case detach(String, PeerID)
        case bound(String, PeerID, SectionBounds)
        case forward(UInt8, PeerID, Bool)
        case reportLevels(PeerID)
    }

    static let endpoint = EdgeEndpoint(
        ufrag: "ours", password: Redacted("ourpasswordourpassword"), fingerprints: [Sample.identity.fingerprint],
        candidates: [
            LocalCandidate(address: "127.0.0.1", port: 8189), LocalCandidate(address: "127.0.0.1", port: 8189, transport: .tcpPassive),
        ])

    private struct State {
        var isFull = false
        var peers: [PeerID: (negotiated: NegotiatedPeer, events: AsyncStream<EdgePeerEvent>.Continuation)] = [:]
    }

    private let figures: EdgeTotals
    private let journal = Journal<Call>()
    private let attached = Journal<EdgeSection>()
    private let state = Mutex(State())

    /// `totals`: what it says of itself.
    init(totals: EdgeTotals = EdgeTotals()) { figures = totals }

    var calls: [Call] { journal.all }
    /// No peer more is taken.
    var isFull: Bool {
        get { state.withLock(\.isFull) }
        set { state.withLock { $0.isFull = newValue } }
    }

    func negotiated(_ peer: PeerID) -> NegotiatedPeer? { state.withLock { $0.peers[peer]?.negotiated } }

    func say(_ event: EdgePeerEvent, of peer: PeerID) {
        let events = state.withLock { $0.peers[peer]?.events }
        events?.yield(event)
        if case .ended = event { events?.finish() }
    }

    func prepare(_ peer: PeerID, for use: EdgePeerUse) throws(BridgeError) -> EdgeEndpoint {
        guard !isFull else { throw BridgeError(.limitReached, "Full.") }
        journal.note(.prepare(use))
        return Self.endpoint
    }

    func open(_ peer: PeerID, as negotiated: NegotiatedPeer) -> AsyncStream<EdgePeerEvent> {
        journal.note(.open(peer))
        let (stream, events) = AsyncStream<EdgePeerEvent>.makeStream()
        state.withLock { $0.peers[peer] = (negotiated, events) }
        return stream
    }

    func publish(_ peer: PeerID) { journal.note(.publish(peer)) }

    func limit(_ peer: PeerID, to bounds: LayerBounds, ofTrack track: UInt8) { journal.note(.limit(peer, bounds, track: track)) }

    func restart(_ peer: PeerID) async -> EdgeEndpoint? {
        journal.note(.restart(peer))
        return negotiated(peer) == nil ? nil : Self.endpoint
    }

    func close(_ peer: PeerID) {
        journal.note(.close(peer))
        say(.ended(nil), of: peer)
    }

    func statistics(of peer: PeerID) async -> EdgePeerStatistics? { nil }
    func totals() async -> EdgeTotals { figures }
}

extension FakeEdge: EdgeSubscribers {
    func attach(_ section: EdgeSection, to peer: PeerID) {
        journal.note(.attach(mid: section.section.mid, section.stream, peer))
        attached.note(section)
    }

    func detach(_ mid: String, from peer: PeerID) { journal.note(.detach(mid, peer)) }
    func bound(_ mid: String, of peer: PeerID, by bounds: SectionBounds) { journal.note(.bound(mid, peer, bounds)) }
    func forward(_ track: UInt8, of publisher: PeerID, _ isForwarded: Bool) { journal.note(.forward(track, publisher, isForwarded)) }
    func reportLevels(of publisher: PeerID) { journal.note(.reportLevels(publisher)) }

    /// All sections that were attached, in order.
    var sections: [EdgeSection] { attached.all }
}
