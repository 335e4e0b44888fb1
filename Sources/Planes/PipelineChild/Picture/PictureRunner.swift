internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// Decodes video for single pictures: a live stream's until it is stopped, or a file's once.
actor PictureRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: PicturePlan
    private let context: RunnerContext
    private var live: LivePictures?
    private let isCancelled = Mutex(false)

    init(plan: PicturePlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
    }

    func start() async throws(BridgeError) {
        switch plan.source {
        case .live(let track):
            guard let socket = context.media.first else { throw BridgeError(.internal, "A plan came without its media socket.") }
            let live = LivePictures(track, socket: socket, wallClockOffset: plan.wallClockOffset, events: context.events)
            self.live = live
            do {
                try live.start(on: loop)
            } catch {
                throw BridgeError(pipelineFailure: error)
            }
        case .file(let source, let order):
            let thread = Thread { [self] in make(order, of: source) }
            thread.name = "picture"
            thread.start()
        }
        context.events(.started)
    }

    func handle(_ command: PipelineCommand) async {
        guard case .picture(let order) = command else { return }
        live?.order(order)
    }

    func stop(deadline: Duration) async -> PipelineResult {
        isCancelled.withLock { $0 = true }
        live?.stop()
        live = nil
        return PipelineResult()
    }

    func statistics() async -> PipelineStats { PipelineStats() }

    /// On a thread of its own.
    private nonisolated func make(_ order: PictureOrder, of source: PictureSource) {
        do throws(BridgeError) {
            let picture = try FilePicture.decode(source) { self.isCancelled.withLock { $0 } }
            let made = try PictureEncoder.encode(picture, order.spec)
            try PictureWriter.save(made.bytes, to: order.path)
            let takenAt = source.startedAt.advanced(by: .nanoseconds(Int64(clamping: picture.time)))
            context.events(.picture(PictureResult(number: order.number, takenAt: takenAt, width: made.width, height: made.height)))
        } catch {
            context.events(.pictureFailed(number: order.number, error))
        }
        context.events(.finished(bytes: 0, duration: .zero))
    }
}
