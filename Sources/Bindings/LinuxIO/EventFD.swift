internal import CLinux
internal import Glibc

/// A wake-up that an `Epoll` can wait for (eventfd(2)). Any thread may signal it; it closes its descriptor at the end.
package final class EventFD: Sendable {
    /// To be added to an `Epoll`; stays owned here.
    package let descriptor: Int32

    package init() throws(SystemError) {
        descriptor = clinux_eventfd()
        guard descriptor >= 0 else { throw SystemError(call: "eventfd", number: -descriptor) }
    }

    deinit { close(descriptor) }

    /// Makes the descriptor readable. Never blocks: a counter that is full is readable already.
    package func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Takes all signals back.
    package func drain() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
