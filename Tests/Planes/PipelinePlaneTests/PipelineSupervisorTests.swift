import Bridge
import BridgeModel
import Foundation
import LinuxIO
import Logging
import PipelinePlane
import Testing

/// The children here are shell and Python scripts that speak the control protocol: this is about processes, not about media.
@Suite struct PipelineSupervisorTests {
    /// Runs what `SCRIPT` in its environment says. A file of the repository, not one that the test writes: a program cannot be started while
    /// somebody has it open for writing, such as a child that another test is just about to start.
    private let child = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "child.py").path

    private func supervisor(
        _ script: String, warm: Int = 0, watchdog: Duration = .seconds(5), memory: Int = 1 << 30
    ) throws -> PipelineSupervisor {
        var settings = PipelineSettings()
        settings.warm = warm
        settings.watchdog = watchdog
        settings.memoryBytes = memory
        settings.maximum = 3
        return try PipelineSupervisor(
            settings: settings, executable: child, environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "SCRIPT": script],
            logger: Logger(label: "test"))
    }

    private func plan(_ id: String = "p", tracks: Int = 2) -> PipelinePlan {
        let tracks = (0..<UInt8(tracks)).map { TrackDescription(index: $0, codec: .vp8, payloadType: 96, mid: "\($0)") }
        return PipelinePlan(
            pipeline: PipelineID(id),
            work: .record(
                RecordPlan(
                    tracks: tracks, container: .webm, fragment: .seconds(1), path: "/x", wallClockOffset: .zero,
                    firstMediaTimeout: .seconds(1))))
    }

    private func all(_ pipeline: any RunningPipeline) async -> [PipelineEvent] {
        var events: [PipelineEvent] = []
        for await event in pipeline.events { events.append(event) }
        return events
    }

    private func lastCode(_ events: [PipelineEvent]) -> BridgeError.Code? {
        guard case .failed(let error)? = events.last else { return nil }
        return error.code
    }

    @Test func aChildGetsItsPlanItsSocketsAndItsCommands() async throws {
        let supervisor = try supervisor(
            """
            command = hear()
            os.write(descriptors[1], b'media')
            say({'finished': {'bytes': len(descriptors), 'duration': [0, 0]}}) if 'stop' in command else say({'alive': {}})
            """)
        let pipeline = try await supervisor.launch(plan())
        pipeline.send(.stop(deadline: .seconds(1)))
        #expect(await all(pipeline) == [.started, .finished(bytes: 2, duration: .zero)])
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(read(pipeline.media[1].rawValue, &bytes, bytes.count) == 5)
        pipeline.media.forEach { closeDescriptor($0.rawValue) }
        await supervisor.shutdown(grace: .seconds(1))
    }

    @Test func aCrashCostsOnePipelineAndHasAName() async throws {
        let supervisor = try supervisor("os.kill(os.getpid(), signal.SIGSEGV)", warm: 1)
        let pipeline = try await supervisor.launch(plan(tracks: 0))
        #expect(lastCode(await all(pipeline)) == .pipelineCrashed)
        #expect(await supervisor.runningCount == 0)
        await supervisor.shutdown(grace: .seconds(1))
    }

    @Test func aHungChildIsEnded() async throws {
        let supervisor = try supervisor("os.kill(os.getpid(), signal.SIGSTOP)", watchdog: .milliseconds(600))
        let pipeline = try await supervisor.launch(plan(tracks: 0))
        #expect(lastCode(await all(pipeline)) == .pipelineHung)
        await supervisor.shutdown(grace: .seconds(1))
    }

    @Test func aGreedyChildIsEnded() async throws {
        let supervisor = try supervisor("x = b'x' * (80 << 20)\nwhile True: hear(); say({'alive': {}})", memory: 64 << 20)
        let pipeline = try await supervisor.launch(plan(tracks: 0))
        #expect(lastCode(await all(pipeline)) == .pipelineOverLimit)
        await supervisor.shutdown(grace: .seconds(1))
    }

    @Test func thereIsARoomForSoManyAndNoMore() async throws {
        let supervisor = try supervisor("while True: hear(); say({'alive': {}})")
        var pipelines: [any RunningPipeline] = []
        for number in 0..<3 { pipelines.append(try await supervisor.launch(plan("p\(number)", tracks: 0))) }
        await #expect(throws: BridgeError.self) { try await supervisor.launch(plan("p3", tracks: 0)) }
        #expect(await supervisor.runningCount == 3)
        await supervisor.shutdown(grace: .milliseconds(300))
        for pipeline in pipelines { #expect(lastCode(await all(pipeline)) != nil) }
    }

    @Test func aMissingProgramIsSaidInOneSentence() async throws {
        let supervisor = try PipelineSupervisor(
            settings: PipelineSettings(), executable: "/nonexistent/viaduct-pipeline", environment: [:], logger: Logger(label: "test"))
        await #expect(throws: BridgeError.self) { try await supervisor.launch(plan()) }
        await supervisor.shutdown(grace: .seconds(1))
    }

    @Test func garbageFromAChildEndsIt() async throws {
        let supervisor = try supervisor("control.sendall(struct.pack('>I', 5) + b'hello')\nwhile True: hear()")
        let pipeline = try await supervisor.launch(plan(tracks: 0))
        #expect(lastCode(await all(pipeline)) == .pipelineHung)
        await supervisor.shutdown(grace: .seconds(1))
    }
}
