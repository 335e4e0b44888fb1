package import Bridge
package import BridgeModel
package import GStreamerKit
internal import LinuxIO
internal import RTP
internal import Synchronization

/// Records a stream's tracks into a file, without transcoding.
///
/// RTP comes over the media sockets, is put on one timeline (`RTPClock`) and into frames (by depacketizers of ours, H.265 by GStreamer's), and written as
/// Matroska by a thread of ours: what the bridge received half a second ago is in the file, so that `kill -9` costs that and no more. The recording begins at the
/// first keyframe, which is asked for until it comes. The file is locked (`flock`) while the recorder lives.
///
/// WebM and Matroska are complete after a clean stop; after a crash the finisher adds index and duration. MP4 is recorded as Matroska; a long one
/// is written beside it (`MovieFile`) and is complete after a clean stop, too, and all others are made by the finisher.
package actor RecordRunner: PipelineRunner {
    package nonisolated let loop: GLibLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: RecordPlan
    private let media: [DatagramSocket]
    private let progress: RecordingProgress
    /// For H.265 only.
    private var pipeline: Pipeline?
    private var intake: MediaIntake?
    private var writer: RecordingWriter?

    /// What is kept back of the deadline for closing the file after the last frame.
    private static let closing: Duration = .milliseconds(700)

    /// Takes the plan.
    package init(plan: RecordPlan, context: RunnerContext) {
        self.plan = plan
        loop = context.loop
        media = context.media
        progress = RecordingProgress(events: context.events)
    }

    package func start() async throws(BridgeError) {
        let progress = progress
        let writer = try RecordingWriter(plan: plan) { progress.take($0) }
        self.writer = writer
        do {
            try build(writer)
        } catch let error as GStreamerError {
            throw BridgeError(error.code == .missingElement ? .unacceptableOffer : .pipelineFailed, error.description)
        } catch {
            throw BridgeError(.pipelineFailed, "\(error)")
        }
        progress.began(at: SystemClocks.monotonicNanoseconds, timeout: plan.firstMediaTimeout)
    }

    private func build(_ writer: RecordingWriter) throws {
        let progress = progress
        var tracks: [MediaIntake.Track] = []
        for (index, track) in plan.tracks.enumerated() {
            let gate = track.kind == .video ? KeyframeGate() : nil
            let receiver = FrameReceiver(track: index, queue: writer.queue, gate: gate)
            let sink = try packetSink(of: track, receiver) { try pipeline ?? makePipeline() }
            tracks.append(MediaIntake.Track(description: track, socket: media[index], sink: sink, keyframes: gate))
        }
        try pipeline?.setState(.playing)
        let intake = MediaIntake(tracks: tracks)
        try intake.start { progress.tick($0, now: SystemClocks.monotonicNanoseconds) }
        self.intake = intake
        progress.report(.started)
    }

    private func makePipeline() throws -> Pipeline {
        let progress = progress
        let pipeline = try Pipeline(name: "record") { message in
            guard case .error(let element, _, _, let text) = message else { return }
            progress.fail(BridgeError(.pipelineFailed, "\(element): \(text)"))
        }
        self.pipeline = pipeline
        return pipeline
    }

    /// Nothing that a recorder could be told but to stop.
    package func handle(_ command: PipelineCommand) async {}

    package func stop(deadline: Duration) async -> PipelineResult {
        guard let writer else { return PipelineResult() }
        let limit = max(.milliseconds(100), deadline - Self.closing)
        if let intake {
            intake.finish {}
            await progress.waitForLastFrame(limit: limit, on: loop)
            try? pipeline?.setState(.null)
            pipeline?.detachBus()
        }
        writer.queue.finish()
        let result = await progress.waitForResult()
        (self.intake, self.pipeline, self.writer) = (nil, nil, nil)
        return result
    }

    package func statistics() async -> PipelineStats {
        let counters = intake?.counters ?? MediaIntake.Counters()
        return PipelineStats(packetsIn: counters.packets, packetsOut: 0, packetsDropped: counters.dropped)
    }
}
