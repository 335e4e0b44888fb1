/// Why an RTM message is refused: the `data` of an `error` frame (streamrec contract, 6.5).
package struct RTMError: Error, Sendable, Equatable {
    package var code: Code
    /// One sentence for people; may change, holds no secret and no SDP.
    package var message: String
    /// Path of the offending member, for instance `data.sdp.type`; nil when no single member is to blame.
    package var field: String?

    package init(_ code: Code, _ message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }

    /// Stable codes, in the words of `signaling/errors.json`.
    package enum Code: String, Sendable, CaseIterable {
        case malformedJSON = "malformed_json"
        case missingField = "missing_field"
        case invalidField = "invalid_field"
        case unknownType = "unknown_type"
        case notStarted = "not_started"
        case alreadyStarted = "already_started"
        case unexpectedAnswer = "unexpected_answer"
        case unacceptableOffer = "unacceptable_offer"
        case clientMismatch = "client_mismatch"
        case sessionMismatch = "session_mismatch"
        case sessionNotFound = "session_not_found"
        case noActiveSession = "no_active_session"
        case sessionEnded = "session_ended"
        case wrongRole = "wrong_role"
        case recordingActive = "recording_active"
        case recordingNotFound = "recording_not_found"
        case noRecording = "no_recording"
        case layerNotFound = "layer_not_found"
        case tooManyCandidates = "too_many_candidates"
        case invalidURL = "invalid_url"
        case rateLimited = "rate_limited"
        case `internal` = "internal"
    }
}

/// A refused message together with what it does to its socket.
package struct RTMFault: Error, Sendable, Equatable {
    package var error: RTMError
    /// The inbound `type`, as far as it could be read.
    package var inReplyTo: String?
    /// Set when the socket is closed after the error frame.
    package var close: CloseCode?
    /// True for a frame that is not of the documented form: ten of them in a minute close the socket (section 13).
    package var isBadMessage: Bool

    package init(_ error: RTMError, inReplyTo: String?, close: CloseCode? = nil, isBadMessage: Bool = false) {
        self.error = error
        self.inReplyTo = inReplyTo
        self.close = close
        self.isBadMessage = isBadMessage
    }

    /// The error frame that tells the client.
    package var reply: RTMReply { .error(error, inReplyTo: inReplyTo) }
}

/// WebSocket close codes of the contract (6.5); 4400 and above are the application's (RFC 6455 section 7.4.2).
package enum CloseCode: UInt16, Sendable, CaseIterable {
    /// Normal end after `session_terminated`.
    case normal = 1000
    /// The bridge shuts down.
    case goingAway = 1001
    /// A binary frame came.
    case unsupportedData = 1003
    /// A text frame was not UTF-8.
    case invalidPayload = 1007
    /// A frame above 256 KiB came.
    case messageTooBig = 1009
    /// A fault of ours.
    case internalFault = 1011
    /// The reader is too slow: more than 256 frames unsent.
    case tryAgainLater = 1013
    /// Tenth bad message within 60 s.
    case badMessages = 4400
    /// `client_id`, `session_id` or path does not belong to the token.
    case forbidden = 4403
    /// Session unknown or expired.
    case notFound = 4404
    /// No `session_start` in 30 s, or no `join` of a room in 10 s.
    case startTimeout = 4408
    /// A newer socket or session took over.
    case takenOver = 4409
    /// The session had ended before.
    case sessionEnded = 4410
    /// The participant was removed from the room.
    case removed = 4411
    /// The message rate was exceeded for too long.
    case rateExceeded = 4429

    /// The text of the close frame, at most 123 bytes (RFC 6455 section 5.5).
    package var reason: String {
        switch self {
        case .normal: "session terminated"
        case .goingAway: "the bridge is shutting down"
        case .unsupportedData: "binary frames are not part of RTM"
        case .invalidPayload: "a text frame was not UTF-8"
        case .messageTooBig: "a frame was too large"
        case .internalFault: "internal fault"
        case .tryAgainLater: "too many frames unsent"
        case .badMessages: "too many malformed messages"
        case .forbidden: "not covered by the token"
        case .notFound: "session unknown or expired"
        case .startTimeout: "no session_start in time"
        case .takenOver: "a newer socket or session took over"
        case .sessionEnded: "session already ended"
        case .removed: "removed from the room"
        case .rateExceeded: "message rate exceeded"
        }
    }
}
