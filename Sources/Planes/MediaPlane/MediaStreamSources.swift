import Bridge
import BridgeModel
import Forwarding
import LinuxIO

extension MediaStream {
    /// Takes the stream's first sources, or replaces the ones it has. Sinks whose track keeps its codec stay and go on from the new source's first
    /// keyframe; the others end.
    func publish(_ tracks: [TrackDescription], from descriptors: [MediaDescriptor], ports: inout MediaPorts, now: MonotonicTime) {
        // Descriptors without a track, and tracks that are not in order, are a bug of the caller's; nothing leaks by it.
        for descriptor in descriptors.dropFirst(tracks.count) { closeDescriptor(descriptor.rawValue) }
        let sockets = descriptors.prefix(tracks.count).map { DatagramSocket(descriptor: $0.rawValue) }
        replaceSources(Array(tracks.prefix(sockets.count)), ports: &ports, now: now) { index, ports in
            .child(sockets[index], token: ports.open(sockets[index].descriptor, owner: .source(self, track: index)))
        }
    }

    /// The same with the tracks of a peer.
    func publish(_ tracks: [TrackDescription], from peer: EdgePeer, ports: inout MediaPorts, now: MonotonicTime) {
        replaceSources(tracks, ports: &ports, now: now) { _, _ in .peer(peer) }
    }

    private func replaceSources(
        _ tracks: [TrackDescription], ports: inout MediaPorts, now: MonotonicTime,
        origin: (Int, inout MediaPorts) -> MediaSource.Origin
    ) {
        let replaced = sources
        closeSources(ports: &ports)
        cache.grow(toTrackCount: tracks.count)
        layers = StreamLayers(trackCount: tracks.count)
        for (index, track) in tracks.enumerated() {
            var description = track
            description.index = UInt8(clamping: index)
            let old = replaced.indices.contains(index) ? replaced[index] : nil
            addSource(description, origin: origin(index, &ports), replacing: old)
        }
        // What the new source sends means nothing to the sinks of a track that is gone or has another codec.
        endSinks(.atOnce) { sink in
            let track = Int(sink.egress.track)
            guard sources.indices.contains(track), replaced.indices.contains(track) else { return !replaced.isEmpty }
            return sources[track].description.codec != replaced[track].description.codec
        }
        pump(ports: &ports, now: now)
        guard !sinks.isEmpty || !viewers.isEmpty else { return }
        for track in sources.indices { requestKeyframe(of: track, ports: &ports, now: now) }
    }

    /// Stops reading and closes the sources' sockets.
    func closeSources(ports: inout MediaPorts) {
        for source in sources {
            if case .child(let socket, let token?) = source.origin { ports.forget(socket.descriptor, token: token) }
        }
        sources = []
    }

    private func addSource(_ description: TrackDescription, origin: MediaSource.Origin, replacing old: MediaSource?) {
        let track = sources.count
        cache.breakGOP(of: UInt8(track))
        var ingress = IngressTrack(description)
        if let old { ingress = IngressTrack(description, epoch: old.ingress.epoch &+ 1, continuing: old.ingress.statistics) }
        let gate = KeyframeGate(interval: options.keyframeInterval)
        sources.append(MediaSource(description, origin: origin, ingress: ingress, gate: gate))
    }
}
