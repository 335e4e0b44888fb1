package import Bridge
package import BridgeModel
internal import Synchronization

/// How loud published streams are, for whoever listens: a room whose seats they have. Safe from any thread.
package final class StreamLevels: Sendable {
    private struct State {
        var last = 0
        var listeners: [StreamID: [Int: AsyncStream<[TrackLevel]>.Continuation]] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// What comes from now on; the newest takes the place of one that was not heard yet. It ends with the task that reads it.
    package func levels(of stream: StreamID) -> AsyncStream<[TrackLevel]> {
        let (levels, listener) = AsyncStream.makeStream(of: [TrackLevel].self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.last += 1
            state.listeners[stream, default: [:]][state.last] = listener
            return state.last
        }
        listener.onTermination = { [weak self] _ in self?.leave(stream, number) }
        return levels
    }

    package func tell(_ levels: [TrackLevel], of stream: StreamID) {
        let listeners = state.withLock { Array($0.listeners[stream, default: [:]].values) }
        for listener in listeners { listener.yield(levels) }
    }

    private func leave(_ stream: StreamID, _ number: Int) {
        state.withLock { state in
            state.listeners[stream]?[number] = nil
            if state.listeners[stream]?.isEmpty == true { state.listeners[stream] = nil }
        }
    }
}
