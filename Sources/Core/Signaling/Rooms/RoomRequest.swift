package import Bridge

/// A message from a page or a camera in a room, read and checked for form.
package enum RoomRequest: Sendable, Equatable {
    /// Comes in by the link that opened the socket.
    case join(name: String?, keepsPeers: Bool)
    /// Gives a camera a seat, whose id the bridge makes.
    case seat(SeatOrder)
    case command(RoomCommand)

    /// The `type` of a frame.
    package enum Kind: String, Sendable, CaseIterable {
        case join, leave, publish, unpublish, mute, admit, deny, remove, hand, pin, spotlight, view, describe, chat
        case cameraSeat = "camera_seat"
        case cameraUnseat = "camera_unseat"
        case freeze
        case boardClose = "board_close"
        case annotate, erase, point
        case roomClose = "room_close"
    }
}
