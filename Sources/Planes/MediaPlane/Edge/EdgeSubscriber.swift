import Bridge
import BridgeModel
import Forwarding
import RTP
import SDP
import SecureTransport

/// What a connected peer is sent of several streams: one line, and a viewer for each section. It belongs to one media worker.
final class EdgeSubscriber {
    /// What one section is sent.
    struct Place {
        let viewer: EdgeViewer
        let stream: MediaStream
    }

    let line: EdgeLine
    /// Sections whose stream is there, by their mid.
    private(set) var places: [String: Place] = [:]
    /// Of sections that are over.
    private var former = EdgePeerStatistics()

    init(_ line: EdgeLine) { self.line = line }

    /// A section begins.
    func add(_ viewer: EdgeViewer, of stream: MediaStream, as mid: String) { places[mid] = Place(viewer: viewer, stream: stream) }

    /// A section is over: the others have its part of the path.
    func remove(_ mid: String) {
        guard let place = places.removeValue(forKey: mid) else { return }
        former.add(place.viewer)
        place.stream.remove(place.viewer)
        place.viewer.leave()
    }

    /// The peer is over.
    func removeAll() {
        for mid in places.keys { remove(mid) }
    }

    /// Takes an RTCP compound of the peer's that was authentic. Most are about the path, and concern no section by itself.
    func receive(_ compound: UnsafeRawBufferPointer, now: MonotonicTime) {
        for packet in RTCPCompound(compound) {
            line.receive(packet, now: now)
            for place in places.values { place.viewer.receive(packet, now: now) }
        }
    }

    /// Counters since the peer connected.
    var statistics: EdgePeerStatistics { places.values.reduce(into: former) { $0.add($1.viewer) } }
}

/// A viewer whose stream is over.
struct EdgeOrphan {
    /// Held until it is seen to: the viewer does not hold it.
    let peer: EdgePeer
    let viewer: EdgeViewer

    init(_ viewer: EdgeViewer) { (peer, self.viewer) = (viewer.peer, viewer) }
}

extension EdgePeerStatistics {
    /// What a viewer was sent.
    mutating func add(_ viewer: EdgeViewer) {
        let known = viewer.statistics
        for track in known.tracks {
            packetsOut += track.packets + track.retransmissions
            bytesOut += track.bytes
            retransmissions += track.retransmissions
            keyframeRequests += track.keyframeRequests
        }
        packetsDropped += known.dropped + viewer.failures
    }
}

extension EdgeLoop {
    /// A connected peer is sent what was attached to it meanwhile.
    mutating func beginSubscribing(_ peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard let protection = peer.protection else { return }
        let extensions = ExtensionMap(peer.negotiated.sections)
        let isMeasured = extensions[.transportSequence] != nil || extensions[.absoluteSendTime] != nil
        let line = EdgeLine(to: peer, protection: protection, rules: environment.viewerRules, isMeasured: isMeasured)
        peer.media = .subscriber(EdgeSubscriber(line))
        for section in peer.wishes.attached.values { begin(section, of: peer, streams: &streams, ports: &ports, now: now) }
    }

    /// A section of a subscribing peer sends this from now on.
    mutating func attach(
        _ section: EdgeSection, to peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        guard case .subscribe = peer.use else { return }
        detach(section.section.mid, from: peer)
        peer.wishes.attached[section.section.mid] = section
        begin(section, of: peer, streams: &streams, ports: &ports, now: now)
    }

    /// A section of a subscribing peer sends nothing any more.
    func detach(_ mid: String, from peer: EdgePeer) {
        peer.wishes.attached[mid] = nil
        guard case .subscriber(let subscriber) = peer.media else { return }
        subscriber.remove(mid)
    }

    /// The stream of a section is over. Another one may have taken its place since.
    func detach(_ viewer: EdgeViewer, from peer: EdgePeer) {
        guard let mid = viewer.mid, case .subscriber(let subscriber) = peer.media, subscriber.places[mid]?.viewer === viewer else { return }
        detach(mid, from: peer)
    }

    /// Other bounds for a section, kept for when it begins.
    func bound(_ mid: String, of peer: EdgePeer, by bounds: SectionBounds) {
        peer.wishes.attached[mid]?.bounds = bounds
        guard case .subscriber(let subscriber) = peer.media, let place = subscriber.places[mid] else { return }
        place.viewer.bound(by: bounds)
        place.stream.viewers.noteDue(place.viewer)
    }

    /// What waited for this stream begins.
    mutating func beginSections(
        of stream: MediaStream, for peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        guard case .subscriber(let subscriber) = peer.media else { return }
        for section in peer.wishes.attached.values where section.stream == stream.id && subscriber.places[section.section.mid] == nil {
            join(section, of: stream, subscriber, ports: &ports, now: now)
        }
        streams.heed(stream)
    }

    /// The section joins its stream, now or when the stream's home worker has answered; there is nothing to wait for where the stream is not there.
    private mutating func begin(
        _ section: EdgeSection, of peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        guard case .subscriber(let subscriber) = peer.media else { return }
        let home = exchange.home(of: section.stream)
        if let stream = home == exchange.worker ? streams[section.stream] : streams.replicas[section.stream] {
            join(section, of: stream, subscriber, ports: &ports, now: now)
            streams.heed(stream)
        } else if home != exchange.worker {
            streams.replicas.wait(for: section.stream, on: home, peer.id, worker: exchange.worker, ports: &ports)
        }
    }

    private func join(
        _ section: EdgeSection, of stream: MediaStream, _ subscriber: EdgeSubscriber, ports: inout MediaPorts, now: MonotonicTime
    ) {
        let parameters = section.parameters(layout: stream.layout, rules: environment.viewerRules)
        let viewer = EdgeViewer(parameters, over: subscriber.line, section: section.section.mid, stream: stream, now: now)
        viewer.bound(by: section.bounds)
        subscriber.add(viewer, of: stream, as: section.section.mid)
        stream.add(viewer, ports: &ports, now: now)
    }
}

extension EdgeSection {
    fileprivate func parameters(layout: PublishedLayout?, rules: EgressViewerRules) -> EgressViewerParameters {
        let track = section.egressTrack(layout: layout, extensions: ExtensionMap([section]))
        return EgressViewerParameters(
            tracks: [track].compactMap(\.self), canonicalName: section.localSource?.cname ?? "viaduct", rules: rules)
    }
}
