internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import RTP
internal import Synchronization

/// One track of a camera on its way to the hub: the payloader's packets, and a sender report each second, which ties them to the wall clock.
final class CaptureTrack: Sendable {
    private static let reportInterval: UInt64 = 1_000_000_000
    /// NTP counts from 1900, UNIX from 1970 (RFC 5905 section 6).
    private static let secondsFrom1900: UInt64 = 2_208_988_800

    private struct State {
        var segment: (start: UInt64, base: UInt64) = (0, 0)
        var reportedAt: UInt64 = 0
        /// Packets with the marker: the last of a frame (RFC 6184 section 5.1, RFC 7741 section 4.1).
        var marked: UInt64 = 0
    }

    private let forwarder: TrackForwarder
    private let state = Mutex(State())

    init(_ forwarder: TrackForwarder) { self.forwarder = forwarder }

    var statistics: PipelineStats { forwarder.statistics }

    /// Frames of a video track so far.
    var frames: UInt64 { state.withLock { $0.marked } }

    /// The end of a chain in `pipeline`: takes what its payloader makes.
    func makeSink(in pipeline: Pipeline) throws(GStreamerError) -> AppSink {
        let owner = WeakPipeline(pipeline)
        return try AppSink { [weak self] item in
            switch item {
            case .sample(let sample): self?.take(sample, owner)
            case .timeSegment(let start, let base): self?.state.withLock { $0.segment = (start.nanoseconds, base.nanoseconds) }
            case .byteSegment, .caps, .endOfStream: break
            }
            return true
        }
    }

    private func take(_ sample: SampleView, _ pipeline: WeakPipeline) {
        let now = ClockTime.now.nanoseconds
        forwarder.forward(rtp: sample.bytes, arrival: MonotonicTime(nanoseconds: now))
        guard let pts = sample.pts, let base = pipeline.value?.element.baseTime, sample.bytes.count >= RTPPacketView.fixedHeaderSize else {
            return
        }
        let isMarked = sample.bytes[1] & 0x80 != 0
        let captured: UInt64? = state.withLock { state in
            if isMarked { state.marked += 1 }
            guard now - state.reportedAt >= Self.reportInterval else { return nil }
            state.reportedAt = now
            return base.nanoseconds &+ (pts.nanoseconds &- state.segment.start &+ state.segment.base)
        }
        if let captured { report(sample.bytes, captured: captured, now: now) }
    }

    /// `captured`: the moment of the packet's timestamp on CLOCK_MONOTONIC.
    private func report(_ packet: UnsafeRawBufferPointer, captured: UInt64, now: UInt64) {
        let wall = UInt64(bitPattern: SystemClocks.wallNanoseconds) &- (now &- captured)
        let ssrc = UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        let report = SenderReportView(
            ssrc: ssrc, ntp: Self.ntp(ofWallNanoseconds: wall),
            rtp: UInt32(bigEndian: packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        withUnsafeTemporaryAllocation(byteCount: SenderReportView.size, alignment: 8) { bytes in
            report.write(to: bytes)
            _ = forwarder.forward(
                senderReport: UnsafeRawBufferPointer(bytes), ssrc: ssrc, arrival: MonotonicTime(nanoseconds: now))
        }
    }

    /// 32.32 fixed point (RFC 3550 section 4).
    static func ntp(ofWallNanoseconds wall: UInt64) -> UInt64 {
        let (seconds, rest) = wall.quotientAndRemainder(dividingBy: 1_000_000_000)
        return (seconds &+ secondsFrom1900) << 32 | (rest << 32) / 1_000_000_000
    }
}
