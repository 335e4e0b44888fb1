internal import CLinux
internal import Glibc
internal import Synchronization

/// A thread of our own that can be waited for: for loops that live outside of Swift's pool.
package final class JoinableThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let handle: Mutex<pthread_t?>

    /// Starts a thread that runs `body`. `name` shows in tools, cut to 15 bytes (PR_SET_NAME).
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(
            Body {
                clinux_name_thread(name)
                body()
            })
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard status == 0 else {
            box.release()
            throw SystemError(call: "pthread_create", number: status)
        }
        handle = Mutex(thread)
    }

    /// Waits until the body has returned. Call it from another thread; a second call does nothing. Without it the thread's remains stay.
    package func join() {
        let thread = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        guard let thread else { return }
        pthread_join(thread, nil)
    }
}

/// Keeps a thread of this process on one processor: `thread` is its number in `/proc/self/task`, 0 the calling one. Throws the failed system call.
package func pinThread(_ thread: Int32, toProcessor processor: Int32) throws(SystemError) {
    let status = clinux_pin_thread(thread, processor)
    guard status == 0 else { throw SystemError(call: "sched_setaffinity", number: -status) }
}
