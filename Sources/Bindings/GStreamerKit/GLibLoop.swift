internal import CGStreamer
internal import Synchronization

/// A GLib main loop on a thread of its own, as the executor of actors: everything that such an actor does happens on this thread.
///
/// From other threads `post` is FIFO and returns at once. `shutDown` runs what was posted before it, ends the thread and joins it.
package final class GLibLoop: SerialExecutor, @unchecked Sendable {
    // Unchecked: both handles are immutable and thread-safe by GLib's contract; `thread` is guarded by `ending`.
    private let context: OpaquePointer
    private let loop: OpaquePointer
    private let ending = Mutex<ThreadHandle?>(nil)

    /// Starts the loop's thread.
    package init(name: String = "glib-loop") {
        context = g_main_context_new()
        loop = g_main_loop_new(context, 0)
        let thread = g_thread_new(name, runLoop, Unmanaged.passRetained(LoopStart(context: context, loop: loop)).toOpaque())
        let handle = ThreadHandle(thread: thread)
        ending.withLock { $0 = handle }
    }

    deinit {
        g_main_loop_unref(loop)
        g_main_context_unref(context)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        post { unowned.runSynchronously(on: executor) }
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    package func checkIsolated() { precondition(g_main_context_is_owner(context) != 0, "off the GLib loop") }

    package func isIsolatingCurrentContext() -> Bool? { g_main_context_is_owner(context) != 0 }

    /// Runs `body` on the loop, after what was posted before it.
    package func post(_ body: @escaping @Sendable () -> Void) {
        attach(g_idle_source_new(), priority: G_PRIORITY_DEFAULT, repeats: false) {
            body()
            return false
        }
    }

    /// Runs `body` on the loop once, `delay` from now at the earliest.
    @discardableResult
    package func schedule(after delay: Duration, _ body: @escaping @Sendable () -> Void) -> GLibTimer {
        let source: UnsafeMutablePointer<GSource> = g_timeout_source_new(milliseconds(delay))
        let timer = GLibTimer(retaining: source)
        attach(source, priority: G_PRIORITY_DEFAULT, repeats: false) {
            body()
            return false
        }
        return timer
    }

    /// Runs `body` on the loop every `interval` until the timer is cancelled.
    package func scheduleRepeating(every interval: Duration, _ body: @escaping @Sendable () -> Void) -> GLibTimer {
        let source: UnsafeMutablePointer<GSource> = g_timeout_source_new(milliseconds(interval))
        let timer = GLibTimer(retaining: source)
        attach(source, priority: G_PRIORITY_DEFAULT, repeats: true) {
            body()
            return true
        }
        return timer
    }

    /// Runs what was posted so far, then ends the thread and waits for it. Never call it on the loop; a second call does nothing.
    package func shutDown() {
        precondition(g_main_context_is_owner(context) == 0, "the loop cannot join itself")
        let running = ending.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let running else { return }
        let loop = self.loop
        nonisolated(unsafe) let handle = loop  // thread-safe: g_main_loop_quit may be called from any thread
        attach(g_idle_source_new(), priority: G_PRIORITY_LOW, repeats: false) {
            g_main_loop_quit(handle)
            return false
        }
        g_thread_join(running.thread)
    }

    private func attach(
        _ source: UnsafeMutablePointer<GSource>?, priority: Int32, repeats: Bool, _ body: @escaping @Sendable () -> Bool
    ) {
        guard let source else { return }
        g_source_set_priority(source, priority)
        g_source_set_callback(source, runBody, Unmanaged.passRetained(LoopBody(body)).toOpaque(), releaseBody)
        g_source_attach(source, context)
        g_source_unref(source)
    }

    private func milliseconds(_ duration: Duration) -> UInt32 {
        let parts = duration.components
        return UInt32(clamping: parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000)
    }
}

/// A timer on a `GLibLoop`; cancelling it from any thread keeps later firings away.
package final class GLibTimer: @unchecked Sendable {
    // Unchecked: an owned GSource, whose destroy is thread-safe once attached.
    private let source: UnsafeMutablePointer<GSource>

    fileprivate init(retaining source: UnsafeMutablePointer<GSource>) { self.source = g_source_ref(source) }

    deinit { g_source_unref(source) }

    /// Stops the timer; a body that runs at this moment on the loop is not waited for.
    package func cancel() { g_source_destroy(source) }
}

private struct ThreadHandle: @unchecked Sendable {
    // Unchecked: immutable; joined by whoever takes it out of the lock.
    let thread: UnsafeMutablePointer<GThread>?
}

private final class LoopStart {
    let context: OpaquePointer
    let loop: OpaquePointer
    init(context: OpaquePointer, loop: OpaquePointer) {
        self.context = g_main_context_ref(context)
        self.loop = g_main_loop_ref(loop)
    }
    deinit {
        g_main_loop_unref(loop)
        g_main_context_unref(context)
    }
}

private final class LoopBody {
    let run: @Sendable () -> Bool
    init(_ run: @escaping @Sendable () -> Bool) { self.run = run }
}

private let runLoop: @convention(c) (gpointer?) -> gpointer? = { argument in
    guard let argument else { return nil }
    let start = Unmanaged<LoopStart>.fromOpaque(argument).takeRetainedValue()
    g_main_context_push_thread_default(start.context)
    g_main_loop_run(start.loop)
    g_main_context_pop_thread_default(start.context)
    return nil
}

private let runBody: @convention(c) (gpointer?) -> gboolean = { argument in
    guard let argument else { return 0 }
    return Unmanaged<LoopBody>.fromOpaque(argument).takeUnretainedValue().run() ? 1 : 0
}

private let releaseBody: @convention(c) (gpointer?) -> Void = { argument in
    guard let argument else { return }
    Unmanaged<LoopBody>.fromOpaque(argument).release()
}
