internal import CWebSockets
internal import CWebSocketsShims
import Glibc
import Synchronization

/// One thread that runs one libwebsockets context, and the executor of the actor that owns its sockets.
///
/// Every libwebsockets call happens on this thread but `lws_cancel_service`, which is made for others. The thread keeps the loop alive until
/// `stop()`; then the context is destroyed, which closes its sockets, and what was posted is still run.
///
/// Unchecked Sendable: `context` and `owner` are set before the thread exists and afterwards touched by that thread only; the rest is under `mailbox`.
final class ServiceLoop: SerialExecutor, @unchecked Sendable {
    private enum Item {
        case job(UnownedJob)
        case work(@Sendable () -> Void)
    }

    private enum Phase {
        case idle
        case running
        case stopping
        case ended
    }

    private struct Mailbox {
        var items: [Item] = []
        var phase = Phase.idle
        /// The loop's thread, once it has begun.
        var thread: pthread_t?
        /// Set while the context lives, for `lws_cancel_service`.
        nonisolated(unsafe) var wakeable: OpaquePointer?  // used under the mailbox's lock only
    }

    /// What one pass of the loop reads from a socket, and the most that one write takes.
    static let bufferBytes = 64 * 1024

    private let mailbox = Mutex(Mailbox())
    /// The context; nil before the start and after the end. For the loop's thread only.
    private(set) var context: OpaquePointer?
    /// What `lws_context_user` returns, retained until the context is gone.
    private var owner: Unmanaged<AnyObject>?

    /// Creates the context and starts the thread, which keep `owner` alive until the loop has ended; false when libwebsockets fails.
    func start(owner object: AnyObject) -> Bool {
        LibraryLog.install()
        // A write to a lost connection must be an error, not a signal.
        signal(SIGPIPE, SIG_IGN)
        var info = lws_context_creation_info()
        info.port = CONTEXT_PORT_NO_LISTEN
        info.options = viaduct_lws_context_options()
        let owner = Unmanaged.passRetained(object)
        info.user = owner.toOpaque()
        info.pt_serv_buf_size = UInt32(Self.bufferBytes)
        guard let created = lws_create_context(&info) else {
            owner.release()
            return false
        }
        context = created
        self.owner = owner
        mailbox.withLock { mailbox in
            mailbox.phase = .running
            mailbox.wakeable = created
        }
        let retained = Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        guard pthread_create(&thread, nil, runLoop, retained) == 0 else {
            Unmanaged<ServiceLoop>.fromOpaque(retained).release()
            end()
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// Ends the loop after what was posted before. Returns at once.
    func stop() {
        post { [self] in mailbox.withLock { $0.phase = .stopping } }
    }

    /// Runs `work` on the loop, in the order of the calls; on the caller's thread at once when the loop has ended or never ran.
    func post(_ work: @escaping @Sendable () -> Void) {
        if !add(.work(work)) { work() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !add(.job(job)) { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    func checkIsolated() { precondition(isIsolatingCurrentContext() == true, "off the front door's loop") }

    /// True on the loop's thread, and anywhere once no loop runs, when nothing is left that two threads could share.
    func isIsolatingCurrentContext() -> Bool? {
        mailbox.withLock { mailbox in
            switch mailbox.phase {
            case .idle, .ended: true
            case .running, .stopping: mailbox.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false
            }
        }
    }

    private func add(_ item: Item) -> Bool {
        mailbox.withLock { mailbox in
            guard mailbox.phase == .running || mailbox.phase == .stopping else { return false }
            mailbox.items.append(item)
            // Under the lock, so that the context cannot go away in between.
            if mailbox.items.count == 1, let context = mailbox.wakeable { lws_cancel_service(context) }
            return true
        }
    }

    fileprivate func run() {
        mailbox.withLock { $0.thread = pthread_self() }
        while !isStopping {
            guard lws_service(context, 0) >= 0 else { break }
            drain()
        }
        end()
    }

    private var isStopping: Bool { mailbox.withLock { $0.phase == .stopping } }

    private func drain() {
        let items = mailbox.withLock { mailbox in
            defer { mailbox.items.removeAll(keepingCapacity: true) }
            return mailbox.items
        }
        for item in items { run(item) }
    }

    private func run(_ item: Item) {
        switch item {
        case .work(let work): work()
        case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
        }
    }

    /// Destroys the context, which closes every socket, and runs what is left.
    private func end() {
        mailbox.withLock { $0.wakeable = nil }
        if let context { lws_context_destroy(context) }
        context = nil
        let rest = mailbox.withLock { mailbox in
            mailbox.phase = .ended
            return mailbox.items
        }
        for item in rest { run(item) }
        owner?.release()
        owner = nil
    }
}

private func runLoop(_ retained: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let retained else { return nil }
    viaduct_name_thread("front-door")
    Unmanaged<ServiceLoop>.fromOpaque(retained).takeRetainedValue().run()
    return nil
}
