internal import BridgeModel
internal import Matroska

/// What the pieces of a track of sound are like, and those that say nothing. Pure.
enum SoundForm {
    case opus
    /// `frame`: how long each piece lasts; nothing is filled in where `silence` is nil.
    case aac(frame: Duration, silence: AACSilence?)

    /// Nil for pictures and for G.711, whose holes players see.
    init?(_ track: MatroskaTrack) {
        switch track.codec {
        case .opus: self = .opus
        case .aac:
            guard let config = AudioSpecificConfig(track.codecPrivate) else { return nil }
            self = .aac(frame: config.frame, silence: AACSilence(config))
        case .h264, .h265, .vp8, .vp9, .av1, .pcmu, .pcma: return nil
        }
    }

    /// How long one frame of silence lasts.
    var frame: Duration {
        switch self {
        case .opus: OpusSilence.frame
        case .aac(let frame, _): frame
        }
    }

    /// A longer gap stays one: a file of silence alone, or times that are not to be believed, are worse than sound that is early. AAC has no long packets.
    var longestGap: Duration {
        switch self {
        case .opus: .seconds(86_400)
        case .aac: .seconds(3600)
        }
    }

    /// How far a piece may be from the end of the one before it and still follow on it: files keep milliseconds, and frames of AAC are no whole number of
    /// them. Zero where they are.
    var rounding: Duration {
        switch self {
        case .opus: .zero
        case .aac: .milliseconds(3)
        }
    }

    /// A frame of silence; nil where there is none.
    var packet: [UInt8]? {
        switch self {
        case .opus: OpusSilence.packet
        case .aac(_, let silence): silence?.packet
        }
    }

    /// Silence for a gap: up to `count` frames in one piece, and how many there are in it. Nil where there is none.
    func gap(_ count: Int) -> (packet: [UInt8], frames: Int)? {
        switch self {
        case .opus:
            let frames = min(count, OpusSilence.mostFrames)
            return (OpusSilence.gap(frames: frames), frames)
        case .aac(_, let silence): return silence.map { ($0.gap, 1) }
        }
    }

    /// How long a piece sounds.
    func duration(of piece: [UInt8]) -> Duration {
        switch self {
        case .opus: opusDuration(piece)
        case .aac(let frame, _): frame
        }
    }
}
