import BridgeModel
import Forwarding

extension MediaStream {
    /// A connected peer begins to watch.
    func add(_ viewer: EdgeViewer, ports: inout MediaPorts, now: MonotonicTime) {
        viewers.append(viewer)
        pumpViewers(ports: &ports, now: now)
    }

    /// A peer watches no more.
    func remove(_ viewer: EdgeViewer) {
        viewers.removeAll { $0 === viewer }
        guard viewers.isEmpty, sinks.isEmpty else { return }
        for track in sources.indices { sources[track].gate.cancel() }
    }

    /// Brings every viewer as near to the live edge as its pacer and the port let it. When the port is full, those that were not served come first
    /// the next time.
    func pumpViewers(ports: inout MediaPorts, now: MonotonicTime) {
        guard !viewers.isEmpty else { return }
        viewerDeadline = nil
        var wanted = TrackSet()
        for _ in viewers.indices {
            if nextViewer >= viewers.count { nextViewer = 0 }
            let viewer = viewers[nextViewer]
            guard viewer.pump(self, port: &ports.edge, now: now) else { break }
            nextViewer += 1
            wanted.formUnion(viewer.takeKeyframeRequests())
            viewerDeadline = MonotonicTime.earlier(viewerDeadline, viewer.deadline)
        }
        for track in wanted { requestKeyframe(of: Int(track), ports: &ports, now: now) }
    }

    /// The clock's share: layers are measured, and viewers whose time has come choose theirs.
    func adaptViewers(now: MonotonicTime) {
        guard !viewers.isEmpty else { return }
        layers.update(now: now)
        for viewer in viewers { viewer.adapt(to: self, now: now) }
    }
}
