package import BridgeModel
package import SDP

/// Which tracks the sections of a subscribing peer carry: one offer at a time, and what changes before its answer goes into the next one.
///
/// A section stays in its place for the life of the peer. That of a dead track is empty in the next offer, and free for another one when the peer has
/// agreed to that: so it never has to take one track for another. A section that the peer refused is lost, and so is its track for this peer.
package struct SubscriberSections: Sendable {
    /// What a track is sent from.
    package struct Source: Sendable, Equatable {
        package var track: OfferedTrack
        package var stream: StreamID

        package init(_ track: OfferedTrack, of stream: StreamID) {
            self.track = track
            self.stream = stream
        }
    }

    /// An answer's meaning.
    package struct Agreement: Sendable {
        /// Nil when the peer takes nothing of all.
        package var peer: NegotiatedPeer?
        /// What is to be sent that was not sent before.
        package var begun: [(track: RoomTrackID, section: EdgeSection)]
        /// What the peer does not take.
        package var refused: [RoomTrackID]
    }

    private var description: BridgeOffer
    /// What is to be sent, the oldest first.
    private var wanted: [(id: RoomTrackID, source: Source)] = []
    /// What the sections carry, as offered last.
    private var carried: [String: RoomTrackID] = [:]
    /// Those of them that were agreed on.
    private var agreed: Set<String> = []
    /// Empty sections, and whether the peer has agreed to that.
    private var empty: [String: (kind: MediaKind, isAgreed: Bool)] = [:]
    private var usedSources: Set<UInt32> = [0]
    /// The newest offer has no answer yet.
    package private(set) var awaitsAnswer = false

    package init(policy: NegotiationPolicy) { description = BridgeOffer(policy: policy) }

    /// What the newest offer carries, by section.
    package var tracks: [String: RoomTrackID] { carried }

    /// Sends a track from the next offer on.
    package mutating func add(_ id: RoomTrackID, from source: Source) {
        guard !wanted.contains(where: { $0.id == id }) else { return }
        wanted.append((id, source))
    }

    /// Sends a track no more. Its section, if it has one where media flows.
    package mutating func remove(_ id: RoomTrackID) -> String? {
        wanted.removeAll { $0.id == id }
        return section(of: id)
    }

    /// Where a track flows.
    package func section(of id: RoomTrackID) -> String? { carried.first { $0.value == id && agreed.contains($0.key) }?.key }

    /// The next offer when something has changed and the one before was answered; nil else. Tracks that have no room in a description stay out of it.
    package mutating func offer(using random: inout some RandomNumberGenerator) -> BridgeOffer? {
        guard !awaitsAnswer else { return nil }
        let before = carried
        for (mid, id) in before where !wanted.contains(where: { $0.id == id }) { stop(mid) }
        let known = Set(carried.values)
        for (id, source) in wanted where !known.contains(id) { place(id, source, using: &random) }
        guard carried != before else { return nil }
        awaitsAnswer = true
        return description
    }

    /// Takes the answer to the newest offer. Throws as `BridgeOffer.accept`; then the offer stands for another answer.
    package mutating func accept(_ answer: String) throws(SDPError) -> Agreement {
        let peer: NegotiatedPeer?
        do throws(SDPError) {
            peer = try description.accept(answer)
        } catch .nothingAccepted {
            peer = nil
        }
        awaitsAnswer = false
        for mid in empty.keys { empty[mid]?.isAgreed = true }
        var agreement = Agreement(peer: peer, begun: [], refused: [])
        for (mid, id) in carried where !agreed.contains(mid) {
            guard let section = peer?.section(mid: mid), section.direction.sends else {
                lose(mid, refusing: peer?.section(mid: mid) == nil)
                agreement.refused.append(id)
                continue
            }
            agreed.insert(mid)
            guard let stream = wanted.first(where: { $0.id == id })?.source.stream else { continue }
            agreement.begun.append((id, EdgeSection(section, of: stream)))
        }
        return agreement
    }

    private mutating func stop(_ mid: String) {
        guard let kind = description.kind(ofSection: mid) else { return }
        carried[mid] = nil
        agreed.remove(mid)
        _ = description.stop(mid: mid)
        empty[mid] = (kind, false)
    }

    /// What the peer does not take is not offered again.
    private mutating func lose(_ mid: String, refusing: Bool) {
        guard let id = carried.removeValue(forKey: mid), let kind = description.kind(ofSection: mid) else { return }
        wanted.removeAll { $0.id == id }
        if refusing { return description.refuse(mid: mid) }
        _ = description.stop(mid: mid)
        empty[mid] = (kind, true)
    }

    private mutating func place(_ id: RoomTrackID, _ source: Source, using random: inout some RandomNumberGenerator) {
        let kind = source.track.description.kind
        let media = MediaSource(
            ssrc: fresh(&random), rtx: kind == .video ? fresh(&random) : nil, cname: source.track.identity?.stream ?? "viaduct")
        let free = empty.filter { $0.value.kind == kind && $0.value.isAgreed }.keys.min { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
        if let mid = free, (try? description.send(source.track, source: media, in: mid)) == true {
            empty[mid] = nil
            carried[mid] = id
        } else if let mid = try? description.send(source.track, source: media) {
            carried[mid] = id
        }
    }

    private mutating func fresh(_ random: inout some RandomNumberGenerator) -> UInt32 {
        while true {
            let ssrc = UInt32.random(in: 1...UInt32.max, using: &random)
            if usedSources.insert(ssrc).inserted { return ssrc }
        }
    }
}
