internal import BridgeModel
internal import LoadGeneration
internal import RTP

/// The sending half of a publishing peer.
struct Publication {
    private var video: VideoPublisher
    private var audio: AudioPublisher?
    private var nextReport: MonotonicTime

    private static let reportInterval: Duration = .seconds(1)
    /// One NACK may name hundreds of packets; more is not answered at once.
    private static let mostRetransmissions = 128

    init(_ settings: VideoSettings, video: SentTrack, audio: SentTrack?, seed: UInt64, now: MonotonicTime) {
        self.video = VideoPublisher(settings, track: video, seed: seed, now: now)
        self.audio = audio.map { AudioPublisher(track: $0, seed: seed, now: now) }
        nextReport = now
    }

    var deadline: MonotonicTime {
        let media = min(video.deadline, audio?.deadline ?? video.deadline)
        return min(media, nextReport)
    }

    var counters: VideoPublisher.Counters { video.counters }

    /// Writes the next packet that is due into `slot`; 0 when there is none.
    mutating func writePacket(to slot: UnsafeMutableRawBufferPointer, now: MonotonicTime, wall: UInt64) -> Int {
        let count = video.writePacket(to: slot, now: now, wall: wall)
        if count > 0 { return count }
        return audio?.writePacket(to: slot, now: now) ?? 0
    }

    /// Writes the sender reports that are due, one for each track; 0 when none are.
    mutating func writeReports(to slot: UnsafeMutableRawBufferPointer, now: MonotonicTime, ntp: UInt64) -> Int {
        guard nextReport <= now else { return 0 }
        nextReport = now.advanced(by: Self.reportInterval)
        var writer = RTCPWriter(slot)
        for report in [video.report(now: now, ntp: ntp), audio?.report(ntp: ntp)].compactMap({ $0 }) {
            let view = SenderReportView(
                ssrc: report.ssrc, ntp: report.ntp, rtp: report.timestamp, packetCount: report.packets, octetCount: report.octets)
            guard writer.appendSenderReport(view), writer.appendCanonicalName("load", of: report.ssrc) else { break }
        }
        return writer.count
    }

    /// Takes the server's feedback; `resend` is called with each packet that it lost and that is still known.
    mutating func receiveControl(
        _ bytes: UnsafeRawBufferPointer, scratch: UnsafeMutableRawBufferPointer, resend: (UnsafeRawBufferPointer) -> Void
    ) {
        for packet in RTCPCompound(bytes) {
            switch RTCPFeedback(packet) {
            case .pictureLossIndication?, .fullIntraRequest?: video.requestKeyframe()
            case .nack(_, let lost)?:
                for sequence in lost.prefix(Self.mostRetransmissions) {
                    let count = video.writeAgain(sequence, to: scratch)
                    if count > 0 { resend(UnsafeRawBufferPointer(rebasing: scratch[..<count])) }
                }
            case nil: continue
            }
        }
    }
}
