import LinuxIO
import PeerTransport

/// An ICE-TCP connection of a worker's (RFC 6544, passive): a path of a peer's, or one that may become so. It belongs to the worker's thread.
final class EdgeConnection {
    let connection: FramedConnection
    let tuple: FiveTuple
    /// What the descriptor is watched with.
    let token: UInt64
    /// How long it may stay.
    var watch: StreamConnectionWatch
    /// Another worker accepted it; it stays here.
    var isHanded = false
    /// It is watched for room.
    var awaitsRoom = false

    init(_ connection: FramedConnection, tuple: FiveTuple, token: UInt64, watch: StreamConnectionWatch) {
        self.connection = connection
        self.tuple = tuple
        self.token = token
        self.watch = watch
    }
}

/// A connection on its way to the worker whose peer it belongs to, with the frames that were read meanwhile.
///
/// `@unchecked Sendable`: whoever hands it over keeps no reference, so that it belongs to one thread at a time.
struct HandedConnection: @unchecked Sendable {
    let connection: FramedConnection
    let tuple: FiveTuple
    let watch: StreamConnectionWatch
    let unread: DatagramParcel
}

/// What becomes of the connection that a worker reads now: it may turn out to belong to another worker's peer.
struct ConnectionDepartures {
    /// The connection that is read now may leave.
    var isAllowed = false
    private var current: (owner: Int, unread: DatagramParcel)?
    private let worker: Int

    init(worker: Int) { self.worker = worker }

    /// The rest of what is read is the next worker's.
    var hasBegun: Bool { current != nil }

    /// False when the connection stays, although the check that it brought is a stranger's.
    mutating func begin(to owner: Int) -> Bool {
        guard isAllowed else { return false }
        current = (owner, DatagramParcel(receiver: worker))
        return true
    }

    /// Keeps a frame for the next worker. What a connection may send before its first check fits into a parcel (`StreamConnectionWatch`).
    mutating func keep(_ frame: UnsafeRawBufferPointer, of tuple: FiveTuple) { _ = current?.unread.append(frame, tuple: tuple) }

    /// Where the connection goes, if it goes.
    mutating func take() -> (owner: Int, unread: DatagramParcel)? {
        defer { current = nil }
        return current
    }
}
