internal import BridgeModel
internal import Matroska

/// Fills the holes of Opus tracks with silence, frame by frame as time goes on. Pure.
///
/// Players that count samples need it: Chromium plays what comes after a hole at once, so that each lost packet puts the sound 20 ms ahead of the
/// pictures, and a microphone that was muted for a minute a minute.
struct SilenceFiller {
    /// How far clocks move a frame without there being a hole.
    private static let tolerance: Duration = .milliseconds(5)
    /// How long the track's own next frame may still come behind the other tracks'.
    private static let patience: Duration = .milliseconds(500)
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
        for (track, end) in ends {
            let limit = next.track == track ? next.time + Self.tolerance : next.time - Self.patience
            var time = end
            while time + Self.frame <= limit {
                fillers.append(MatroskaFrame(track: track, time: time, isKeyframe: true, bytes: Self.silence))
                time += Self.frame
            }
            ends[track] = time
        }
        if let end = ends[next.track] { ends[next.track] = max(end, next.time + opusDuration(next.bytes)) }
        return fillers
    }
}

/// How long a packet of Opus sounds (RFC 6716 section 3.1 and 3.2); 20 ms where it does not say.
func opusDuration(_ packet: [UInt8]) -> Duration {
    guard let head = packet.first else { return .milliseconds(20) }
    let configuration = Int(head >> 3)
    let microseconds =
        switch configuration {
        case ..<12: [10_000, 20_000, 40_000, 60_000][configuration & 3]  // SILK
        case 12..<16: [10_000, 20_000][configuration & 1]  // hybrid
        default: [2500, 5000, 10_000, 20_000][configuration & 3]  // CELT
        }
    let frames =
        switch head & 3 {
        case 0: 1
        case 1, 2: 2
        default: packet.count > 1 ? max(1, Int(packet[1] & 0x3F)) : 1
        }
    // No packet is longer than this (section 3.2.5).
    return .microseconds(min(120_000, microseconds * frames))
}
