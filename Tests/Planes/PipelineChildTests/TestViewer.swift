import Bridge
import BridgeModel
import GStreamerKit
import LinuxIO
import Synchronization

@testable import PipelineChild

/// The other end of a view runner: offers to receive, decodes the pictures and reads the clock that is burnt into them.
final class TestViewer: Sendable {
    struct Seen {
        var frames = 0
        var audioPackets = 0
        /// Delay of each picture against its burnt-in clock.
        var delays: [Duration] = []
    }

    let log = EventLog()
    private let peer: WebRTCPeer
    private let codec: Codec
    private let seenState = Mutex(Seen())
    private let videoPad = Mutex<Pad?>(nil)
    private let runnerState = Mutex<ViewRunner?>(nil)

    var runner: ViewRunner? {
        get { runnerState.withLock { $0 } }
        set { runnerState.withLock { $0 = newValue } }
    }

    var seen: Seen { seenState.withLock { $0 } }

    init(codec: Codec, loop: GLibLoop) throws {
        self.codec = codec
        let gate = MediaGate(fingerprints: [])
        // Its own transport reports nowhere: `log` is the runner's.
        peer = try WebRTCPeer(
            identity: .fresh(), ice: .loopback, gate: gate, context: RunnerContext(media: [], events: EventSink { _ in }, loop: loop))
    }

    func offer() async throws -> String {
        let video = "application/x-rtp,media=video,encoding-name=\(codec.encodingName),clock-rate=90000,payload=100"
        let h264 = codec == .h264 ? ",packetization-mode=(string)1,profile-level-id=(string)42e01f,level-asymmetry-allowed=(string)1" : ""
        try peer.bin.addReceiver(Caps(video + h264 + ",rtcp-fb-nack-pli=(boolean)true,rtcp-fb-nack=(boolean)true"), retransmission: true)
        try peer.bin.addReceiver(
            Caps("application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=109"),
            retransmission: false)
        let pipeline = WeakPipeline(peer.pipeline)
        peer.bin.element.onPadAdded { [weak self] pad in
            guard pad.isSource, let pipeline = pipeline.value else { return }
            try? self?.attach(pad, pipeline)
        }
        try await peer.play()
        return try await peer.offer()
    }

    func take(answer: String) async throws { try await peer.bin.setRemoteDescription(answer, kind: .answer) }

    /// What a browser does when it cannot decode.
    func requestKeyframe() { videoPad.withLock { $0 }?.requestKeyframe() }

    func end() async {
        _ = await runner?.stop(deadline: .seconds(2))
        videoPad.withLock { $0 = nil }
        await peer.tearDown()
    }

    private func attach(_ pad: Pad, _ pipeline: Pipeline) throws {
        guard pad.mediaSection == 0 else {
            let sink = try AppSink { [weak self] item in
                if case .sample = item { self?.seenState.withLock { $0.audioPackets += 1 } }
                return true
            }
            try pipeline.add(sink.element)
            try sink.element.syncStateWithParent()
            return try pad.link(to: sink.pad())
        }
        videoPad.withLock { $0 = pad }
        let depay = try Element(codec == .vp8 ? "rtpvp8depay" : "rtph264depay")
        let decoder = try Element(codec == .vp8 ? "vp8dec" : "avdec_h264")
        let strip = ClockStrip(width: 640, height: 360)
        let sink = try AppSink(caps: Caps("video/x-raw,format=I420")) { [weak self] item in
            guard case .sample(let sample) = item else { return true }
            self?.look(at: sample.bytes, strip)
            return true
        }
        try pipeline.add(depay, decoder, sink.element)
        try Element.chain([depay, decoder, sink.element])
        for element in [sink.element, decoder, depay] { try element.syncStateWithParent() }
        try pad.link(to: depay.pad("sink"))
    }

    private func look(at picture: UnsafeRawBufferPointer, _ strip: ClockStrip?) {
        let now = SystemClocks.wallNanoseconds
        let delay = strip?.read(picture).map { Duration.nanoseconds(now - $0.nanoseconds) }
        seenState.withLock { seen in
            seen.frames += 1
            if let delay { seen.delays.append(delay) }
        }
    }
}
