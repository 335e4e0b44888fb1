internal import Bridge
internal import BridgeModel
internal import FoundationEssentials
internal import LinuxIO

/// One child process and its conversation. Lives on the supervisor's loop.
///
/// Unchecked: every member is touched on the loop's thread only.
final class SupervisedChild: @unchecked Sendable {
    let process: ChildProcess
    let control: ControlSocket
    private(set) var watch: ChildWatch
    private(set) var isReady = false
    private(set) var isGone = false
    private var owner: AsyncStream<PipelineEvent>.Continuation?
    private var lastMemoryLook: MonotonicTime
    private var resident: UInt64 = 0

    init(process: ChildProcess, control: ControlSocket, limits: ChildWatch.Limits, now: MonotonicTime) {
        self.process = process
        self.control = control
        watch = ChildWatch(limits: limits, now: now)
        lastMemoryLook = now
    }

    /// Gives the child its plan; from now on `owner` hears what it says.
    func begin(_ plan: PipelinePlan, descriptors: [Int32], owner: AsyncStream<PipelineEvent>.Continuation) {
        self.owner = owner
        say(.plan(plan), descriptors: descriptors)
    }

    func say(_ command: PipelineCommand, descriptors: [Int32] = []) {
        guard !isGone else { return }
        do {
            try control.send(Array(JSONEncoder().encode(command)), descriptors: descriptors, blocking: false)
        } catch let error as SystemError where error.isBrokenPipe {
            // It is dying: the end of its socket tells.
        } catch {
            carryOut(watch.unreachable())
        }
    }

    func stop(deadline: Duration, now: MonotonicTime) {
        watch.stopRequested(deadline: deadline, now: now)
        say(.stop(deadline: deadline))
    }

    /// Reads all that has come. True when the child closed its end.
    func listen(now: MonotonicTime) -> Bool {
        while true {
            guard let received = try? control.receive(blocking: false) else { return true }
            switch received {
            case .wouldBlock: return false
            case .end: return true
            case .frame(let bytes, let descriptors):
                descriptors.forEach(closeDescriptor)  // children have nothing to give
                guard let event = try? JSONDecoder().decode(PipelineEvent.self, from: Data(bytes)) else {
                    carryOut(watch.unreachable())
                    continue
                }
                hear(event, now: now)
            }
        }
    }

    func tick(now: MonotonicTime) {
        if now.duration(since: lastMemoryLook) >= .seconds(1) {
            lastMemoryLook = now
            resident = process.residentBytes ?? 0
        }
        carryOut(watch.tick(now: now, residentBytes: resident))
    }

    /// Reaps the process if it has ended; true when it is gone now.
    func reap(blocking: Bool = false) -> Bool {
        guard !isGone else { return true }
        guard let exit = process.reap(blocking: blocking) else { return false }
        isGone = true
        if let last = watch.exited(exit.told) { owner?.yield(last) }
        owner?.finish()
        return true
    }

    private func hear(_ event: PipelineEvent, now: MonotonicTime) {
        if event == .ready { isReady = true }
        guard watch.heard(event, now: now), event != .alive, event != .ready else { return }
        owner?.yield(event)
    }

    private func carryOut(_ effects: [ChildWatch.Effect]) {
        for effect in effects {
            switch effect {
            case .ping: say(.ping)
            case .kill: process.kill()
            }
        }
    }
}

extension ChildProcess.Exit {
    fileprivate var told: ChildWatch.Exit {
        switch self {
        case .status(let code): .status(code)
        case .signal(let number): .signal(number)
        }
    }
}

extension SystemError {
    fileprivate var isBrokenPipe: Bool { number == 32 || number == 104 }  // EPIPE, ECONNRESET (errno(3))
}
