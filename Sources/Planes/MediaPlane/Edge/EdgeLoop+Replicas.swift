import Bridge
import BridgeModel
import Forwarding

// Peers of this worker that watch streams of other ones.
extension EdgeLoop {
    /// A connected peer begins to watch, now or as soon as the stream's home worker has answered.
    mutating func beginWatching(
        _ id: StreamID, by peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        let home = exchange.home(of: id)
        if let stream = home == exchange.worker ? streams[id] : streams.replicas[id] {
            watch(stream, by: peer, streams: &streams, ports: &ports, now: now)
        } else if home == exchange.worker {
            refuse(peer, streams: &streams, ports: &ports, now: now)
        } else {
            streams.replicas.wait(for: id, on: home, peer.id, worker: exchange.worker, ports: &ports)
        }
    }

    /// The home worker of a stream that is watched here says something.
    mutating func take(
        _ update: ReplicaUpdate, of link: ReplicaLink, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        switch update {
        case .began(let snapshot):
            guard let (stream, waiting) = streams.replicas.begin(link, from: snapshot, ports: &ports, now: now) else { return }
            for peer in waiting.compactMap({ peer($0) }) {
                guard case .watch = peer.use else {
                    beginSections(of: stream, for: peer, streams: &streams, ports: &ports, now: now)
                    continue
                }
                watch(stream, by: peer, streams: &streams, ports: &ports, now: now)
            }
        case .packets(let parcel):
            link.took(parcel.byteCount)
            guard let stream = streams.replicas.stream(of: link) else { return }
            stream.take(parcel)
            touch(stream)
        case .source(let source):
            guard let stream = streams.replicas.stream(of: link) else { return }
            stream.follow(source, ports: &ports, now: now)
            streams.heed(stream)
        case .layout(let layout): streams.replicas.stream(of: link)?.follow(layout)
        case .over:
            for peer in streams.replicas.end(link, ports: &ports).compactMap({ peer($0) }) {
                guard case .watch = peer.use else { continue }
                refuse(peer, streams: &streams, ports: &ports, now: now)
            }
        }
    }

    private mutating func watch(
        _ stream: MediaStream, by peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        guard let protection = peer.protection else { return }
        let parameters = peer.negotiated.viewerParameters(layout: stream.layout, rules: environment.viewerRules)
        let isMeasured = parameters.tracks.contains(where: \.reportsBandwidth)
        let line = EdgeLine(to: peer, protection: protection, rules: environment.viewerRules, isMeasured: isMeasured)
        let viewer = EdgeViewer(parameters, over: line, stream: stream, now: now)
        for (track, bounds) in peer.wishes.choices { viewer.limit(to: bounds, ofTrack: track) }
        peer.media = .viewer(viewer, stream)
        stream.add(viewer, ports: &ports, now: now)
        streams.heed(stream)
    }

    private mutating func refuse(_ peer: EdgePeer, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        peer.closingReason = BridgeError(.notFound, "the stream is not published; watch it when it is")
        close(peer, streams: &streams, ports: &ports, now: now)
    }
}
