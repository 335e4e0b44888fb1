package import BridgeModel

/// Tells who speaks, from audio levels (RFC 6464: 0 is loudest, 127 is silence, in -dBov), without jumping at every cough.
///
/// Each source has a smoothed loudness, which rises within `rise` and falls within `fall`. Somebody who is louder than `voice` takes the floor
/// when nobody has it, when who has it has fallen silent, or when they are `margin` louder; and only after `hold` of that without a break. Who has
/// the floor keeps it through pauses, until somebody else takes it or for `memory` of silence.
package struct ActiveSpeaker: Sendable {
    /// Time constants and levels.
    package enum Rule {
        /// Time constant of a voice that sets in.
        package static let rise: Duration = .milliseconds(100)
        /// Time constant of a voice that ends: words have gaps.
        package static let fall: Duration = .milliseconds(400)
        /// How long somebody has to be the louder one.
        package static let hold: Duration = .milliseconds(300)
        /// How long a silent speaker is still told as one.
        package static let memory: Duration = .seconds(5)
        /// A source that says nothing for this time is silent (DTX, RFC 7587 section 3.1.3, sends once in 400 ms).
        package static let stale: Duration = .milliseconds(600)
        /// dBov: louder is a voice.
        package static let voice = -50.0
        /// dB that interrupt somebody.
        package static let margin = 6.0
        /// dBov of nothing.
        package static let silence = -127.0
    }

    private struct Source {
        var loudness = Rule.silence
        var heardAt: MonotonicTime
        /// Since when they could take the floor.
        var challengesSince: MonotonicTime?
    }

    private var sources: [ParticipantID: Source] = [:]
    private var voiceAt = MonotonicTime(nanoseconds: 0)
    /// Who has the floor.
    package private(set) var speaker: ParticipantID?

    package init() {}

    /// When `tick` is due; nil when nothing is waited for.
    package var deadline: MonotonicTime? { speaker.map { _ in voiceAt.advanced(by: Rule.memory) } }

    /// Takes one level; true: another one speaks now.
    package mutating func heard(_ level: UInt8, of participant: ParticipantID, now: MonotonicTime) -> Bool {
        let target = -Double(min(level, 127))
        var source = sources[participant] ?? Source(heardAt: now)
        let elapsed = now.duration(since: source.heardAt)
        if elapsed >= Rule.stale { source.challengesSince = nil }
        let constant = target > source.loudness ? Rule.rise : Rule.fall
        // A first-order low-pass: the step's share is elapsed / (constant + elapsed).
        source.loudness += (target - source.loudness) * (elapsed / (constant + elapsed))
        source.heardAt = now
        sources[participant] = source
        if participant == speaker, source.loudness > Rule.voice { voiceAt = now }
        return decide(on: participant, now: now)
    }

    /// Forgets who speaks after a long silence; true when that changes something.
    package mutating func tick(now: MonotonicTime) -> Bool {
        guard let deadline, now >= deadline else { return false }
        speaker = nil
        return true
    }

    /// Forgets a source; true when it was the speaker.
    package mutating func remove(_ participant: ParticipantID) -> Bool {
        sources[participant] = nil
        guard speaker == participant else { return false }
        speaker = nil
        return true
    }

    private mutating func decide(on participant: ParticipantID, now: MonotonicTime) -> Bool {
        guard participant != speaker, var source = sources[participant] else { return false }
        let floor = speaker.map { loudness(of: $0, now: now) } ?? Rule.silence
        let isLouder = source.loudness > Rule.voice && (floor <= Rule.voice || source.loudness >= floor + Rule.margin)
        guard isLouder else {
            sources[participant]?.challengesSince = nil
            return false
        }
        let since = source.challengesSince ?? now
        source.challengesSince = since
        sources[participant] = source
        guard now.duration(since: since) >= Rule.hold else { return false }
        speaker = participant
        voiceAt = now
        for other in sources.keys { sources[other]?.challengesSince = nil }
        return true
    }

    private func loudness(of participant: ParticipantID, now: MonotonicTime) -> Double {
        guard let source = sources[participant], now.duration(since: source.heardAt) < Rule.stale else { return Rule.silence }
        return source.loudness
    }
}
