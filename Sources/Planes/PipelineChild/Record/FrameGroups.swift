internal import Bridge
internal import BridgeModel
internal import ISOMedia
internal import Matroska

/// Frames, the holes in the sound filled, in groups of about a second, each with one track after the other: larger pieces make a smaller index, and a
/// player finds what belongs together in one place. Pure.
struct FrameGroups {
    private let used: Set<UInt8>
    private var silence: SilenceFiller
    private var group: [UInt8: [MatroskaFrame]] = [:]
    private var end: Duration?

    private static let length: Duration = .seconds(1)

    /// Frames of tracks that are not `used` are left out.
    init(of tracks: [MatroskaTrack], used: Set<UInt8>) {
        self.used = used
        silence = SilenceFiller(tracks: tracks, patience: SilenceFiller.readersPatience)
    }

    /// Takes the next frame; the group before it, when that is complete.
    mutating func add(_ frame: MatroskaFrame) -> [MatroskaFrame]? {
        var complete: [MatroskaFrame]?
        if end.map({ frame.time >= $0 }) ?? true {
            complete = finish()
            end = frame.time + Self.length
        }
        for piece in silence.fill(before: frame) where used.contains(piece.track) { group[piece.track, default: []].append(piece) }
        return complete
    }

    /// The last group; nil without one.
    mutating func finish() -> [MatroskaFrame]? {
        guard end != nil else { return nil }
        defer { (group, end) = ([:], nil) }
        return group.sorted { $0.key < $1.key }.flatMap(\.value)
    }
}

extension MovieTrack {
    /// Of what a recorder wrote. Throws `unacceptable_offer` for a codec that MP4 does not hold, and what an unknown description throws.
    init(_ track: MatroskaTrack, firstKeyframe: [UInt8]) throws {
        do throws(ISOMediaError) {
            try self.init(
                number: UInt32(track.number), codec: track.codec, codecPrivate: track.codecPrivate, size: (track.width, track.height),
                channels: track.channels, firstKeyframe: firstKeyframe)
        } catch .unsupportedCodec(let codec) {
            throw BridgeError(.unacceptableOffer, "\(codec.encodingName) does not go into MP4.")
        }
    }
}
