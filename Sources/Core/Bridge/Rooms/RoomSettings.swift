internal import SDP

/// How a room is: what its creator chose, within what the configuration allows.
package struct RoomSettings: Sendable, Equatable {
    package var admission = Admission.open
    package var limits = RoomLimits()
    /// How long a room without people stays open; cameras alone do not hold it. nil: until somebody closes it.
    package var idleEnd: Duration? = .seconds(300)
    /// How long a place is kept for somebody whose socket was lost.
    package var grace: Duration = .seconds(20)
    /// How long somebody may wait to be let in.
    package var knockTime: Duration = .seconds(300)
    /// How long somebody who was not let in cannot knock again.
    package var knockPause: Duration = .seconds(30)
    /// Changes within this time are one update for each subscriber.
    package var batch: Duration = .milliseconds(50)
    /// It is recorded from its beginning on; nil: when somebody wants it.
    package var record: RoomRecordingMode?
    /// Where its recordings go, and what they are.
    package var recording = RecordingOrder()
    /// What a video is sent at until its viewer says how large it is seen.
    package var firstView = TrackView(isVisible: true, width: 320, height: 180)

    package init() {}

    /// Who comes in.
    package enum Admission: String, Sendable, CaseIterable {
        /// Whoever has a link.
        case open
        /// Hosts and cameras; others when somebody lets them in.
        case knock
    }
}

/// What a room holds at most.
package struct RoomLimits: Sendable, Equatable {
    /// Cameras count, too.
    package var participants = 100
    package var knocking = 20
    package var tracks = 200
    /// Tracks that one participant is sent: as many as their description has sections.
    package var subscriptions = SessionDescription.Limits.sections
    package var tracksOfParticipant = 6
    package var seats = 32
    package var spotlights = 4
    package var pins = 16
    package var boards = 8
    package var annotationsOfBoard = 500
    /// Of all that is drawn on a board: who comes later is sent all of it at once.
    package var pointsOfBoard = 20_000
    /// Messages that a joiner still sees.
    package var chatHistory = 200
    package var chat = RateLimit.Rule(perSecond: 1, burst: 5)
    package var pointer = RateLimit.Rule(perSecond: 30, burst: 30)
    package var drawing = RateLimit.Rule(perSecond: 30, burst: 60)
    /// To cameras; a zoom is turned in many steps.
    package var orders = RateLimit.Rule(perSecond: 10, burst: 20)
    /// Of hands, names, mutes and all else that everybody is told.
    package var changes = RateLimit.Rule(perSecond: 5, burst: 30)

    package init() {}
}
