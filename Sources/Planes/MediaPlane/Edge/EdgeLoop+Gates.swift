import BridgeModel

// Tracks that are muted where they come in.
extension EdgeLoop {
    /// A publisher's track goes to its viewers, or to nobody.
    mutating func forward(
        _ track: UInt8, of peer: EdgePeer, _ isForwarded: Bool, ports: inout MediaPorts, now: MonotonicTime
    ) {
        if isForwarded { peer.wishes.closed.remove(track) } else { peer.wishes.closed.insert(track) }
        guard case .publisher(let publisher) = peer.media, let layout = publisher.stream.layout else { return }
        publisher.stream.forward(layout.encodings(of: track), isForwarded, ports: &ports, now: now)
        touch(publisher.stream)
    }
}

extension MediaStream {
    /// Takes packets of these of the hub's tracks from now on, or takes none.
    func forward(_ tracks: [UInt8], _ isForwarded: Bool, ports: inout MediaPorts, now: MonotonicTime) {
        for track in tracks.map(Int.init) where sources.indices.contains(track) && sources[track].isForwarded != isForwarded {
            sources[track].forward(isForwarded)
            if isForwarded { requestKeyframe(of: track, ports: &ports, now: now) }
        }
    }
}
