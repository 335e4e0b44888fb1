/// A failure that a user, an operator or a peer can meet. The code is stable (`signaling/errors.json`); the message is for people and may change.
package struct BridgeError: Error, Sendable, Equatable, Codable, CustomStringConvertible {
    package var code: Code
    /// What happened, to which thing, and what to do next, in one sentence; holds no secret.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code.rawValue): \(message)" }

    /// Stable codes, in the words of `signaling/errors.json`.
    package enum Code: String, Sendable, Codable, CaseIterable {
        /// The offer holds nothing that the bridge can carry, or lacks BUNDLE, rtcp-mux or a fingerprint.
        case unacceptableOffer = "unacceptable_offer"
        /// The stream, session or recording does not exist, or is not the caller's.
        case notFound = "not_found"
        /// The grant does not allow it.
        case forbidden = "forbidden"
        /// The peer's certificate is not the one of its SDP.
        case fingerprintMismatch = "fingerprint_mismatch"
        /// ICE or DTLS did not come up, or consent was lost.
        case connectionTimeout = "connection_timeout"
        /// The peer closed or broke the transport.
        case connectionLost = "connection_lost"
        /// The pipeline's process died, by a signal or with a failure status.
        case pipelineCrashed = "pipeline_crashed"
        /// The pipeline's process stopped answering and was ended by the watchdog.
        case pipelineHung = "pipeline_hung"
        /// The pipeline's process used more memory or time than it may.
        case pipelineOverLimit = "pipeline_over_limit"
        /// GStreamer reported an error.
        case pipelineFailed = "pipeline_failed"
        /// A pipeline could not be started at all.
        case pipelineUnavailable = "pipeline_unavailable"
        /// No media came in the time allowed.
        case noMedia = "no_media"
        /// The spool cannot take more.
        case storageFull = "storage_full"
        /// A limit of the configuration or of the contract is reached.
        case limitReached = "limit_reached"
        /// The bridge is draining, starting or overloaded.
        case unavailable = "unavailable"
        /// A URL is not absolute, not of an allowed scheme, or names a refused address.
        case invalidURL = "invalid_url"
        /// The value is not of the documented form.
        case invalidField = "invalid_field"
        /// The recording is under legal hold.
        case recordingHeld = "recording_held"
        /// The recording runs, or is being delivered.
        case recordingInUse = "recording_in_use"
        /// The recording was removed, or its files are not on the bridge any more.
        case recordingGone = "recording_gone"
        /// A complete file of the recording cannot be read; it is tried again when the bridge starts.
        case recordingUnreadable = "recording_unreadable"
        /// The bridge cannot remove what this destination has taken.
        case destinationKeeps = "destination_keeps"
        /// The conference elsewhere does not take the stream, and will not without a change.
        case conferenceRefused = "conference_refused"
        /// The conference elsewhere cannot be reached, or cannot take the stream now.
        case conferenceUnavailable = "conference_unavailable"
        /// What the conference elsewhere replied breaks its protocol.
        case conferenceAnswerInvalid = "conference_answer_invalid"
        /// The server elsewhere cannot be sent this stream, and will not be without a change.
        case pushRefused = "push_refused"
        /// The server elsewhere cannot be reached, or does not take the stream now.
        case pushUnavailable = "push_unavailable"
        /// A composite shows the background.
        case backgroundInUse = "background_in_use"
        /// A background is not there, or its picture cannot be decoded.
        case backgroundUnreadable = "background_unreadable"
        /// A bug of ours.
        case `internal` = "internal"
    }
}
