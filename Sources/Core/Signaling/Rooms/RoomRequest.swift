package import Bridge

extension RoomRequest {
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
