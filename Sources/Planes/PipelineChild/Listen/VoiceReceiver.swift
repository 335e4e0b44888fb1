internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// One voice: a transport that only receives, and what decodes it. Lives on the GLib loop.
struct VoiceReceiver {
    /// Not every server takes candidates after the answer, and a relay's takes two round trips to its server. A living server is heard of every five
    /// seconds; who is silent for longer than two of them is gone.
    private static let patience = WebRTCPeer.Patience(gathering: .seconds(3), silence: .seconds(12))

    private let peer: WebRTCPeer
    private let offer: VoiceOffer

    /// `deliver` gets samples of `SoundDecoder.caps` and when they came (CLOCK_MONOTONIC, ns), on a streaming thread; it must not wait.
    init(
        _ offer: VoiceOffer, of plan: ListenPlan, context: RunnerContext,
        deliver: @escaping @Sendable (_ samples: [UInt8], _ time: UInt64) -> Void
    ) throws(GStreamerError) {
        let gate = MediaGate(fingerprints: offer.fingerprints)
        let peer = try WebRTCPeer(identity: plan.identity, ice: offer.ice, gate: gate, context: context, patience: Self.patience)
        let pipeline = WeakPipeline(peer.pipeline)
        peer.bin.element.onPadAdded { pad in
            do {
                try Self.decode(pad, offer.track.codec, gate: gate, in: pipeline, deliver: deliver)
            } catch {
                HostFacts.logLine("viaduct-pipeline: a voice cannot be heard: \(error)")
            }
        }
        self.peer = peer
        self.offer = offer
    }

    /// The answer to its offer.
    func answer() async throws -> String {
        try await peer.play()
        try peer.bin.addReceiver(offer.track.rtpCaps(payloadType: offer.track.payloadType), retransmission: false)
        return try await peer.answer(offer.sdp, sections: 1)
    }

    func stop() async { await peer.tearDown() }

    /// On the streaming thread, before the first packet: the pad must be linked when this returns.
    private static func decode(
        _ pad: Pad, _ codec: Codec, gate: MediaGate, in pipeline: WeakPipeline,
        deliver: @escaping @Sendable (_ samples: [UInt8], _ time: UInt64) -> Void
    ) throws(GStreamerError) {
        guard pad.isSource, let owner = pipeline.value else { return }
        pad.inspectBuffers { _ in gate.isOpen ? .pass : .drop }
        let sink = try AppSink(caps: Caps(SoundDecoder.caps)) { item in
            guard case .sample(let sample) = item, let pts = sample.pts, let base = pipeline.value?.element.baseTime else { return true }
            deliver(Array(sample.bytes), base.nanoseconds &+ pts.nanoseconds)
            return true
        }
        let (depayloader, decoder) = elements(for: codec)
        let elements = [
            try Element(depayloader), try Element(decoder), try Element("audioconvert"), try Element("audioresample"), sink.element,
        ]
        try owner.add(elements)
        try Element.chain(elements)
        // From the end on: nothing is to flow into an element that does not run yet.
        for element in elements.reversed() { try element.syncStateWithParent() }
        try pad.link(to: elements[0].pad("sink"))
    }

    private static func elements(for codec: Codec) -> (depayloader: String, decoder: String) {
        switch codec {
        case .pcmu: ("rtppcmudepay", "mulawdec")
        case .pcma: ("rtppcmadepay", "alawdec")
        default: ("rtpopusdepay", "opusdec")
        }
    }
}
