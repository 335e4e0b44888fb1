import BridgeModel
import Forwarding
import Synchronization

/// Between a stream on its home worker and one replica of it. Whoever begins a replica makes a link: what comes for an earlier one is known by it.
///
/// Both workers have it; what changes is atomic.
final class ReplicaLink: Sendable {
    let stream: StreamID
    /// The worker that the stream lives on.
    let home: Int
    /// The worker that has the replica.
    let worker: Int
    private let viewers = Atomic<Int>(0)
    private let unread = Atomic<Int>(0)

    init(stream: StreamID, home: Int, worker: Int) {
        self.stream = stream
        self.home = home
        self.worker = worker
    }

    /// How many watch the replica; said by its worker.
    var viewerCount: Int {
        get { viewers.load(ordering: .relaxed) }
        set { viewers.store(newValue, ordering: .relaxed) }
    }

    /// Bytes that were sent and not taken yet.
    var unreadBytes: Int { unread.load(ordering: .relaxed) }
    func sent(_ byteCount: Int) { unread.add(byteCount, ordering: .relaxed) }
    func took(_ byteCount: Int) { unread.subtract(byteCount, ordering: .relaxed) }
}

/// What workers say to each other about the replicas of a stream, in the order of the calls.
enum ReplicaCommand: Sendable {
    /// From the home worker.
    case update(ReplicaLink, ReplicaUpdate)
    /// To the home worker.
    case request(ReplicaLink, ReplicaRequest)
}

/// What a replica is told.
enum ReplicaUpdate: Sendable {
    /// It begins with this.
    case began(ReplicaSnapshot)
    case packets(PacketParcel)
    /// The stream's sources were replaced.
    case source(ReplicaSource)
    /// The order of the publisher's encodings changed.
    case layout(PublishedLayout)
    /// The stream is over, or there is none.
    case over
}

/// What a replica asks for.
enum ReplicaRequest: Sendable {
    /// The stream as it stands, and all that follows.
    case begin
    /// Nobody watches the replica any more.
    case end
    case keyframe(track: UInt8)
}

/// Who sends a stream, as far as viewers are concerned.
struct ReplicaSource: Sendable {
    var tracks: [TrackDescription]
    /// What the publisher negotiated, where it is a peer.
    var layout: PublishedLayout?
}

/// A stream at one moment.
struct ReplicaSnapshot: Sendable {
    var source: ReplicaSource
    /// What the cache holds.
    var packets: PacketParcel
    var layers: StreamLayers
}
