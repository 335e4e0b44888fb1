internal import Bridge
internal import BridgeModel
internal import LinuxIO
internal import Logging

/// All children of this bridge: warm ones, working ones, and those that have closed but are not reaped.
///
/// Unchecked: every member is touched on the loop's thread only.
final class ChildYard: @unchecked Sendable {
    private let settings: PipelineSettings
    private let executable: String
    private let environment: [String: String]
    private let logger: Logger
    weak var loop: DescriptorLoop?
    private var warm: [SupervisedChild] = []
    private(set) var working: [PipelineID: SupervisedChild] = [:]
    /// Closed or dying: only waitpid is left to do.
    private var leaving: [SupervisedChild] = []
    private var isClosing = false
    /// After a warm child could not start, the next try waits; launches say why.
    private var refillPause = 0
    /// Ten seconds of the loop's quarter-second ticks.
    private static let pauseTicks = 40

    init(settings: PipelineSettings, executable: String, environment: [String: String], logger: Logger) {
        self.settings = settings
        self.executable = executable
        self.environment = environment
        self.logger = logger
    }

    var isEmpty: Bool { warm.isEmpty && working.isEmpty && leaving.isEmpty }

    private var now: MonotonicTime { MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds) }

    func launch(_ plan: PipelinePlan) -> Result<LaunchedPipeline, BridgeError> {
        guard !isClosing else { return .failure(BridgeError(.unavailable, "The bridge is shutting down.")) }
        guard working.count < settings.maximum else {
            return .failure(
                BridgeError(.limitReached, "\(settings.maximum) pipelines run already; raise pipelines.maximum or try again later."))
        }
        do throws(SystemError) {
            let pairs = try MediaPairs.make(count: plan.tracks.count)
            let child = try takeChild(for: plan, elseClosing: pairs)
            let (events, owner) = AsyncStream.makeStream(of: PipelineEvent.self)
            child.begin(plan, descriptors: pairs.map(\.far), owner: owner)
            pairs.forEach { closeDescriptor($0.far) }
            working[plan.pipeline] = child
            refill()
            return .success(
                LaunchedPipeline(id: plan.pipeline, media: pairs.map { MediaDescriptor($0.near) }, events: events) {
                    [weak loop, self] command, descriptors in
                    guard let loop else { return descriptors.forEach(closeDescriptor) }
                    loop.post { self.deliver(command, descriptors, to: plan.pipeline) }
                })
        } catch {
            return .failure(BridgeError(.pipelineUnavailable, "No pipeline process could be started (\(error)); see viaduct doctor."))
        }
    }

    /// Brings the number of warm children up to the setting.
    func refill() {
        guard !isClosing, refillPause == 0 else { return }
        while warm.count < settings.warm {
            do {
                warm.append(try spawn())
            } catch {
                refillPause = Self.pauseTicks
                logger.error("no pipeline process could be started", metadata: ["error": "\(error)"])
                return
            }
        }
    }

    /// Whether a child has shown that children start: true when one waits, ready; false while one is on its way.
    func hasStarted() -> Result<Bool, BridgeError> {
        if warm.contains(where: \.isReady) { return .success(true) }
        guard warm.isEmpty else { return .success(false) }
        guard !isClosing, refillPause == 0 else {
            return .failure(BridgeError(.pipelineUnavailable, "The last pipeline process could not start; see viaduct doctor."))
        }
        do throws(SystemError) {
            warm.append(try spawn())
            return .success(false)
        } catch {
            refillPause = Self.pauseTicks
            return .failure(BridgeError(.pipelineUnavailable, "No pipeline process could be started: \(error)."))
        }
    }

    func tick() {
        refillPause = max(0, refillPause - 1)
        let now = now
        for child in warm + Array(working.values) + leaving { child.tick(now: now) }
        reapLeaving()
        refill()
    }

    func close() {
        isClosing = true
        for child in warm { child.stop(deadline: .zero, now: now) }
        for child in working.values { child.stop(deadline: .seconds(3), now: now) }
    }

    func killAll() {
        let all = warm + Array(working.values) + leaving
        for child in all { child.process.kill() }
        for child in all {
            loop?.remove(child.control.descriptor)
            _ = child.reap(blocking: true)
        }
        (warm, working, leaving) = ([], [:], [])
    }

    /// Closes the descriptors: the child has its own of them.
    private func deliver(_ command: PipelineCommand, _ descriptors: [Int32], to pipeline: PipelineID) {
        defer { descriptors.forEach(closeDescriptor) }
        guard let child = working[pipeline] else { return }
        guard case .stop(let deadline) = command else { return child.say(command, descriptors: descriptors) }
        child.stop(deadline: deadline, now: now)
    }

    /// A warm child, a ready one first, or a new one. What needs no GStreamer gets a child without it, which is ready at once.
    private func takeChild(
        for plan: PipelinePlan, elseClosing pairs: [(near: Int32, far: Int32)]
    ) throws(SystemError) -> SupervisedChild {
        if plan.needsGStreamer, let index = warm.firstIndex(where: \.isReady) ?? warm.indices.first { return warm.remove(at: index) }
        do {
            return try spawn(withGStreamer: plan.needsGStreamer)
        } catch {
            for pair in pairs { [pair.near, pair.far].forEach(closeDescriptor) }
            throw error
        }
    }

    private func spawn(withGStreamer: Bool = true) throws(SystemError) -> SupervisedChild {
        let (near, far) = try SocketPair.stream()
        defer { closeDescriptor(far) }
        let control = ControlSocket(descriptor: near)
        let arguments = ["--descriptors", String(settings.fileDescriptors)] + (withGStreamer ? [] : ["--without-gstreamer"])
        let process = try ChildProcess.spawn(path: executable, arguments: arguments, environment: environment, control: far)
        let limits = ChildWatch.Limits(silence: settings.watchdog, memoryBytes: UInt64(max(0, settings.memoryBytes)))
        let child = SupervisedChild(process: process, control: control, limits: limits, now: now)
        loop?.add(control.descriptor) { [weak self, weak child] in
            guard let self, let child else { return }
            listen(to: child)
        }
        return child
    }

    private func listen(to child: SupervisedChild) {
        guard child.listen(now: now) else { return }
        loop?.remove(child.control.descriptor)
        leaving.append(child)
        if warm.contains(where: { $0 === child }) { warmChildEnded(child) }
        for (id, other) in working where other === child { working[id] = nil }
        reapLeaving()
    }

    private func warmChildEnded(_ child: SupervisedChild) {
        warm.removeAll { $0 === child }
        guard !isClosing, !child.isReady else { return }
        // It died before it was ready: whatever is wrong would be wrong again at once.
        refillPause = Self.pauseTicks
        logger.error("a pipeline process ended while it was starting; see viaduct doctor")
    }

    private func reapLeaving() {
        leaving.removeAll { $0.reap() }
    }
}

/// The sockets of tracks: the hub's ends and the child's.
enum MediaPairs {
    static func make(count: Int) throws(SystemError) -> [(near: Int32, far: Int32)] {
        var pairs: [(near: Int32, far: Int32)] = []
        do throws(SystemError) {
            for _ in 0..<count { pairs.append(try SocketPair.datagram()) }
        } catch {
            for pair in pairs { [pair.near, pair.far].forEach(closeDescriptor) }
            throw error
        }
        return pairs
    }
}

/// A child as its owner holds it.
struct LaunchedPipeline: RunningPipeline {
    let id: PipelineID
    let media: [MediaDescriptor]
    let events: AsyncStream<PipelineEvent>
    /// With descriptors for the child, which it closes.
    let deliver: @Sendable (PipelineCommand, [Int32]) -> Void

    func send(_ command: PipelineCommand) { deliver(command, []) }

    func send(_ command: PipelineCommand, sockets: Int) throws(BridgeError) -> [MediaDescriptor] {
        do throws(SystemError) {
            let pairs = try MediaPairs.make(count: sockets)
            deliver(command, pairs.map(\.far))
            return pairs.map { MediaDescriptor($0.near) }
        } catch {
            throw BridgeError(.unavailable, "No sockets could be made for the stream (\(error)); raise the limit of open files.")
        }
    }
}
