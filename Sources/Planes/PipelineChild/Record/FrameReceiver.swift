internal import GStreamerKit
internal import LinuxIO

/// Takes one track's frames to the writer, on whichever thread makes them; never waits.
struct FrameReceiver: Sendable {
    let track: Int
    let queue: FrameQueue
    /// Video only.
    let gate: KeyframeGate?

    /// An `AppSink`'s receiver.
    func take(_ item: AppSinkItem) -> Bool {
        switch item {
        case .caps(let text): take(RecordingAssembler.Format(caps: text))
        case .endOfStream: end()
        case .sample(let sample): take(sample)
        case .byteSegment, .timeSegment: break
        }
        return true
    }

    /// Takes what is known of the frames to come.
    func take(_ format: RecordingAssembler.Format) { _ = queue.push(.format(track: track, format)) }

    /// Takes a frame, presented at `time` (monotonic clock, ns).
    func take(_ bytes: [UInt8], time: UInt64, isKeyframe: Bool) {
        guard gate?.admits(time: time, isKeyframe: isKeyframe) ?? true else { return }
        let frame = TimedFrame(
            track: track, time: time, isKeyframe: isKeyframe, bytes: bytes, receivedAt: SystemClocks.monotonicNanoseconds)
        if !queue.push(.frame(frame)) { gate?.cut(from: time) }
    }

    /// No more frames are to come.
    func end() { _ = queue.push(.end(track: track)) }

    private func take(_ sample: SampleView) {
        guard let time = (sample.pts ?? sample.dts)?.nanoseconds, !sample.bytes.isEmpty else { return }
        take(Array(sample.bytes), time: time, isKeyframe: gate == nil || !sample.flags.contains(.deltaUnit))
    }
}
