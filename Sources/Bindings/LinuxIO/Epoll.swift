internal import CLinux
internal import Glibc

/// Readiness of descriptors, level-triggered (epoll(7)). It belongs to one thread; it does not own the descriptors that it watches.
package struct Epoll: ~Copyable {
    /// What happened to a descriptor.
    package struct Event: Sendable {
        /// The number that the descriptor was added with.
        package var token: UInt64
        package var isReadable: Bool
        package var isWritable: Bool
        /// The peer hung up, or the descriptor failed.
        package var isClosed: Bool
    }

    private enum Operation: Int32 {
        // EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD
        case add = 1
        case remove = 2
        case change = 3
    }

    private let descriptor: Int32
    private var events = [clinux_epoll_event](repeating: clinux_epoll_event(), count: Int(CLINUX_EPOLL_BATCH))

    package init() throws(SystemError) {
        descriptor = clinux_epoll_create()
        guard descriptor >= 0 else { throw SystemError(call: "epoll_create1", number: -descriptor) }
    }

    deinit { close(descriptor) }

    /// Watches `watched` for bytes to read; its events carry `token`.
    package func add(_ watched: Int32, token: UInt64) throws(SystemError) {
        try control(.add, watched, writable: false, token: token)
    }

    /// Begins or ends to watch for room to write, too.
    package func watchWriting(_ isWatched: Bool, of watched: Int32, token: UInt64) throws(SystemError) {
        try control(.change, watched, writable: isWatched, token: token)
    }

    /// Stops watching; call it before the descriptor is closed.
    package func remove(_ watched: Int32) throws(SystemError) {
        try control(.remove, watched, writable: false, token: 0)
    }

    /// Waits until something is ready or `timeout` has passed (nil: for ever), then gives how many events there are; `event` reads them.
    /// A signal counts as no event.
    package mutating func wait(timeout: Duration?) throws(SystemError) -> Int {
        let count = events.withUnsafeMutableBufferPointer { clinux_epoll_wait(descriptor, $0.baseAddress, Self.milliseconds(timeout)) }
        guard count != -EINTR else { return 0 }
        guard count >= 0 else { throw SystemError(call: "epoll_wait", number: -count) }
        return Int(count)
    }

    /// One of the events of the last `wait`.
    package func event(_ index: Int) -> Event {
        let event = events[index]
        return Event(token: event.token, isReadable: event.readable != 0, isWritable: event.writable != 0, isClosed: event.closed != 0)
    }

    private func control(_ operation: Operation, _ watched: Int32, writable: Bool, token: UInt64) throws(SystemError) {
        let status = clinux_epoll_control(descriptor, operation.rawValue, watched, 1, writable ? 1 : 0, token)
        guard status == 0 else { throw SystemError(call: "epoll_ctl", number: -status) }
    }

    /// Rounded up, so that a deadline has passed when the wait is over.
    private static func milliseconds(_ timeout: Duration?) -> Int32 {
        guard let timeout else { return -1 }
        let parts = timeout.components
        guard parts.seconds >= 0, parts.attoseconds >= 0 else { return 0 }
        let rest = (parts.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        // A day at most: the caller asks again.
        return Int32(min(parts.seconds, 86_400) * 1000 + rest)
    }
}
