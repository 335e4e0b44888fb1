package import Bridge
package import BridgeModel
internal import Synchronization

/// The policies that hold now: of streams, and the configuration's for all others. Safe to use from everywhere.
package final class PolicyTable: Sendable {
    /// Of streams without one of their own.
    package let usual: RecordingPolicy
    /// `recording.trigger: never`: nothing begins by itself, whatever a stream's policy says.
    private let isOff: Bool
    private let own = Mutex<[StreamID: RecordingPolicy]>([:])

    package init(_ settings: RecordingSettings) {
        isOff = settings.trigger == .never
        usual =
            switch settings.trigger {
            case .never, .request: RecordingPolicy(.request)
            case .session: RecordingPolicy(.session)
            case .always: RecordingPolicy(.always)
            case .event: RecordingPolicy(.event)
            }
    }

    /// The one that recordings of the stream follow.
    package func policy(of stream: StreamID) -> RecordingPolicy {
        isOff ? usual : own(stream) ?? usual
    }

    /// The one that was set for it.
    func own(_ stream: StreamID) -> RecordingPolicy? { own.withLock { $0[stream] } }

    /// All that were set, in order of their streams.
    var all: [(stream: StreamID, policy: RecordingPolicy)] {
        own.withLock { $0 }.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
    }

    /// nil takes it away.
    func set(_ policy: RecordingPolicy?, for stream: StreamID) { own.withLock { $0[stream] = policy } }

    /// Those that were stored.
    func load(_ policies: [StreamID: RecordingPolicy]) { own.withLock { $0 = policies } }
}
