internal import BridgeModel

/// What goes to a server that takes less than a stream has: once what comes is too old, all is left out up to what is fresh, sound at once and pictures
/// from a keyframe on. Sound never goes on before pictures that were sent: a muxer would give it their time. Pure.
struct SendingPace {
    /// What becomes of a frame.
    struct Verdict: Equatable {
        var passes: Bool
        /// Pictures cannot go on before a keyframe that is not there yet.
        var wantsKeyframe = false
        var news: News?

        static let pass = Verdict(passes: true)
    }

    /// What others are to be told, in turns.
    enum News: Equatable {
        case fellBehind, keepsUp
    }

    /// What is older is left out.
    static let limit = Duration.seconds(4)
    /// What is younger goes on.
    static let fresh = Duration.seconds(1)
    /// Without anything left out for so long, it keeps up.
    static let steady = Duration.seconds(10)

    /// Of those nothing passes until it is fresh.
    private var waiting: Set<MediaKind> = []
    /// The newest picture that was sent.
    private var picture: MonotonicTime?
    /// When something was left out last; nil where others know of nothing.
    private var behindAt: MonotonicTime?

    /// A frame that was to be presented at `time` is about to be sent.
    mutating func take(_ kind: MediaKind, isKeyframe: Bool, time: MonotonicTime, now: MonotonicTime) -> Verdict {
        let age = now.duration(since: time)
        if waiting.contains(kind) {
            guard age <= Self.fresh, kind == .audio ? time >= picture ?? time : isKeyframe else {
                behindAt = now
                // One that came too late: the next one has to be asked for again.
                return Verdict(passes: false, wantsKeyframe: kind == .video && isKeyframe)
            }
            waiting.remove(kind)
        } else if age > Self.limit {
            defer { (waiting, behindAt) = ([.audio, .video], now) }
            return Verdict(passes: false, wantsKeyframe: true, news: behindAt == nil ? .fellBehind : nil)
        }
        if kind == .video { picture = time }
        guard let last = behindAt, now.duration(since: last) >= Self.steady else { return .pass }
        behindAt = nil
        return Verdict(passes: true, news: .keepsUp)
    }
}
