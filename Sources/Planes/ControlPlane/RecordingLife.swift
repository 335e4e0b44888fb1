package import BridgeModel

/// From when on something is recorded.
package struct RecordingBeginning: Sendable, Equatable {
    /// What came before is not recorded.
    package var moment: MonotonicTime
    /// Unless it lies between the last keyframe at or before that moment and it.
    package var reachesBack: Bool

    package init(since moment: MonotonicTime, reachesBack: Bool = false) {
        self.moment = moment
        self.reachesBack = reachesBack
    }
}

/// What happens to recordings, as those are told who begin them.
package enum RecordingLife: Sendable, Equatable {
    /// It is there; `isOwn`: a policy began it.
    case began(StreamID, RecordingID, isOwn: Bool)
    /// A user wishes it to end; `ended` follows.
    case stoppedByUser(StreamID, RecordingID)
    /// It takes no more media. May be said more than once.
    case ended(StreamID, RecordingID)
    /// The publisher's session is over for good, and its recordings end with it.
    case sourceLeft(SessionID)
}
