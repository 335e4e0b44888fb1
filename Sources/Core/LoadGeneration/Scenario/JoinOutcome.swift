/// Why a peer did not join, or ended before it was told to.
package enum JoinFailure: Error, Sendable, Hashable {
    /// The server has no room now: HTTP 503 or 429, or the same by RTM. Seconds of its Retry-After, if it has one.
    case refused(retryAfter: Int?)
    /// Another status than success.
    case status(Int)
    /// An RTM error or cause with this stable code.
    case signaling(String)
    /// The server could not be reached, or broke the connection.
    case unreachable
    /// The answer is no answer to our offer, or names no address.
    case badAnswer
    /// No check was answered in time.
    case noPath
    /// The server's certificate is not that of its answer.
    case fingerprintMismatch
    /// DTLS failed otherwise.
    case handshakeFailed
    /// It connected, but no media came in time.
    case noMedia
    /// The server ended a peer that had joined: by DTLS.
    case endedByServer
    /// The server stopped answering a peer that had joined.
    case consentLost
    /// This machine could not go on: descriptors, memory.
    case local
    /// The run was stopped before it joined.
    case stopped

    /// A stable name for reports.
    package var name: String {
        switch self {
        case .refused: "refused"
        case .status(let status): "http_\(status)"
        case .signaling(let code): "rtm_\(code)"
        case .unreachable: "unreachable"
        case .badAnswer: "bad_answer"
        case .noPath: "no_path"
        case .fingerprintMismatch: "fingerprint_mismatch"
        case .handshakeFailed: "handshake_failed"
        case .noMedia: "no_media"
        case .endedByServer: "ended_by_server"
        case .consentLost: "consent_lost"
        case .local: "local"
        case .stopped: "stopped"
        }
    }

    /// One sentence for people: what it means and what to look at.
    package var explanation: String {
        switch self {
        case .refused: "the server had no room (503 or 429); that is its right"
        case .status(401): "the token is missing, expired or not the server's: give --token, or make one with `viaduct token`"
        case .status(403): "the token is not for this stream or direction"
        case .status(404): "there is no such endpoint: look at the URL"
        case .status(409): "nobody publishes the stream, or another client does"
        case .status(let status): "the server answered \(status)"
        case .signaling(let code): "the server said '\(code)'"
        case .unreachable: "the server could not be reached: look at the URL and whether it runs"
        case .badAnswer: "the server's answer does not fit the offer, or names no usable address"
        case .noPath: "no address of the answer replied to STUN: look at the server's addresses and the firewall for UDP"
        case .fingerprintMismatch: "the certificate is not the one that the answer names"
        case .handshakeFailed: "DTLS failed"
        case .noMedia: "connected, but no packet came in time: does anybody publish?"
        case .endedByServer: "the server ended the session"
        case .consentLost: "the server stopped answering"
        case .local: "this machine ran out of something: raise `ulimit -n`"
        case .stopped: "the run was stopped before it joined"
        }
    }
}

/// What became of one peer, when it is over.
package struct PeerRecord: Sendable, Equatable {
    package var milestones: JoinMilestones
    package var counters: ViewerCounters
    /// SRTP packets that were not authentic, replayed or malformed.
    package var rejected: UInt64
    /// Why it ended before it was told to.
    package var ending: JoinFailure?

    package init(milestones: JoinMilestones, counters: ViewerCounters = ViewerCounters(), rejected: UInt64 = 0, ending: JoinFailure? = nil)
    {
        self.milestones = milestones
        self.counters = counters
        self.rejected = rejected
        self.ending = ending
    }
}

/// Joins of one role, counted.
package struct JoinTally: Sendable, Equatable {
    package var attempted = 0
    package var joined = 0
    package var refused = 0
    /// Not refused: by what went wrong.
    package var failures: [JoinFailure: Int] = [:]
    /// Joined, but over before they were told to.
    package var endings: [JoinFailure: Int] = [:]

    package init() {}

    /// All that failed.
    package var failed: Int { failures.values.reduce(0, +) }
    /// All that ended early.
    package var ended: Int { endings.values.reduce(0, +) }

    /// One join went wrong.
    package mutating func fail(_ failure: JoinFailure) {
        if case .refused = failure { refused += 1 } else { failures[failure, default: 0] += 1 }
    }

    /// A peer that had joined is over.
    package mutating func end(_ record: PeerRecord) {
        if let ending = record.ending { endings[ending, default: 0] += 1 }
    }
}
