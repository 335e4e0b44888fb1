import SignalingPlane
import Synchronization
package import WebServerKit

/// A socket without a network: the test is the client.
package final class MemoryTransport: RTMTransport {
    private struct Output {
        var frames: [String] = []
        var closeCode: UInt16?
        /// Frames that the reader still takes; then its queue is full.
        var room = Int.max
        var isServed = false
    }

    private let inputs: AsyncStream<WebSocketEvent>
    private let input: AsyncStream<WebSocketEvent>.Continuation
    private let output = Mutex(Output())

    package init() { (inputs, input) = AsyncStream.makeStream() }

    // MARK: The bridge's side

    package var events: AsyncStream<WebSocketEvent> {
        output.withLock { $0.isServed = true }
        return inputs
    }

    package func send(_ text: String) -> Bool {
        output.withLock { output in
            guard output.closeCode == nil, output.room > 0 else { return false }
            output.frames.append(text)
            output.room -= 1
            return true
        }
    }

    package func close(code: UInt16, reason: String) {
        let isFirst = output.withLock { output in
            defer { output.closeCode = output.closeCode ?? code }
            return output.closeCode == nil
        }
        guard isFirst else { return }
        input.yield(.closed(code: code))
        input.finish()
    }

    // MARK: The client's side

    /// True once the bridge has begun to serve the socket: what depends on the time of the upgrade is set from then on.
    package var isServed: Bool { output.withLock { $0.isServed || $0.closeCode != nil } }

    /// Sends one frame to the bridge.
    package func receive(_ event: WebSocketEvent) {
        input.yield(event)
        if case .closed = event { input.finish() }
    }

    /// Lets the client read `count` frames more and no further ones.
    package func limitRoom(to count: Int) { output.withLock { $0.room = count } }

    /// The next frame that the bridge has sent, taken away.
    package func takeFrame() -> String? { output.withLock { $0.frames.isEmpty ? nil : $0.frames.removeFirst() } }

    /// True once the bridge has closed the socket, whatever is still unread.
    package var isClosed: Bool { output.withLock { $0.closeCode != nil } }

    /// The code with which the bridge closed the socket, once every frame before it was taken.
    package var closeCode: UInt16? { output.withLock { $0.frames.isEmpty ? $0.closeCode : nil } }
}
