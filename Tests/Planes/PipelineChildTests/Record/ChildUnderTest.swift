import Bridge
import BridgeModel
import Foundation
import LinuxIO
import Synchronization

@testable import PipelineChild

/// The real `viaduct-pipeline` as a child of the test, with its control socket.
final class ChildUnderTest: Sendable {
    let process: ChildProcess
    private let control: Mutex<ControlSocket?>
    private let shared: ChildEvents

    /// Without GStreamer, as the bridge starts it for files. `shell` wraps the child into a shell command, in which `"$0"` is the executable.
    init(shell: String? = nil) throws {
        let executable = Self.executable
        let (near, far) = try SocketPair.stream()
        let environment = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME", "LD_LIBRARY_PATH"].contains($0.key) }
        if let shell {
            process = try ChildProcess.spawn(path: "/bin/sh", arguments: ["-c", shell, executable], environment: environment, control: far)
        } else {
            process = try ChildProcess.spawn(
                path: executable, arguments: [PipelineProcess.withoutGStreamer], environment: environment, control: far)
        }
        closeDescriptor(far)
        let socket = ControlSocket(descriptor: near)
        let log = ChildEvents()
        control = Mutex(socket)
        shared = log
        Thread.detachNewThread {
            while case .frame(let bytes, _) = try? socket.receive(blocking: true) {
                if let event = try? JSONDecoder().decode(PipelineEvent.self, from: Data(bytes)) { log.add(event) }
            }
            log.close()
        }
    }

    /// Beside the test bundle, where SwiftPM builds it.
    private static var executable: String {
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
        return folder + "/viaduct-pipeline"
    }

    var events: [PipelineEvent] { shared.all }

    func send(_ command: PipelineCommand, descriptors: [Int32] = []) throws {
        let bytes = try JSONEncoder().encode(command)
        try control.withLock { try $0?.send(Array(bytes), descriptors: descriptors) }
    }

    /// Starts a plan and gives the child its ends of the media sockets.
    func run(_ work: PipelinePlan.Work, media: [Int32]) throws {
        try send(.plan(PipelinePlan(pipeline: PipelineID("p"), work: work)), descriptors: media)
        media.forEach(closeDescriptor)
    }

    /// As a bridge that dies.
    func closeControl() {
        control.withLock { socket in
            if let socket { _ = shutdown(socket.descriptor, Int32(SHUT_RDWR)) }
            socket = nil
        }
    }

    /// Looks often until it is true; false after `seconds`.
    func waits(_ seconds: Double, for isTrue: ([PipelineEvent]) -> Bool) async throws -> Bool {
        for _ in 0..<Int(seconds * 100) {
            if isTrue(events) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return isTrue(events)
    }

    /// Waits for the exit and for the last event; kills after `seconds`.
    func exit(within seconds: Double) async throws -> ChildProcess.Exit? {
        for _ in 0..<Int(seconds * 100) {
            if let exit = process.reap(blocking: false) {
                _ = try await waits(5) { _ in shared.isClosed }
                return exit
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        process.kill()
        _ = process.reap(blocking: true)
        return nil
    }
}

private final class ChildEvents: Sendable {
    private let state: Mutex<(events: [PipelineEvent], isClosed: Bool)> = Mutex(([], false))
    var all: [PipelineEvent] { state.withLock { $0.events } }
    var isClosed: Bool { state.withLock { $0.isClosed } }
    func add(_ event: PipelineEvent) { state.withLock { $0.events.append(event) } }
    func close() { state.withLock { $0.isClosed = true } }
}
