internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

extension [ViewTrack] {
    /// A way in for each track, from its socket.
    func makeLanes(_ sockets: [DatagramSocket]) throws(GStreamerError) -> [ViewFeeder.Lane] {
        var lanes: [ViewFeeder.Lane] = []
        for (track, socket) in zip(self, sockets) {
            let ssrc = UInt32.random(in: 1...UInt32.max)
            let source = try AppSource(caps: track.source.rtpCaps(payloadType: track.payloadType, ssrc: ssrc))
            lanes.append(ViewFeeder.Lane(track: track, ssrc: ssrc, socket: socket, source: source))
        }
        return lanes
    }
}

extension ViewFeeder.Lane {
    /// Links the lane to its media section and catches the viewer's keyframe requests. webrtcbin runs already: a source that started before it
    /// would push into an inactive pad and end for good.
    @discardableResult
    func attach(section: Int, to bin: WebRTCBin, of feeder: ViewFeeder) throws(GStreamerError) -> Pad {
        let caps = try track.source.rtpCaps(payloadType: track.payloadType, ssrc: ssrc)
        let sink = try bin.element.requestPad("sink_\(section)", caps: caps)
        try sink.object("transceiver")?.set(["direction": "sendonly", "do-nack": track.source.kind == .video ? "true" : "false"])
        let out = try source.element.pad("src")
        out.interceptKeyframeRequests { [weak feeder] in feeder?.requestKeyframe(lane: section) }
        try out.link(to: sink)
        try source.element.syncStateWithParent()
        return sink
    }
}
