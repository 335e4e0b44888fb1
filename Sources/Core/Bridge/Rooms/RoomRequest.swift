/// What somebody asks of a room by their socket, read and checked for form.
package enum RoomRequest: Sendable, Equatable {
    /// Comes in by the link that opened the socket.
    case join(name: String?, keepsPeers: Bool)
    /// Gives a camera a seat, whose id the bridge makes.
    case seat(SeatOrder)
    /// Records the room, as its settings say, or ends that.
    case record(Bool)
    case command(RoomCommand)
}
