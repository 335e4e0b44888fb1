import BridgeModel
import Playback

let morning = WallTime(milliseconds: 1_709_283_600_000)

/// A recording of fragments of a second; `seconds` says when each begins, `keys` which are keyframes.
func recording(
    _ name: String = "r1", at start: WallTime = morning, seconds: some Sequence<Int>, keys: (Int) -> Bool = { $0 % 2 == 0 },
    isLive: Bool = false
) -> RecordedMedia {
    var media = RecordedMedia(recording: RecordingID(name), startedAt: start, isLive: isLive)
    media.append(fragments(seconds, keys: keys))
    return media
}

func fragments(_ seconds: some Sequence<Int>, file: Int = 0, keys: (Int) -> Bool = { $0 % 2 == 0 }) -> [MediaFragment] {
    let starts = Array(seconds)
    return starts.enumerated().map { index, start in
        let isFollowed = index + 1 < starts.count && starts[index + 1] == start + 1
        let end: Duration = isFollowed ? .seconds(start + 1) : .milliseconds(start * 1000 + 960)
        return MediaFragment(file: file, start: .seconds(start), end: end, isKeyframe: keys(start), bytes: 125_000)
    }
}

func range(_ from: Double, _ to: Double) throws -> PlaybackRange {
    try PlaybackRange(from: morning.advanced(by: .seconds(from)), to: morning.advanced(by: .seconds(to)), longest: .seconds(86_400))
}
