package import Bridge
package import BridgeModel
internal import LinuxIO
package import Logging

/// Starts children, watches over them and keeps a few warm ones, so that a session does not wait for GStreamer to load.
///
/// Children, their sockets and their watches live on one loop thread; callers post to it.
package final class PipelineSupervisor: PipelineLauncher, Sendable {
    private let yard: ChildYard
    private let loop: DescriptorLoop

    /// Starts the loop and the first warm children.
    ///
    /// - Parameters:
    ///   - executable: absolute path of `viaduct-pipeline`.
    ///   - environment: the children's whole environment.
    package init(
        settings: PipelineSettings, executable: String, environment: [String: String], logger: Logger
    ) throws(BridgeError) {
        let yard = ChildYard(settings: settings, executable: executable, environment: environment, logger: logger)
        do {
            loop = try DescriptorLoop(tick: .milliseconds(250)) { yard.tick() }
        } catch {
            throw BridgeError(.pipelineUnavailable, "The pipeline loop could not start: \(error).")
        }
        self.yard = yard
        loop.post { [loop] in
            yard.loop = loop
            yard.refill()
        }
    }

    package func launch(_ plan: PipelinePlan) async throws(BridgeError) -> any RunningPipeline {
        let result: Result<LaunchedPipeline, BridgeError> = await withCheckedContinuation { continuation in
            loop.post { [yard] in continuation.resume(returning: yard.launch(plan)) }
        }
        return try result.get()
    }

    package func checkStart() async throws(BridgeError) {
        let end = ContinuousClock.now + Self.startLimit
        while ContinuousClock.now < end {
            let state: Result<Bool, BridgeError> = await withCheckedContinuation { continuation in
                loop.post { [yard] in continuation.resume(returning: yard.hasStarted()) }
            }
            if try state.get() { return }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { break }
        }
        throw BridgeError(.pipelineUnavailable, "A pipeline process was not ready within \(Self.startLimit).")
    }

    /// A cold start of GStreamer with an empty registry takes a few seconds.
    private static let startLimit = Duration.seconds(15)

    package var runningCount: Int {
        get async {
            await withCheckedContinuation { continuation in
                loop.post { [yard] in continuation.resume(returning: yard.working.count) }
            }
        }
    }

    /// Process ids of the running children by pipeline, for fault injection and the doctor.
    package var processes: [PipelineID: Int32] {
        get async {
            await withCheckedContinuation { continuation in
                loop.post { [yard] in continuation.resume(returning: yard.working.mapValues(\.process.pid)) }
            }
        }
    }

    /// Closes every child's control socket (each finishes what it does and exits), ends those that do not within `grace`, and stops the loop.
    package func shutdown(grace: Duration) async {
        loop.post { [yard] in yard.close() }
        let end = ContinuousClock.now + grace
        while await !isEmpty, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(20))
        }
        await withCheckedContinuation { continuation in
            loop.post { [yard] in
                yard.killAll()
                continuation.resume()
            }
        }
        loop.stop()
    }

    private var isEmpty: Bool {
        get async {
            await withCheckedContinuation { continuation in
                loop.post { [yard] in continuation.resume(returning: yard.isEmpty) }
            }
        }
    }
}
