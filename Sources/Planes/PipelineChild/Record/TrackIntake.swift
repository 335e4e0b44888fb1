/// Watches one track's packets on their way into the depayloader: drops what is old, and finds the place where packets are missing. Pure.
struct TrackIntake {
    private var lastSequence: UInt16?
    private var lastTime: UInt64 = 0
    private var lastEndedFrame = true

    /// Later than every packet until now.
    var nextTime: UInt64 { lastTime + 1 }

    enum Verdict: Equatable {
        case pass
        /// Packets are missing before this one; frames from this time on are not whole.
        case passAfterGap(damagedFrom: UInt64)
        /// A repetition, or too late to be of use.
        case drop
    }

    /// `time` is the packet's presentation time, ns; `isDiscontinuity` the hub's word that it dropped packets.
    mutating func take(sequence: UInt16, time: UInt64, marker: Bool, isDiscontinuity: Bool) -> Verdict {
        let step = lastSequence.map { Int16(bitPattern: sequence &- $0) } ?? 1
        if step <= 0, !isDiscontinuity, step > -Self.largestReordering { return .drop }
        let isGap = lastSequence != nil && (step != 1 || isDiscontinuity)
        let damagedFrom = lastEndedFrame ? time : min(time, lastTime)
        lastSequence = sequence
        lastTime = time
        lastEndedFrame = marker
        return isGap ? .passAfterGap(damagedFrom: damagedFrom) : .pass
    }

    /// Packets that are further behind belong to a source that began again.
    private static let largestReordering: Int16 = 512
}

/// Decides which frames of a video track may be written: none before the first keyframe, and after damage none before the next. Pure.
struct KeyframeWait {
    /// Frames from here on need a keyframe first; nil when all is well.
    private var damagedFrom: UInt64? = 0

    /// True while a keyframe must be asked for.
    var isWaiting: Bool { damagedFrom != nil }

    /// Everything from `time` on is damaged.
    mutating func cut(from time: UInt64) {
        damagedFrom = min(damagedFrom ?? time, time)
    }

    /// Whether this frame may be written. Frames come in the order of time.
    mutating func admits(time: UInt64, isKeyframe: Bool) -> Bool {
        guard let damagedFrom, time >= damagedFrom else { return true }
        if isKeyframe { self.damagedFrom = nil }
        return isKeyframe
    }
}
