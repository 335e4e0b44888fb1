internal import BridgeModel
internal import LinuxIO
package import LoadGeneration
package import SecureTransport
internal import Synchronization

/// One thread with all peers of a run. Safe from any thread and task.
package final class LoadLoop: Sendable {
    private struct Mailbox {
        var commands: [@Sendable (LoadWorker) -> Void] = []
        var isStopping = false
        var nextPeer: UInt64 = 1
    }

    private let mailbox = Mutex(Mailbox())
    private let wakeUp: EventFD
    private let thread = Mutex<JoinableThread?>(nil)

    /// Starts the thread. `context` has the certificate of all peers, `streams` is how many are watched.
    package init(context: DTLSContext, streams: Int) throws {
        wakeUp = try EventFD()
        let worker = UncheckedWorker(try LoadWorker(context: context, wakeUp: wakeUp, streams: streams))
        let started = try JoinableThread(name: "load") { [self] in run(worker.worker) }
        thread.withLock { $0 = started }
    }

    /// Hands the worker to its thread: nobody else has it.
    private struct UncheckedWorker: @unchecked Sendable {
        // Unchecked: made by the initialiser, which lets go of it when the thread has it.
        let worker: LoadWorker
        init(_ worker: LoadWorker) { self.worker = worker }
    }

    /// Makes a peer that joins. Returns when it has: a viewer its first packet, a publisher its keys. Throws why not.
    package func join(_ plan: PeerPlan) async throws(JoinFailure) -> PeerID {
        let id = mailbox.withLock { state in
            defer { state.nextPeer += 1 }
            return PeerID(number: state.nextPeer)
        }
        let failure: JoinFailure? = await withCheckedContinuation { continuation in
            post { worker in worker.join(plan, as: id) { continuation.resume(returning: $0) } }
        }
        guard let failure else { return id }
        post { worker in _ = worker.leave(id, saysGoodbye: false) }
        throw failure
    }

    /// Ends a peer; nil when it had not joined. `saysGoodbye`: by DTLS, for servers that are not told otherwise.
    package func leave(_ id: PeerID, saysGoodbye: Bool) async -> PeerRecord? {
        await ask { $0.leave(id, saysGoodbye: saysGoodbye) }
    }

    /// Every join that goes on fails now with `stopped`.
    package func abandonJoins() { post { $0.abandonJoins() } }

    /// Measures from now on.
    package func beginWindow() { post { $0.beginWindow() } }

    /// What was measured since `beginWindow`.
    package func endWindow() async -> WindowTally { await ask { $0.endWindow() } }

    /// Media packets that all viewers received so far.
    package func packets() async -> UInt64 { await ask { $0.packets } }

    /// Ends the thread; peers that are left go without a word. Nothing may be asked any more.
    package func stop() {
        mailbox.withLock { $0.isStopping = true }
        wakeUp.signal()
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func ask<Answer: Sendable>(_ question: @escaping @Sendable (LoadWorker) -> Answer) async -> Answer {
        await withCheckedContinuation { continuation in
            post { worker in continuation.resume(returning: question(worker)) }
        }
    }

    private func post(_ command: @escaping @Sendable (LoadWorker) -> Void) {
        let wasEmpty = mailbox.withLock { state in
            state.commands.append(command)
            return state.commands.count == 1
        }
        if wasEmpty { wakeUp.signal() }
    }

    private func run(_ worker: LoadWorker) {
        while true {
            let (commands, isStopping) = mailbox.withLock { state in
                defer { state.commands = [] }
                return (state.commands, state.isStopping)
            }
            for command in commands { command(worker) }
            guard !isStopping else { return }
            do throws(SystemError) {
                try worker.turn()
            } catch {
                // epoll_wait of a valid descriptor fails for no reason that passes.
                preconditionFailure(error.description)
            }
            wakeUp.drain()
        }
    }
}
