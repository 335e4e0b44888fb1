package import Bridge
package import BridgeModel

/// Why a frame, or the socket itself, is refused.
package struct RoomRefusal: Sendable, Equatable {
    /// Of `signaling/errors.json`: `room`, or `rtm` for a frame's form, or `bridge` for the link and for descriptions.
    package var code: String
    /// One sentence for people; may change, holds no secret and no SDP.
    package var message: String
    /// Path of the offending member; nil when no single one is to blame.
    package var field: String?

    /// The room refuses it.
    package init(_ error: RoomError) { (code, message) = (error.code.rawValue, error.message) }

    /// It is not of the documented form, or one too many.
    package init(_ error: RTMError) { (code, message, field) = (error.code.rawValue, error.message, error.field) }

    /// The bridge cannot do it.
    package init(_ error: BridgeError) { (code, message) = (error.code.rawValue, error.message) }
}

// Descriptions, and replies to single frames.
extension RoomMessage {
    /// The bridge's answer to the newest offer of the publishing peer.
    package static func answer(_ sdp: String) -> JSONValue {
        frame("sdp_update", ["peer": peer(.publish), "sdp": ["type": "answer", "sdp": .string(sdp)]])
    }

    /// The bridge's offer for the subscribing peer; `tracks`: what each section carries.
    package static func offer(_ sdp: String, tracks: [String: RoomTrackID]) -> JSONValue {
        let sections = JSONValue.object(tracks.mapValues { .string($0.rawValue) })
        return frame("sdp_update", ["peer": peer(.subscribe), "sdp": ["type": "offer", "sdp": .string(sdp)], "tracks": sections])
    }

    /// How a peer is.
    package static func peer(_ kind: RoomPeerKind, _ state: RoomPeerState) -> JSONValue {
        frame("peer_state", ["peer": peer(kind), "state": .string(state.rawValue)])
    }

    /// A frame was refused, or without a name what cannot be said of a single one.
    package static func frame(_ refusal: RoomRefusal, of name: RoomFrame.Name) -> JSONValue {
        frame("refused", members(of: refusal, name))
    }

    /// A frame that has a reference was taken.
    package static func done(_ name: RoomFrame.Name) -> JSONValue {
        frame("done", ["in_reply_to": optional(name.type), "ref": optional(name.reference)])
    }

    static func members(of refusal: RoomRefusal, _ name: RoomFrame.Name) -> [String: JSONValue] {
        [
            "code": .string(refusal.code), "msg": .string(refusal.message), "in_reply_to": optional(name.type),
            "field": optional(refusal.field), "ref": optional(name.reference),
        ]
    }

    private static func peer(_ kind: RoomPeerKind) -> JSONValue { .string(kind.rawValue) }

    private static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
}
