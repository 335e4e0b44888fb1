internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// Sends a stream of the hub to somebody else's server: pictures as they are, sound as AAC, silence where there is none. It connects when the first
/// picture is there, so that what is sent begins with all that a player has to know.
actor PushRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// How late sound may be decoded and still stand at its time.
    private static let latency = ClockTime.milliseconds(250)
    /// Of AAC, bit/s.
    private static let soundBitrate = 128_000
    /// What the AAC encoder puts before the first sample, and no player of a stream takes away: 1024 samples, ns.
    private static let soundPriming: UInt64 = 21_333_333
    /// Pictures that wait for the connection, and for the sound that belongs to them.
    private static let limit = 512
    /// Buffers that the server's element has taken when it is connected: it keeps the first ones waiting until then.
    private static let buffersOfConnecting = 8
    private static let input: CompositeInput.Number = 1

    private let plan: PushPlan
    private let context: RunnerContext
    private let counter = Counter()
    /// Pictures for the pipeline, once there is one.
    private let pictures = Mutex(Pictures())
    private let decoder = Mutex<InputDecoder?>(nil)
    /// Of what is behind the encoders.
    private let pace = Mutex(SendingPace())
    private var pipeline: Pipeline?
    private var desk: SoundDesk?
    /// Whom the server's certificate may be from.
    private var trust: MemoryFile?
    /// The same, for the decoder's threads.
    private let sound = Mutex<SoundDesk?>(nil)

    fileprivate struct Pictures {
        var source: AppSource?
        var base: UInt64 = 0
        var format: VideoFormat?
        var waiting: [TimedFrame] = []
        var hasBegun = false
        /// A frame is lost: nothing goes on before a keyframe.
        var isCut = false
    }

    /// Counts on streaming threads.
    private final class Counter: Sendable {
        let buffers = Atomic(0)
        let bytes = Atomic<UInt64>(0)
    }

    init(plan: PushPlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
    }

    func start() async throws(BridgeError) {
        do {
            if !plan.tracks.contains(where: { $0.kind == .video }) { try connect(nil) }
            let input = CompositeInput(number: Self.input, tracks: plan.tracks)
            let decoder = try InputDecoder(input, sockets: context.media, loop: loop, passing: .h264) { [weak self] output in
                switch output {
                case .frame(let frame, let format): self?.take(frame, format)
                case .sound(let samples, let time): self?.take(samples, time: time)
                case .picture: break
                }
            } warn: { [events = context.events] text in
                events(.warning(code: .pipelineFailed, message: text))
            }
            self.decoder.withLock { $0 = decoder }
            context.events(.started)
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }
}

// MARK: - The pipeline

extension PushRunner {
    /// Makes the pipeline, which connects by itself. `format`: of the pictures; nil without.
    private func connect(_ format: VideoFormat?) throws {
        let pipeline = try Pipeline(name: "push") { [events = context.events, loop, weak self] message in
            switch message {
            case .error(_, _, _, let text): events(.failed(BridgeError(.pushUnavailable, Trust.explained(text))))
            case .latency: loop.post { [weak self] in self?.assumeIsolated { $0.pipeline?.recalculateLatency() } }
            case .warning, .endOfStream, .segmentDone: break
            }
        }
        let (muxer, sink) = try makeEnd()
        try pipeline.add([muxer, sink])
        try muxer.link(to: sink)
        let desk = try SoundDesk(in: pipeline, latency: Self.latency)
        try add(desk, to: muxer, in: pipeline)
        if plan.tracks.contains(where: { $0.kind == .audio }) { try desk.add(Self.input) }
        let source = try format.map { try add($0, to: muxer, in: pipeline) }
        (self.pipeline, self.desk) = (pipeline, desk)
        try count(sink)
        try pipeline.element.requestState(.playing)
        sound.withLock { $0 = desk }
        if let source { begin(source, in: pipeline) }
    }

    private func makeEnd() throws -> (muxer: Element, sink: Element) {
        let sink = try Element(plan.scheme == .srt ? "srtsink" : "rtmp2sink")
        // What is sent has its time in it; and a server that does not answer is given up by the bridge.
        try sink.set(["sync": "false", "async": "false"])
        let muxer = try Element(plan.scheme == .srt ? "mpegtsmux" : "flvmux")
        guard plan.scheme == .srt else {
            try muxer.set("streamable", "true")
            if let trust = plan.trust { self.trust = try Trust.add(authorities: trust) }
            try sink.set(["scheme": plan.scheme.rawValue, "host": plan.host, "port": String(plan.port)])
            try sink.set(["application": plan.application, "stream": plan.name.revealed])
            return (muxer, sink)
        }
        // Seven packets of 188 bytes are a datagram of SRT.
        try muxer.set("alignment", "7")
        let host = plan.host.contains(":") ? "[\(plan.host)]" : plan.host
        try sink.set(["uri": "srt://\(host):\(plan.port)", "mode": "caller", "auto-reconnect": "false"])
        if let id = plan.srt?.streamID { try sink.set("streamid", Self.quoted(id.revealed)) }
        if let passphrase = plan.srt?.passphrase { try sink.set("passphrase", Self.quoted(passphrase.revealed)) }
        if let length = plan.srt?.keyLength { try sink.set("pbkeylen", String(length)) }
        if let latency = plan.srt?.latencyMilliseconds { try sink.set("latency", String(latency)) }
        return (muxer, sink)
    }

    /// A text property that begins with a quotation mark is read as a quoted one.
    private static func quoted(_ text: String) -> String {
        guard text.hasPrefix("\"") else { return text }
        return "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }

    private func add(_ desk: SoundDesk, to muxer: Element, in pipeline: Pipeline) throws {
        let (encoder, parser) = (try Element("avenc_aac"), try Element("aacparse"))
        try encoder.set("bitrate", String(Self.soundBitrate))
        let chain = [try Element("audioconvert"), encoder, parser, try Element("queue")]
        try pipeline.add(chain)
        guard let raw = desk.elements.last, let last = chain.last else { return }
        try Element.chain([raw] + chain)
        try keepPace(.audio, at: last.pad("src"), in: pipeline)
        try last.pad("src").link(to: muxer.requestPad(plan.scheme == .srt ? "sink_%d" : "audio"))
    }

    private func add(_ format: VideoFormat, to muxer: Element, in pipeline: Pipeline) throws -> AppSource {
        guard let caps = format.caps else { throw BridgeError(.pushRefused, "The pictures have no form that can be sent.") }
        let source = try AppSource(caps: Caps(caps), limit: Self.limit, bufferSize: 1)
        try source.waitsForMixer()
        let parser = try Element("h264parse")
        // Whoever comes to a transport stream later needs the parameter sets again.
        try parser.set("config-interval", plan.scheme == .srt ? "-1" : "0")
        let queue = try Element("queue")
        let chain = [source.element, parser, queue]
        try pipeline.add(chain)
        try Element.chain(chain)
        try keepPace(.video, at: queue.pad("src"), in: pipeline)
        try queue.pad("src").link(to: muxer.requestPad(plan.scheme == .srt ? "sink_%d" : "video"))
        return source
    }

    /// Leaves out what is too old: the server takes less than there is.
    private func keepPace(_ kind: MediaKind, at pad: Pad, in pipeline: Pipeline) throws {
        let pipeline = WeakPipeline(pipeline)
        pad.gateFrames { [weak self] time, isKeyframe in
            guard let self, let time, let base = pipeline.value?.element.baseTime else { return true }
            let now = MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds)
            let verdict = pace.withLock {
                $0.take(kind, isKeyframe: isKeyframe, time: MonotonicTime(nanoseconds: base.nanoseconds + time.nanoseconds), now: now)
            }
            if verdict.wantsKeyframe { awaitKeyframe() }
            switch verdict.news {
            case .fellBehind: context.events(.warning(code: .pushUnavailable, message: Self.slow))
            case .keepsUp: context.events(.connected)
            case nil: break
            }
            return verdict.passes
        }
    }

    private static let slow = "it takes less than the stream has, so that parts are left out; push a composite of fewer bits a second"

    nonisolated private func awaitKeyframe() { decoder.withLock { $0 }?.awaitKeyframe() }

    private func count(_ sink: Element) throws {
        try sink.pad("sink").inspectBuffers { [counter, events = context.events] buffer in
            counter.bytes.add(UInt64(buffer.count), ordering: .relaxed)
            if counter.buffers.add(1, ordering: .relaxed).newValue == Self.buffersOfConnecting { events(.connected) }
            return .pass
        }
    }

    /// From here on pictures go into the pipeline.
    private func begin(_ source: AppSource, in pipeline: Pipeline) {
        let base = pipeline.element.baseTime?.nanoseconds ?? SystemClocks.monotonicNanoseconds
        pictures.withLock { pictures in
            (pictures.source, pictures.base) = (source, base)
            let isCut = pictures.isCut
            pictures.isCut = false
            for frame in pictures.waiting { pictures.push(frame) }
            (pictures.waiting, pictures.isCut) = ([], isCut || pictures.isCut)
        }
    }

    // MARK: frames and sound, on the decoder's threads

    nonisolated private func take(_ frame: TimedFrame, _ format: VideoFormat) {
        let (isFirst, isLost) = pictures.withLock { pictures in
            if pictures.source == nil {
                if pictures.waiting.count < Self.limit { pictures.waiting.append(frame) } else { pictures.isCut = true }
                if pictures.format == nil { pictures.format = format }
                defer { pictures.hasBegun = true }
                return (!pictures.hasBegun, pictures.isCut)
            }
            pictures.change(to: format)
            return (false, !pictures.push(frame))
        }
        if isLost { awaitKeyframe() }
        guard isFirst else { return }
        loop.post { [weak self] in self?.assumeIsolated { $0.connectWithPictures(format) } }
    }

    private func connectWithPictures(_ format: VideoFormat) {
        guard pipeline == nil, decoder.withLock({ $0 != nil }) else { return }
        do {
            try connect(format)
        } catch {
            context.events(.failed(BridgeError(pipelineFailure: error)))
        }
    }

    nonisolated private func take(_ samples: [UInt8], time: UInt64) {
        sound.withLock { $0 }?.take(samples, of: Self.input, time: time - min(time, Self.soundPriming))
    }
}

extension PushRunner.Pictures {
    /// The camera's size has changed, or its encoder.
    fileprivate mutating func change(to format: VideoFormat) {
        guard format != self.format, let caps = format.caps.flatMap({ try? Caps($0) }) else { return }
        source?.change(to: caps)
        self.format = format
    }

    /// False where there was no room for it; then nothing goes on before a keyframe.
    @discardableResult
    fileprivate mutating func push(_ frame: TimedFrame) -> Bool {
        guard !isCut || frame.isKeyframe else { return true }
        let time = ClockTime(nanoseconds: frame.time > base ? frame.time - base : 0)
        let result = frame.bytes.withUnsafeBytes { source?.push($0, time: time, isKeyframe: frame.isKeyframe) }
        isCut = result == .full
        return !isCut
    }
}

extension PushRunner {
    func handle(_ command: PipelineCommand) async {}

    func stop(deadline: Duration) async -> PipelineResult {
        let former = decoder.withLock { decoder in
            defer { decoder = nil }
            return decoder
        }
        former?.stop()
        sound.withLock { $0 = nil }
        pictures.withLock { $0.source = nil }
        try? pipeline?.setState(.null)
        pipeline?.detachBus()
        (pipeline, desk) = (nil, nil)
        return PipelineResult()
    }

    func statistics() async -> PipelineStats {
        var statistics = PipelineStats()
        statistics.bytesOut = counter.bytes.load(ordering: .relaxed)
        return statistics
    }
}
