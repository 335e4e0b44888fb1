internal import BridgeModel
internal import GStreamerKit
internal import RTP
internal import Synchronization

/// Where the intake takes a track's packets: what makes frames of them. Called on the intake's thread only, and never waits.
protocol PacketSink: Sendable {
    /// Takes an RTP packet that is presented at `time` (monotonic clock, ns); `isAfterGap` when packets before it are missing. False when it was
    /// not taken, and its frame is damaged.
    func push(_ packet: UnsafeRawBufferPointer, time: UInt64, isAfterGap: Bool) -> Bool
    /// No more packets are to come.
    func endOfStream()
}

/// The beginning of a `TrackChain`.
extension AppSource: PacketSink {
    func push(_ packet: UnsafeRawBufferPointer, time: UInt64, isAfterGap: Bool) -> Bool {
        push(packet, time: ClockTime(nanoseconds: time), isDiscontinuity: isAfterGap) == .accepted
    }
}

/// An AV1 track's way from RTP packets to frames: GStreamer 1.22 has no depayloader for it.
final class AV1Chain: PacketSink {
    private struct State {
        var depacketizer = AV1Depacketizer()
        /// Of the newest sequence header.
        var format: RecordingAssembler.Format?
    }

    private let state = Mutex(State())
    private let receiver: FrameReceiver

    init(_ receiver: FrameReceiver) { self.receiver = receiver }

    func push(_ packet: UnsafeRawBufferPointer, time: UInt64, isAfterGap: Bool) -> Bool {
        state.withLock { state in
            guard let view = RTPPacketView(reading: packet) else { return false }
            do throws(AV1Depacketizer.Failure) {
                let units = try state.depacketizer.take(
                    view.payload, timestamp: view.timestamp, time: MonotonicTime(nanoseconds: time), marker: view.marker,
                    isAfterGap: isAfterGap)
                for unit in units { take(unit, &state) }
                return true
            } catch {
                return false
            }
        }
    }

    func endOfStream() { receiver.end() }

    private func take(_ unit: AV1Depacketizer.TemporalUnit, _ state: inout State) {
        if let format = RecordingAssembler.Format(unit), format != state.format {
            receiver.take(format)
            state.format = format
        }
        receiver.take(unit.bytes, time: unit.time.nanoseconds, isKeyframe: unit.isKeyframe)
    }
}

extension RecordingAssembler.Format {
    /// From a unit's sequence header; nil where it has none that can be read.
    fileprivate init?(_ unit: AV1Depacketizer.TemporalUnit) {
        guard let bytes = unit.sequenceHeader, let header = bytes.withUnsafeBytes({ AV1SequenceHeader(reading: $0) }) else { return nil }
        self.init(
            width: Int(header.size.width), height: Int(header.size.height), codecPrivate: header.configurationRecord(with: bytes))
    }
}

/// The way of a track's packets to frames. `pipeline` is joined for H.265, whose frames GStreamer puts together, and not asked for otherwise.
func packetSink(
    of track: TrackDescription, _ receiver: FrameReceiver, pipeline: () throws -> Pipeline
) throws -> any PacketSink {
    switch track.codec {
    case .h264: return PictureChain(H264Picture(track), receiver)
    case .vp8: return PictureChain(VP8Picture(), receiver)
    case .vp9: return PictureChain(VP9Picture(), receiver)
    case .av1: return AV1Chain(receiver)
    case .opus, .pcmu, .pcma: return SoundChain(receiver)
    case .aac:
        guard let config = track.audioConfiguration.flatMap({ AudioSpecificConfig($0) }) else {
            throw BridgeError(.unacceptableOffer, "The stream's AAC cannot be recorded: nothing describes it (config of its fmtp).")
        }
        return AACChain(config, receiver)
    case .h265:
        let chain = try TrackChain(track) { receiver.take($0) }
        try chain.join(pipeline())
        return chain.source
    }
}
