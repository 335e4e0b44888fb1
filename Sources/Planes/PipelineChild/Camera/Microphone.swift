internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// A device's sound as an input of a desk, for as long as the device gives it. One that cannot be opened, falls silent or is taken away is opened
/// again after a pause; the desk has silence meanwhile, so that whoever takes its sound notices nothing else.
///
/// It has a loop of its own: opening a device may take long, and pictures do not wait for it.
actor Microphone {
    nonisolated let loop = GLibLoop(name: "microphone")
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private static let input: CompositeInput.Number = 1

    private let device: SoundDevice
    private let desk: SoundDesk
    private let events: EventSink
    private let flow = Mutex(Flow())
    private var pipeline: Pipeline?
    private var retries = SourceRetries()
    private var silence = SourceSilence()
    /// The next look at what came, or the next try.
    private var timer: GLibTimer?
    private var isOver = false

    /// What has come since it was opened; the streaming thread counts.
    private struct Flow {
        var clock = MicrophoneClock()
        var pieces: UInt64 = 0
    }

    init(_ device: SoundDevice, desk: SoundDesk, events: EventSink) {
        self.device = device
        self.desk = desk
        self.events = events
    }

    /// Opens it, now and whenever it is lost, until `stop`; returns at once.
    nonisolated func begin() {
        loop.post { [weak self] in self?.assumeIsolated { $0.open() } }
    }

    private func open() {
        guard !isOver else { return }
        retries.started(now: now)
        flow.withLock { $0 = Flow() }
        silence = SourceSilence()
        do {
            let pipeline = try Pipeline(name: "microphone") { [weak self, loop] message in
                loop.post { [weak self] in self?.assumeIsolated { $0.hear(message) } }
            }
            self.pipeline = pipeline
            try desk.add(Self.input)
            try build(in: pipeline)
            timer = loop.scheduleRepeating(every: SourceSilence.interval) { [weak self] in self?.assumeIsolated { $0.look() } }
            try pipeline.element.requestState(.playing)
        } catch {
            // What the device says of it is on its way, and says more.
            loop.post { [weak self] in self?.assumeIsolated { $0.fail("\(error)") } }
        }
    }

    private var now: MonotonicTime { MonotonicTime(nanoseconds: ClockTime.now.nanoseconds) }

    private func build(in pipeline: Pipeline) throws(GStreamerError) {
        let sink = try AppSink(caps: Caps(SoundDecoder.caps)) { [weak self] item in
            if case .sample(let sample) = item { self?.take(sample) }
            return true
        }
        let elements = [try device.makeSource(), try Element("audioconvert"), try Element("audioresample"), sink.element]
        try pipeline.add(elements)
        try Element.chain(elements)
    }

    /// On the streaming thread.
    private nonisolated func take(_ sample: SampleView) {
        guard let time = sample.pts, let length = sample.duration else { return }
        let arrival = ClockTime.now.nanoseconds
        let (captured, pieces) = flow.withLock { flow in
            flow.pieces += 1
            let captured = flow.clock.captured(
                time.nanoseconds, length: length.nanoseconds, arrival: arrival, isDiscontinuity: sample.flags.contains(.discontinuity))
            return (captured, flow.pieces)
        }
        desk.take(Array(sample.bytes), of: Self.input, time: captured)
        if pieces == 1 { events(.microphone(.heard)) }
    }

    private func hear(_ message: BusMessage) {
        switch message {
        case .latency: pipeline?.recalculateLatency()
        case .error(_, _, _, let text): fail(text)
        case .endOfStream: fail("It has come to its end.")
        case .warning, .segmentDone: break
        }
    }

    /// A device that sends nothing need not say so.
    private func look() {
        if silence.isOver(packets: flow.withLock { $0.pieces }) { fail("It has sent nothing for \(SourceSilence.limit).") }
    }

    private func fail(_ reason: String) {
        guard pipeline != nil, !isOver else { return }
        let sentence = reason.hasSuffix(".") ? reason : reason + "."
        let text = "The microphone \(device.name) cannot be used: \(sentence) \(device.advice)"
        // Before it is closed: a daemon that stands still lets nobody go for half a minute.
        events(.microphone(.away(BridgeError(.noMedia, text))))
        close()
        timer = loop.schedule(after: retries.failed(now: now)) { [weak self] in self?.assumeIsolated { $0.open() } }
    }

    private func close() {
        timer?.cancel()
        timer = nil
        try? pipeline?.setState(.null)
        pipeline?.detachBus()
        pipeline = nil
        desk.remove(Self.input)
    }

    /// Gives the device back, for good. The loop may be shut down afterwards.
    func stop() {
        isOver = true
        close()
    }
}

extension SoundDevice {
    private static let client = "viaduct camera"

    /// Gives raw sound, in times of its own.
    fileprivate func makeSource() throws(GStreamerError) -> Element {
        switch self {
        case .alsa(let device):
            let source = try Element("alsasrc")
            try source.set(["provide-clock": "false", "use-driver-timestamps": "false"])
            if let device { try source.set("device", device) }
            return source
        case .pulse(let device):
            let source = try Element("pulsesrc")
            try source.set(["provide-clock": "false", "client-name": Self.client])
            if let device { try source.set("device", device) }
            return source
        }
    }

    /// Plays raw sound. Its clock is nobody's but its own.
    func makeSink() throws(GStreamerError) -> Element {
        switch self {
        case .alsa(let device):
            let sink = try Element("alsasink")
            try sink.set(["async": "false", "provide-clock": "false"])
            if let device { try sink.set("device", device) }
            return sink
        case .pulse(let device):
            let sink = try Element("pulsesink")
            try sink.set(["async": "false", "provide-clock": "false", "client-name": Self.client])
            if let device { try sink.set("device", device) }
            return sink
        }
    }

    /// What to do when it cannot be used.
    var advice: String {
        switch self {
        case .alsa:
            "Look which there are with arecord -L and aplay -L, and whether another program has it; put this user into the group audio."
        case .pulse: "Look with pactl info whether PulseAudio or PipeWire runs for this user, and which there are with pactl list short."
        }
    }
}
