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
    /// It is watched for room.
    var awaitsRoom = false

    init(_ connection: FramedConnection, tuple: FiveTuple, token: UInt64, watch: StreamConnectionWatch) {
        self.connection = connection
        self.tuple = tuple
        self.token = token
        self.watch = watch
    }
}
