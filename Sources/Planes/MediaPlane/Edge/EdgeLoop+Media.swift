import Bridge
import BridgeModel
import Forwarding
import PeerTransport
import RTP
import SDP
import SecureTransport

extension EdgeLoop {
    /// A peer connected: it begins to watch, or waits until its tracks may enter the hub.
    mutating func beginMedia(of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard peer.protection != nil else { return }
        switch peer.use {
        case .publish: peer.media = .awaited(EarlyMedia())
        case .watch(let id): beginWatching(id, by: peer, streams: &streams, ports: &ports, now: now)
        case .subscribe: beginSubscribing(peer, streams: &streams, ports: &ports, now: now)
        }
    }

    /// The tracks of a connected publisher enter the hub, with what it has sent meanwhile.
    mutating func publish(_ peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard case .publish(let id) = peer.use, case .awaited(let early) = peer.media else { return }
        let layout = PublishedLayout(peer.negotiated, localSSRC: environment.ssrc(of: peer.index))
        let stream = streams.publish(id, layout: layout, from: peer, ports: &ports, now: now)
        let publisher = EdgePublisher(layout, stream: stream)
        peer.media = .publisher(publisher)
        for track in peer.wishes.closed { stream.forward(layout.encodings(of: track), false, ports: &ports, now: now) }
        tellDropped(early, of: peer)
        early.takeAll { packet, isControl, arrival in publisher.receive(packet, isControl: isControl, ports: &ports, now: arrival) }
        stream.requestMissingKeyframes(ports: &ports, now: now)
        touch(peer)
        touch(stream)
        finishTurn(streams: &streams, ports: &ports, now: now)
    }

    /// A peer is over: what it watched goes on without it; what it sent waits for another source, or to be unpublished.
    func endMedia(of peer: EdgePeer) {
        switch peer.media {
        case .none: break
        case .awaited(let early): tellDropped(early, of: peer)
        case .publisher(let publisher): publisher.stream.lose(peer)
        case .viewer(let viewer, let stream): stream.remove(viewer)
        case .subscriber(let subscriber): subscriber.removeAll()
        }
        peer.media = .none
    }

    private func tellDropped(_ early: EarlyMedia, of peer: EdgePeer) {
        if early.dropped > 0 { peer.events.yield(.earlyMediaDropped(packets: early.dropped)) }
    }

    /// Hands the hub's wishes for keyframes to their publishers.
    mutating func serveKeyframeRequests(ports: inout MediaPorts, now: MonotonicTime) {
        guard !ports.edge.keyframeRequests.isEmpty else { return }
        for (peer, track) in ports.edge.keyframeRequests {
            guard case .publisher(let publisher) = peer.media else { continue }
            publisher.requestKeyframe(of: track, now: now)
            sendControl(of: peer, ports: &ports, now: now)
        }
        ports.edge.keyframeRequests.removeAll(keepingCapacity: true)
    }

    /// Closes the peers whose stream is over, or is no longer what they negotiated; of a peer with several streams only the section ends. The reason counts: their sessions may hear of the end here
    /// before anybody else ends them, and would take it for a lost connection.
    mutating func closeOrphans(streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        while let orphan = ports.edge.orphans.popLast() {
            let peer = orphan.peer
            guard orphan.viewer.mid == nil else {
                detach(orphan.viewer, from: peer)
                continue
            }
            peer.closingReason = BridgeError(.notFound, "the watched stream has ended")
            close(peer, streams: &streams, ports: &ports, now: now)
        }
    }

    /// Sends what a publisher is to be told now, and notes when there will be more.
    mutating func sendControl(of peer: EdgePeer, ports: inout MediaPorts, now: MonotonicTime) {
        guard case .publisher(let publisher) = peer.media, let protection = peer.protection else { return }
        if let path = peer.mediaPath(now: now) {
            ports.edge.begin(path)
            while let slot = ports.edge.slot() {
                let room = UnsafeMutableRawBufferPointer(rebasing: slot[..<EdgePublisher.controlCapacity])
                let plain = publisher.writeControl(into: room, now: now)
                guard plain > 0, let size = try? protection.protectRTCP(UnsafeRawBufferPointer(rebasing: slot[..<plain]), into: slot)
                else { break }
                ports.edge.commit(size)
            }
        }
        controlDeadline = MonotonicTime.earlier(controlDeadline, publisher.deadline(now: now))
    }

    /// The same for all publishers, when the time of one has come.
    mutating func sendDueControl(ports: inout MediaPorts, now: MonotonicTime) {
        guard let due = controlDeadline, now >= due else { return }
        controlDeadline = nil
        for peer in peers {
            guard let peer, case .publisher = peer.media else { continue }
            sendControl(of: peer, ports: &ports, now: now)
        }
        // What cannot be written now, for lack of a path, is not asked for at once again.
        controlDeadline = controlDeadline.map { max($0, now.advanced(by: Self.controlGranularity)) }
    }

    private static let controlGranularity: Duration = .milliseconds(5)
}

extension NegotiatedPeer {
    /// What a viewer is sent of a stream whose publisher negotiated `layout`, or is a child.
    func viewerParameters(layout: PublishedLayout?, rules: EgressViewerRules) -> EgressViewerParameters {
        let extensions = ExtensionMap(sections)
        let tracks = sections.compactMap { $0.egressTrack(layout: layout, extensions: extensions) }
        let name = sections.lazy.compactMap { $0.localSource?.cname }.first ?? "viaduct"
        return EgressViewerParameters(tracks: tracks, canonicalName: name, rules: rules)
    }
}

extension NegotiatedSection {
    /// What is sent in the section of a stream whose publisher negotiated `layout`, or is a child; nil where nothing is.
    func egressTrack(layout: PublishedLayout?, extensions: ExtensionMap) -> EgressTrackParameters? {
        guard direction.sends, let track = trackIndex, let source = localSource else { return nil }
        let encodings = layout.map { $0.encodings(of: track) } ?? []
        var parameters = EgressTrackParameters(
            codec: format.codec, encodings: encodings.isEmpty ? [track] : encodings, payloadType: format.payloadType, ssrc: source.ssrc,
            extensions: extensions)
        parameters.mainEncoding = track
        if !takesSpatialLayers { parameters.highestSpatialLayer = 0 }
        parameters.sourceExtensions = layout?.parameters.extensions ?? ExtensionMap()
        parameters.mid = ExtensionToken(mid)
        parameters.answersNACK = format.feedback.contains(.nack)
        if let payloadType = format.rtxPayloadType, let ssrc = source.rtx {
            parameters.retransmission = RetransmissionFormat(payloadType: payloadType, ssrc: ssrc)
        }
        return parameters
    }
}
