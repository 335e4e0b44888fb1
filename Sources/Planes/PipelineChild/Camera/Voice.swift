internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// From packets of Opus to a speaker, or into a file. Lives on webrtcbin's own threads.
final class Voice: Sendable {
    private let speaker: TalkPlan.Speaker
    private let gate: MediaGate
    private let events: EventSink
    /// Where the packets come in; nil before they do.
    private let entrance = Mutex<Pad?>(nil)

    /// What a file's page may hold back, ns: a reader is half a second late.
    private static let pageDelay = 500_000_000
    /// For the last page to be written.
    private static let farewell = Duration.milliseconds(300)
    /// Speech at good quality, bit/s.
    private static let bitrate = 48_000

    init(_ speaker: TalkPlan.Speaker, gate: MediaGate, events: EventSink) {
        self.speaker = speaker
        self.gate = gate
        self.events = events
    }

    /// On the streaming thread, before the first packet: the pad must be linked when this returns.
    func attach(_ pad: Pad, to pipeline: WeakPipeline) {
        guard pad.isSource, let owner = pipeline.value, entrance.withLock({ $0 == nil }) else { return }
        do {
            let decoder = try Element("opusdec")
            try decoder.set(["plc": "true", "use-inband-fec": "true"])
            let depayloader = try Element("rtpopusdepay")
            let elements =
                [depayloader, decoder, try Element("audioconvert"), try Element("audioresample")] + (try speaker.makeSink(Self.form))
            try owner.add(elements)
            try Element.chain(elements)
            for element in elements.reversed() { try element.syncStateWithParent() }
            pad.gateBuffers { [gate] in gate.isOpen }
            let sink = try depayloader.pad("sink")
            try pad.link(to: sink)
            entrance.withLock { $0 = sink }
        } catch {
            events(.failed(BridgeError(.pipelineFailed, "\(speaker.name) cannot be used: \(error)")))
        }
    }

    private static var form: TalkPlan.Speaker.FileForm { .init(bitrate: bitrate, pageDelay: pageDelay) }

    /// Nothing comes any more: what waits is played, or written.
    func end() async {
        let entrance = entrance.withLock { pad in
            defer { pad = nil }
            return pad
        }
        guard let entrance, case .file = speaker else { return }
        entrance.sendEndOfStream()
        try? await Task.sleep(for: Self.farewell)
    }
}

extension TalkPlan.Speaker {
    /// How a file is written.
    struct FileForm {
        var bitrate: Int
        /// ns
        var pageDelay: Int
    }

    /// For sentences.
    var name: String {
        switch self {
        case .device(let device): "The speaker \(device.name)"
        case .file(let path): "The speaker's file \(path)"
        }
    }

    /// What takes raw sound, in the order of flow.
    func makeSink(_ form: FileForm) throws(GStreamerError) -> [Element] {
        switch self {
        case .device(let device): return [try device.makeSink()]
        case .file(let path):
            let encoder = try Element("opusenc")
            try encoder.set(["bitrate": String(form.bitrate), "frame-size": "20"])
            let muxer = try Element("oggmux")
            try muxer.set(["max-delay": String(form.pageDelay), "max-page-delay": String(form.pageDelay)])
            let sink = try Element("filesink")
            // A new beginning is another link of the chain (RFC 3533 section 3): players take it.
            try sink.set(["append": "true", "buffer-mode": "unbuffered", "async": "false", "sync": "false", "location": path])
            return [encoder, muxer, sink]
        }
    }
}
