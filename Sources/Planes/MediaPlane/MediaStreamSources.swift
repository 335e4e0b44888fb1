import Bridge
import BridgeModel
import Forwarding
import LinuxIO

extension MediaStream {
    /// Takes the stream's first sources, or replaces the ones it has. Sinks whose track keeps its codec stay and go on from the new source's first
    /// keyframe; the others end.
    func publish(_ tracks: [TrackDescription], from descriptors: [MediaDescriptor], ports: inout MediaPorts, now: MonotonicTime) {
        let replaced = sources
        closeSources(ports: &ports)
        cache.grow(toTrackCount: tracks.count)
        // Descriptors without a track, and tracks that are not in order, are a bug of the caller's; nothing leaks by it.
        for descriptor in descriptors.dropFirst(tracks.count) { closeDescriptor(descriptor.rawValue) }
        for (index, (track, descriptor)) in zip(tracks, descriptors).enumerated() {
            var description = track
            description.index = UInt8(index)
            let old = replaced.indices.contains(index) ? replaced[index] : nil
            addSource(description, descriptor: descriptor, replacing: old, ports: &ports)
        }
        // What the new source sends means nothing to the sinks of a track that is gone or has another codec.
        endSinks(.atOnce) { sink in
            let track = Int(sink.egress.track)
            guard sources.indices.contains(track), replaced.indices.contains(track) else { return !replaced.isEmpty }
            return sources[track].description.codec != replaced[track].description.codec
        }
        pump(ports: &ports, now: now)
        guard !sinks.isEmpty else { return }
        for track in sources.indices { requestKeyframe(of: track, ports: &ports, now: now) }
    }

    /// Stops reading and closes the sources' sockets.
    func closeSources(ports: inout MediaPorts) {
        for source in sources {
            if let token = source.token { ports.forget(source.socket.descriptor, token: token) }
        }
        sources = []
    }

    private func addSource(
        _ description: TrackDescription, descriptor: MediaDescriptor, replacing old: MediaSource?, ports: inout MediaPorts
    ) {
        let track = sources.count
        cache.breakGOP(of: UInt8(track))
        var ingress = IngressTrack(description)
        if let old { ingress = IngressTrack(description, epoch: old.ingress.epoch &+ 1, continuing: old.ingress.statistics) }
        var source = MediaSource(
            description, socket: DatagramSocket(descriptor: descriptor.rawValue), ingress: ingress,
            gate: KeyframeGate(interval: options.keyframeInterval))
        source.token = ports.open(descriptor.rawValue, owner: .source(self, track: track))
        sources.append(source)
    }
}
