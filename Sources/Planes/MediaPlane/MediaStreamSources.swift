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
    func publish(_ layout: PublishedLayout, from peer: EdgePeer, ports: inout MediaPorts, now: MonotonicTime) {
        useExtensions(of: layout)
        replaceSources(layout.tracks, layout.inOrder(of: self.layout), ports: &ports, now: now) { _, _ in .peer(peer) }
    }

    /// Viewers find header extensions where the publisher puts them.
    func useExtensions(of layout: PublishedLayout) {
        for viewer in viewers.viewers {
            viewer.setSourceExtensions(layout.parameters.extensions, trackCount: layout.tracks.count)
        }
    }

    /// A peer has left: its tracks stay without packets until another source takes their place, or the stream is unpublished.
    func lose(_ peer: EdgePeer) {
        for track in sources.indices where sources[track].isFrom(.peer(peer.id)) { sources[track].origin = .absent(peer.id) }
    }

    /// Takes the stream's first sources, or other ones.
    func replaceSources(
        _ tracks: [TrackDescription], _ layout: PublishedLayout? = nil, ports: inout MediaPorts, now: MonotonicTime,
        origin: (Int, inout MediaPorts) -> MediaSource.Origin
    ) {
        // The replicas get what they have to get of the former sources.
        feedReplicas(ports: &ports, now: now)
        let replaced = sources
        let followed = encodings.count
        closeSources(ports: &ports)
        self.layout = layout
        cache.grow(toTrackCount: tracks.count)
        layers = StreamLayers(trackCount: tracks.count)
        for (index, track) in tracks.enumerated() {
            var description = track
            description.index = UInt8(clamping: index)
            let old = replaced.indices.contains(index) ? replaced[index] : nil
            addSource(description, origin: origin(index, &ports), replacing: old)
        }
        useEncodings()
        // What the new source sends means nothing to the sinks of a track that is gone or has another codec.
        endSinks(.atOnce) { sink in
            let track = Int(sink.egress.track)
            guard sources.indices.contains(track), replaced.indices.contains(track) else { return !replaced.isEmpty }
            return sources[track].description.codec != replaced[track].description.codec
        }
        endViewers(of: replaced.prefix(followed), ports: &ports)
        tellReplicas(ports: &ports)
        pump(ports: &ports, now: now)
        // Of a peer's what it sent before it was let in is looked at first, and a replica's are asked by its home worker.
        guard layout == nil, replication.home == nil, !sinks.isEmpty || !viewers.isEmpty || replication.hasFollowers else { return }
        requestMissingKeyframes(ports: &ports, now: now)
    }

    /// Asks for a keyframe of each track of which none has come: its sizes and layers are not known either. Of the others none is asked for: a browser
    /// that begins at a low rate leaves frames out for a second keyframe.
    func requestMissingKeyframes(ports: inout MediaPorts, now: MonotonicTime) {
        for track in sources.indices where cache.keyframeStart(of: UInt8(track)) == nil {
            requestKeyframe(of: track, ports: &ports, now: now)
        }
    }

    /// Stops reading, closes the sources' sockets and forgets them: what is left of the stream is its cache.
    func closeSources(ports: inout MediaPorts) {
        for source in sources {
            if case .child(let socket, let token?) = source.origin { ports.forget(socket.descriptor, token: token) }
        }
        sources = []
        layout = nil
    }

    /// Viewers of a track that is gone or has another codec cannot go on. Lesser encodings come and go.
    private func endViewers(of replaced: ArraySlice<MediaSource>, ports: inout MediaPorts) {
        let isChanged = zip(replaced, sources).contains { $0.description.codec != $1.description.codec } || replaced.count > encodings.count
        guard isChanged else { return }
        for viewer in viewers.viewers { ports.edge.orphans.append(EdgeOrphan(viewer)) }
    }

    private func addSource(_ description: TrackDescription, origin: MediaSource.Origin, replacing old: MediaSource?) {
        let index = sources.count
        cache.breakGOP(of: UInt8(index))
        if memory.nextEpochs.count <= index { memory.nextEpochs.append(0) }
        if let old { memory.nextEpochs[index] = old.epoch &+ 1 }
        sources.append(
            MediaSource(
                description, origin: origin, replacing: old, firstEpoch: memory.nextEpochs[index],
                keyframeInterval: options.keyframeInterval))
    }
}
