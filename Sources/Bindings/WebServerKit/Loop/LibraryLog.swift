internal import CWebSockets
import Synchronization

/// Where libwebsockets' own errors and warnings go. They name functions and error numbers; requests pass it as raw bytes, so it never
/// sees a header.
package enum LibraryLog {
    private static let sink = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Sends each line, without its line end, to `sink`, which is called on the thread that libwebsockets runs on. Before the first call
    /// lines are dropped.
    package static func setSink(_ newSink: @escaping @Sendable (String) -> Void) {
        sink.withLock { $0 = newSink }
    }

    /// Takes the library's log away from standard error. Called with every loop's start.
    static func install() {
        lws_set_log_level(Int32(LLL_ERR) | Int32(LLL_WARN), emitLine)
    }

    fileprivate static func emit(_ line: String) {
        sink.withLock { $0 }?(line.hasSuffix("\n") ? String(line.dropLast()) : line)
    }
}

private func emitLine(level: Int32, line: UnsafePointer<CChar>?) {
    if let line { LibraryLog.emit(String(cString: line)) }
}
