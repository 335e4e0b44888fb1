package import Bridge

/// A frame that a page or camera has sent in a room, read and checked for form.
package struct RoomFrame: Sendable, Equatable {
    package var name: Name
    package var message: RoomSocketMessage

    package init(_ name: Name, _ message: RoomSocketMessage) {
        self.name = name
        self.message = message
    }

    /// What replies call a frame.
    package struct Name: Sendable, Equatable {
        /// The `type`, as far as it could be read.
        package var type: String?
        /// What its sender calls it, to know the replies by. Without it nothing tells that the frame was taken.
        package var reference: String?

        package init(type: String? = nil, reference: String? = nil) {
            self.type = type
            self.reference = reference
        }
    }

    /// The `type` of a frame.
    package enum Kind: String, Sendable, CaseIterable {
        case join, leave, publish, unpublish, mute, admit, deny, remove, hand, pin, spotlight, view, describe, chat
        case cameraSeat = "camera_seat"
        case cameraUnseat = "camera_unseat"
        case cameraOrder = "camera_order"
        case freeze
        case boardClose = "board_close"
        case annotate, erase, point, record, clip, snapshot, single
        case roomClose = "room_close"
        case descriptionUpdate = "sdp_update"
    }
}
