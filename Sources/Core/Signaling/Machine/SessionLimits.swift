/// The times and sizes that bound a session's signalling, with the contract's values as defaults.
package struct SessionLimits: Sendable, Equatable {
    /// A session that was never started is forgotten after this (section 5.2).
    package var unstarted: Duration = .seconds(120)
    /// From an accepted offer to ICE and DTLS up (6.4).
    package var negotiation: Duration = .seconds(30)
    /// Without a socket (6.4).
    package var detached: Duration = .seconds(30)
    /// Without media consent (6.4 rule 1).
    package var consent: Duration = .seconds(30)
    /// How long a client that broke its media off has to say why: its `session_stop` goes another way, and may be overtaken.
    package var lastWord: Duration = .milliseconds(500)
    /// How long a replaced peer outlives its successor's offer (6.4 rule 6).
    package var transition: Duration = .seconds(15)
    /// From `session_start` to the forced end (section 10).
    package var maximumAge: Duration = .seconds(12 * 3600)
    /// How long a socket waits for the durable end; then it is closed without `session_terminated`, since that would promise too much.
    package var ending: Duration = .seconds(30)
    /// Candidates kept before the offer (section 10).
    package var bufferedCandidates = 64
    /// Candidates of a session in all (section 10).
    package var candidates = 256
    /// Messages that wait for the reply to an earlier one: more than the message rate lets through in a negotiation is a flood.
    package var heldMessages = 256
    /// How often a viewer hears of layers at most.
    package var layerInterval: Duration = .seconds(2)

    package init() {}
}

/// The times and rates that bound one socket, with the contract's values as defaults.
package struct SocketLimits: Sendable, Equatable {
    /// From the upgrade to `session_start` (6.4 rule 4).
    package var start: Duration = .seconds(30)
    /// Messages a second in the long run, and at once (section 10).
    package var messagesPerSecond = 50
    package var messageBurst = 100
    /// Twice the rate for this long closes the socket (section 10).
    package var floodWindow: Duration = .seconds(5)
    /// This many bad messages within the window close the socket (section 13).
    package var badMessages = 10
    package var badMessageWindow: Duration = .seconds(60)

    package init() {}
}
