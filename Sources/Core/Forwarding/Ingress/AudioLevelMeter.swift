package import BridgeModel

/// Gathers how loud the tracks of a publisher are (RFC 6464: 0 is loudest, 127 silence), and says when it is time to tell: at most ten times a second, and
/// of silence once. Loudness that stays is told again: who listens has to know a voice from a track that sends nothing.
package struct AudioLevelMeter: Sendable {
    /// Between two tellings.
    package static let interval: Duration = .milliseconds(100)
    private static let silence: UInt8 = 127

    private struct Track {
        let number: UInt8
        /// The loudest since the last telling.
        var level: UInt8?
        var told: UInt8?
    }

    private var tracks: [Track] = []
    private var hasNews = false
    private var toldAt: MonotonicTime?

    package init() {}

    /// A packet of the track was so loud.
    package mutating func note(_ level: UInt8, of track: UInt8) {
        let level = min(level, Self.silence)
        let index: Int
        if let known = tracks.firstIndex(where: { $0.number == track }) {
            index = known
        } else {
            index = tracks.count
            tracks.append(Track(number: track))
        }
        guard level < Self.silence || tracks[index].told != Self.silence else { return }
        tracks[index].level = min(level, tracks[index].level ?? Self.silence)
        hasNews = true
    }

    /// The loudest of each track since the last telling, when there is something to tell and it is time.
    package mutating func take(now: MonotonicTime) -> [(track: UInt8, level: UInt8)]? {
        guard hasNews else { return nil }
        if let toldAt, now.duration(since: toldAt) < Self.interval { return nil }
        toldAt = now
        hasNews = false
        var levels: [(track: UInt8, level: UInt8)] = []
        for index in tracks.indices {
            guard let level = tracks[index].level else { continue }
            levels.append((tracks[index].number, level))
            tracks[index].told = level
            tracks[index].level = nil
        }
        return levels
    }
}
