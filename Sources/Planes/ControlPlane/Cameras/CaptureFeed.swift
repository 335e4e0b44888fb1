internal import Bridge
internal import BridgeModel
internal import Logging

/// A camera's source: one child after the other feeds the hub, each with what is asked of the pictures and the sound.
actor CaptureFeed {
    private let services: CameraDirector.Services
    private let stream: StreamID
    private let preRoll: Duration?
    private var plan: CapturePlan
    private var pipeline: (any RunningPipeline)?
    /// The newest; it waits for the one before.
    private var task: Task<Void, Never>?
    private var isWanted = false
    private var isOver = false
    /// Lines of the pictures at most; nil: as many as there are.
    private var height: Int?
    /// Of the source's process, at most five seconds old.
    private(set) var statistics = PipelineStats()
    /// Nil where there is none, or before it is known.
    private(set) var microphone: MicrophoneState?

    private static let sourceStop = Duration.seconds(1)

    /// `preRoll`: how much of what was sent the hub keeps; nil: nothing.
    init(_ plan: CapturePlan, stream: StreamID, preRoll: Duration?, services: CameraDirector.Services) {
        self.plan = plan
        self.stream = stream
        self.preRoll = preRoll
        self.services = services
    }

    /// Runs sources until `rest` or `finish`, with pictures of at most so many lines: one that has smaller ones is started again, one with larger ones
    /// stays as it is. `started` is called whenever one has started.
    func begin(greatestHeight: Int?, started: @escaping @Sendable () async -> Void) {
        guard !isOver else { return }
        if isWanted {
            let isLarger = height.map { height in greatestHeight.map { $0 > height } ?? true } ?? false
            guard isLarger else { return }
            height = greatestHeight
            pipeline?.send(.stop(deadline: Self.sourceStop))
            return
        }
        isWanted = true
        height = greatestHeight
        let former = task
        task = Task {
            // A device is opened by one alone.
            await former?.value
            await self.run(started)
        }
    }

    /// Lets the source go, until `begin`.
    func rest() {
        isWanted = false
        task?.cancel()
    }

    /// The source that runs is the last one.
    func finish() { isOver = true }

    /// Ends the source; returns when it has ended.
    func close() async {
        isOver = true
        task?.cancel()
        await task?.value
    }

    private func run(_ started: @Sendable () async -> Void) async {
        var retries = SourceRetries()
        while !isOver, !Task.isCancelled {
            retries.started(now: services.clock.now())
            let bound = height
            let failure = await runSource(started)
            guard !isOver, !Task.isCancelled else { return }
            // It was stopped for larger pictures.
            guard bound == height else { continue }
            let pause = retries.failed(now: services.clock.now())
            services.logger.warning(
                "the source failed and is started again", metadata: ["reason": "\(failure.message)", "after": "\(pause)"])
            guard (try? await services.clock.pause(pause)) != nil else { return }
        }
    }

    /// Does what an order asks of pictures or sound, of this source and of those that follow.
    func adjust(_ order: CameraOrder) {
        guard plan.adjustment.take(order) else { return }
        pipeline?.send(.adjust(plan.adjustment))
    }

    private func hear(_ state: MicrophoneState) {
        guard state != microphone else { return }
        microphone = state
        switch state {
        case .heard: services.logger.notice("the microphone is heard")
        case .away(let reason):
            services.logger.warning(
                "the microphone is not heard; pictures go on with silence, and it is tried again", metadata: ["reason": "\(reason.message)"]
            )
        }
    }

    private func runSource(_ started: @Sendable () async -> Void) async -> BridgeError {
        let asked = plan.adjustment
        let pipeline: any RunningPipeline
        do throws(BridgeError) {
            pipeline = try await services.launcher.launch(
                PipelinePlan(pipeline: PipelineID("capture-\(RandomUUID.text())"), work: .capture(plan.bounded(to: height))))
        } catch {
            return error
        }
        self.pipeline = pipeline
        defer { (self.pipeline, microphone) = (nil, nil) }
        // While it was started, more may have been asked.
        if plan.adjustment != asked { pipeline.send(.adjust(plan.adjustment)) }
        services.hub.publish(stream, tracks: plan.tracks, sources: pipeline.media)
        if let preRoll { services.hub.keepPreRoll(preRoll, of: stream) }
        return await withTaskCancellationHandler {
            var failure = BridgeError(.pipelineFailed, "The source's process ended.")
            for await event in pipeline.events {
                switch event {
                case .started: if isWanted, !Task.isCancelled { await started() }
                case .failed(let error): failure = error
                case .stats(let statistics): self.statistics = statistics
                case .microphone(let state): hear(state)
                case .warning(_, let message): services.logger.debug("the source warns", metadata: ["warning": "\(message)"])
                default: break
                }
            }
            return failure
        } onCancel: {
            pipeline.send(.stop(deadline: Self.sourceStop))
        }
    }
}
