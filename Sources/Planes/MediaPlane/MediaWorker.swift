import Bridge
import BridgeModel
import LinuxIO
import Synchronization

/// What a worker is asked to do, in the order of the calls.
enum WorkerCommand: Sendable {
    case publish(StreamID, [TrackDescription], [MediaDescriptor])
    case unpublish(StreamID, StreamSource)
    case subscribe(Subscription)
    case unsubscribe(PipelineID)
    case requestKeyframe(StreamID, UInt8)
    case keepPreRoll(StreamID, Duration)
    case statistics(StreamID, CheckedContinuation<StreamStatistics?, Never>)
    case totals(CheckedContinuation<HubTotals, Never>)
    case edge(EdgeCommand)
    case replica(ReplicaCommand)
    case shutdown
}

/// A subscriber's wish: sink `n` gets track `tracks[n]`.
struct Subscription: Sendable {
    var subscriber: PipelineID
    var stream: StreamID
    var tracks: [UInt8]
    var sinks: [MediaDescriptor]
    var timing: SubscriptionTiming
}

/// Commands on their way to a worker's thread.
final class Mailbox: Sendable {
    private struct State {
        var commands: [WorkerCommand] = []
        var isClosed = false
    }

    /// Readable while there are commands.
    let wakeUp: EventFD
    private let state = Mutex(State())

    init() throws(SystemError) { wakeUp = try EventFD() }

    /// False when the worker has ended: the command was not taken.
    func post(_ command: WorkerCommand) -> Bool {
        let (isTaken, wasEmpty) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.commands.append(command)
            return (true, state.commands.count == 1)
        }
        if wasEmpty { wakeUp.signal() }
        return isTaken
    }

    /// Takes everything out.
    func takeAll() -> [WorkerCommand] {
        wakeUp.drain()
        return state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Takes everything out and lets nothing in any more.
    func close() -> [WorkerCommand] {
        state.withLock { state in
            defer { state = State(commands: [], isClosed: true) }
            return state.commands
        }
    }
}

/// Carries the epoll descriptor to the worker's thread: it is made before, so that a lack of descriptors is an error of the caller's.
private final class EpollHandover: Sendable {
    private let epoll: Mutex<Epoll?>

    init(_ epoll: consuming sending Epoll) { self.epoll = Mutex(epoll) }

    func take() -> Epoll? {
        epoll.withLock { $0.take() }
    }
}

/// One media worker: a thread that runs a `MediaLoop`, and the mailbox into it.
final class MediaWorker: Sendable {
    private let mailbox: Mailbox
    private let thread: JoinableThread
    /// How busy it is.
    let load = WorkerLoad()

    /// `mailboxes` are those of all workers, in order; this one's is number `number`.
    init(number: Int, mailboxes: [Mailbox], options: HubOptions, edge: EdgeWorkerParts?) throws(SystemError) {
        let handover = EpollHandover(try Epoll())
        mailbox = mailboxes[number]
        let load = load
        thread = try JoinableThread(name: "media-\(number)") {
            guard let epoll = handover.take() else { return }
            var loop = MediaLoop(epoll: epoll, mailboxes: mailboxes, number: number, options: options, edge: edge)
            loop.run(load)
        }
    }

    func post(_ command: WorkerCommand) {
        if !mailbox.post(command) { command.decline() }
    }

    func join() { thread.join() }
}

extension WorkerCommand {
    /// What is owed when no worker will do the command: descriptors are closed, questions are answered.
    func decline() {
        switch self {
        case .publish(_, _, let sources): for source in sources { closeDescriptor(source.rawValue) }
        case .subscribe(let subscription): for sink in subscription.sinks { closeDescriptor(sink.rawValue) }
        case .statistics(_, let continuation): continuation.resume(returning: nil)
        case .totals(let continuation): continuation.resume(returning: HubTotals())
        case .edge(let command): command.decline()
        case .unpublish, .unsubscribe, .requestKeyframe, .keepPreRoll, .replica, .shutdown: break
        }
    }
}
