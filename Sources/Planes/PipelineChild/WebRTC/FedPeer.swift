internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// A WebRTC transport that sends the hub's RTP: what viewers and conferences elsewhere have in common. Lives on the GLib loop.
actor FedPeer {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let peer: WebRTCPeer
    nonisolated let feeder: ViewFeeder

    private let context: RunnerContext
    private var reader: DatagramReader?

    /// Has a lane for each track, from the context's sockets, in order.
    init(
        _ tracks: [ViewTrack], identity: DTLSIdentity, ice: IceSettings, gate: MediaGate, context: RunnerContext,
        patience: WebRTCPeer.Patience = WebRTCPeer.Patience()
    ) throws(GStreamerError) {
        let feeder = ViewFeeder(lanes: try tracks.makeLanes(context.media), gate: gate)
        self.feeder = feeder
        var context = context
        context.events = EventSink { [events = context.events, weak feeder] event in
            events(event)
            if event == .connected { feeder?.requestMissedKeyframes() }
        }
        self.context = context
        loop = context.loop
        peer = try WebRTCPeer(identity: identity, ice: ice, gate: gate, context: context, patience: patience)
        try peer.pipeline.add(feeder.lanes.map(\.source.element))
    }

    /// Links the lanes, tells the description that `describe` makes, and lets packets in. `prepare` is given each lane and its pad of webrtcbin.
    func start(
        prepare: @Sendable (ViewFeeder.Lane, Pad) throws -> Void = { _, _ in },
        describe: @Sendable (WebRTCPeer) async throws -> String
    ) async throws {
        try await peer.play()
        for (section, lane) in feeder.lanes.enumerated() {
            try prepare(lane, try lane.attach(section: section, to: peer.bin, of: feeder))
        }
        let description = try await describe(peer)
        let (feeder, pipeline) = (feeder, WeakPipeline(peer.pipeline))
        reader = try DatagramReader(sockets: context.media) { lane, header, packet in
            feeder.take(header, packet, lane: lane, baseTime: pipeline.value?.element.baseTime)
        }
        context.events(.localDescription(sdp: description))
        context.events(.started)
    }

    /// Takes everything down.
    func stop() async {
        reader?.stop()
        reader = nil
        await peer.tearDown()
    }
}
