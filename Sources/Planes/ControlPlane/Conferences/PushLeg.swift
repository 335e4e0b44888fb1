internal import Bridge
internal import BridgeModel
internal import LinuxIO

/// What a director has for each session elsewhere. Tells what happens in order; `failed` at most once, and `closed` last and always.
protocol OutwardLeg: Sendable {
    /// Ends the session soon; `closed` follows.
    func close() async
    /// Tries another path within the session, where it has one that can be lost.
    func restart() async
}

extension OutwardLeg {
    func restart() {}
}

/// One session of a stream at somebody else's server: a child that connects there and sends.
actor PushLeg: OutwardLeg {
    /// What it stands on.
    struct Services: Sendable {
        var launcher: any PipelineLauncher
        var hub: any MediaHub
        var places: any PushPlaces
        /// PEM file of authorities that are trusted besides the system's.
        var trust: String?
    }

    private static let stopDeadline = Duration.seconds(1)

    private let stream: LiveStream
    private let target: PushTarget
    private let services: Services
    private let tell: @Sendable (ConferenceLeg.News) async -> Void
    private var pipeline: (any RunningPipeline)?
    private var isClosing = false
    private var hasFailed = false
    private var isSubscribed = false

    init(
        stream: LiveStream, target: PushTarget, services: Services, tell: @escaping @Sendable (ConferenceLeg.News) async -> Void
    ) {
        self.stream = stream
        self.target = target
        self.services = services
        self.tell = tell
    }

    /// From the look-up of the name to `closed`. Call it once.
    func run() async {
        do throws(ConferenceFault) {
            try await send()
            await fail(ConferenceFault(BridgeError(.pushUnavailable, "The connection to \(target.origin) is over.")))
        } catch {
            await fail(error)
        }
        await tell(.closed)
    }

    private func send() async throws(ConferenceFault) {
        guard let tracks = PushPlan.tracks(of: stream.tracks) else {
            let text = "A push takes H.264 with Opus or G.711: publish these, or push a composite of the stream."
            throw ConferenceFault(BridgeError(.pushRefused, text), isPermanent: true)
        }
        var plan = PushPlan(tracks: tracks, target: target, address: try await address())
        if target.scheme == .rtmps { plan.trust = services.trust }
        let work = PipelinePlan(pipeline: PipelineID("push-\(RandomUUID.text())"), work: .push(plan))
        let pipeline: any RunningPipeline
        do throws(BridgeError) { pipeline = try await services.launcher.launch(work) } catch { throw ConferenceFault(error) }
        self.pipeline = pipeline
        if isClosing { pipeline.send(.stop(deadline: Self.stopDeadline)) }
        for await event in pipeline.events { await hear(event, pipeline, tracks.map(\.index)) }
        if isSubscribed {
            services.hub.unsubscribe(pipeline.id)
        } else {
            pipeline.media.forEach { closeDescriptor($0.rawValue) }
        }
    }

    private func address() async throws(ConferenceFault) -> IPAddress {
        switch await services.places.address(of: target) {
        case .success(let address): return address
        case .failure(.blockedAddress(let refusal)):
            let text = "The address of \(target.host) is \(refusal.description), which this bridge does not connect to."
            throw ConferenceFault(BridgeError(.pushRefused, text), isPermanent: true)
        case .failure:
            throw ConferenceFault(BridgeError(.pushUnavailable, "\(target.host) has no address now; check the name."))
        }
    }

    private func hear(_ event: PipelineEvent, _ pipeline: any RunningPipeline, _ tracks: [UInt8]) async {
        switch event {
        case .started:
            guard !isSubscribed else { return }
            isSubscribed = true
            services.hub.subscribe(pipeline.id, to: stream.id, tracks: tracks, sinks: pipeline.media, timing: .live)
        case .connected:
            await tell(.warned(nil))
            await tell(.connected)
        case .warning(.pushUnavailable, let text): await tell(.warned(BridgeError(.pushUnavailable, "\(target.origin): \(text).")))
        case .failed(let error): await fail(ConferenceFault(BridgeError(.pushUnavailable, "\(target.origin): \(error.message)")))
        case .stats(let statistics): if let bytes = statistics.bytesOut { await tell(.sent(bytes: bytes)) }
        default: break
        }
    }

    func close() async {
        isClosing = true
        pipeline?.send(.stop(deadline: Self.stopDeadline))
    }

    private func fail(_ fault: ConferenceFault) async {
        guard !hasFailed, !isClosing else { return }
        hasFailed = true
        await tell(.failed(fault))
    }
}
