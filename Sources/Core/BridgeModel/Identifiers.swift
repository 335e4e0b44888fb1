/// A distinct, textual identity. Two kinds of id never mix; raw strings stop at the codecs.
package protocol Identifier: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The text as it stands on the wire and in the database.
    var rawValue: String { get }
    /// Wraps text that a codec has already checked.
    init(_ rawValue: String)
}

extension Identifier {
    /// The bare text, for log metadata and URLs.
    package var description: String { rawValue }

    /// Reads the id as one plain string.
    package init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the id as one plain string.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// The owner of keys, sessions and recordings; the `api_id` of the Eyeson dialect.
package struct AccountID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// Who a token speaks for. Untrusted free text: never a path, never unescaped in a page.
package struct ClientID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One signalling life: a lower-case UUID, version 4.
package struct SessionID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// A published source with its tracks. Untrusted free text, as `ClientID`.
package struct StreamID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One WebRTC transport, whichever engine carries it.
package struct PeerID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One pipeline in a child process.
package struct PipelineID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One recording: a lower-case UUID, version 4.
package struct RecordingID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One row of the outbox. For webhooks it is the receiver's idempotency key, `msg_<ULID>` (Standard Webhooks).
package struct DeliveryID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One clip: a lower-case UUID, version 4.
package struct ClipID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One event, the same in every webhook and replay that tells of it: `evt_<ULID>`.
package struct EventID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// Who gets webhooks: a keyed digest of the URL, which itself is a secret. The same URL has the same id as long as the database lives.
package struct ReceiverID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// Where receivers live: a keyed digest of scheme, host and port.
package struct ReceiverHostID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One room. Untrusted text of the form `RoomID.rule`: it stands in URLs.
package struct RoomID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// Who somebody is in a room, the same across reconnects. The account's own text (`ParticipantID.rule`) or made by the bridge, with a colon.
package struct ParticipantID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One published track of a room, of its own publication once.
package struct RoomTrackID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// A camera's seat in a room: a lower-case UUID, version 4.
package struct SeatID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// A frozen frame that people draw on, of its own freezing once.
package struct BoardID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// Something drawn on a board; its author's own text.
package struct AnnotationID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// The recording of a room: all that was recorded in it between one beginning and its end.
package struct RoomRecordingID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}
