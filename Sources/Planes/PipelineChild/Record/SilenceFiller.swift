internal import BridgeModel
internal import Matroska

/// Fills the holes of Opus tracks with silence, frame by frame as time goes on. Pure.
struct SilenceFiller {
    /// A hole is filled when it is longer than this; shorter ones are lost packets, which a player conceals.
    private static let tolerance: Duration = .milliseconds(500)
    /// One frame of 20 ms that says 'nothing to hear' (RFC 6716 section 3.1: CELT only, full band, mono, one frame, no data).
    private static let silence: [UInt8] = [0xF8, 0xFF, 0xFE]
    private static let frame: Duration = .milliseconds(20)

    /// End of each Opus track until now.
    private var ends: [UInt8: Duration]

    init(tracks: [MatroskaTrack]) {
        ends = Dictionary(tracks.filter { $0.codec == .opus }.map { ($0.number, .zero) }, uniquingKeysWith: { first, _ in first })
    }

    /// The silence that must stand before this frame is written.
    mutating func fillers(before next: MatroskaFrame) -> [MatroskaFrame] {
        var fillers: [MatroskaFrame] = []
        for (track, end) in ends where next.time - end > Self.tolerance {
            // The track's own next frame may still come: the last piece of the hole stays open.
            let limit = next.track == track ? next.time : next.time - Self.tolerance
            var time = end
            while time + Self.frame <= limit {
                fillers.append(MatroskaFrame(track: track, time: time, isKeyframe: true, bytes: Self.silence))
                time += Self.frame
            }
            ends[track] = time
        }
        if let end = ends[next.track] { ends[next.track] = max(end, next.time + Self.frame) }
        return fillers
    }
}
