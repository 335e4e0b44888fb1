internal import BridgeModel
internal import FoundationEssentials
internal import RTP
internal import Synchronization

/// A video track's way from RTP packets to frames, by a depacketizer of ours.
final class PictureChain<Picture: PictureAssembly>: PacketSink {
    private struct State {
        var depacketizer: FrameDepacketizer<Picture>
        /// Of the newest keyframe.
        var format: PictureFormat?
    }

    private let state: Mutex<State>
    private let receiver: FrameReceiver

    init(_ picture: Picture, _ receiver: FrameReceiver) {
        state = Mutex(State(depacketizer: FrameDepacketizer(picture)))
        self.receiver = receiver
    }

    func push(_ packet: UnsafeRawBufferPointer, time: UInt64, isAfterGap: Bool) -> Bool {
        guard let view = RTPPacketView(reading: packet) else { return false }
        let moment = PacketMoment(
            timestamp: view.timestamp, time: MonotonicTime(nanoseconds: time), marker: view.marker, isAfterGap: isAfterGap)
        return state.withLock { state in
            var format = state.format
            defer { state.format = format }
            do throws(DepacketizerFailure) {
                try state.depacketizer.take(view.payload, of: moment) { frame in
                    if let news = frame.format, news != format {
                        receiver.take(RecordingAssembler.Format(news))
                        format = news
                    }
                    receiver.take(frame.bytes, time: frame.time.nanoseconds, isKeyframe: frame.isKeyframe)
                }
                return true
            } catch {
                return false
            }
        }
    }

    func endOfStream() { receiver.end() }
}

/// A track whose packets are pieces of sound, each by itself (RFC 7587 section 4.2, RFC 3551 section 4.5).
struct SoundChain: PacketSink {
    private let receiver: FrameReceiver

    init(_ receiver: FrameReceiver) { self.receiver = receiver }

    func push(_ packet: UnsafeRawBufferPointer, time: UInt64, isAfterGap: Bool) -> Bool {
        guard let view = RTPPacketView(reading: packet) else { return false }
        if !view.payload.isEmpty { receiver.take(Array(view.payload), time: time, isKeyframe: true) }
        return true
    }

    func endOfStream() { receiver.end() }
}

/// A track of AAC, whose frames are several to a packet, or one in several (RFC 3640).
final class AACChain: PacketSink {
    private let depacketizer: Mutex<AACDepacketizer>
    private let receiver: FrameReceiver

    init(_ config: AudioSpecificConfig, _ receiver: FrameReceiver) {
        depacketizer = Mutex(AACDepacketizer(frame: config.frame))
        self.receiver = receiver
    }

    func push(_ packet: UnsafeRawBufferPointer, time: UInt64, isAfterGap: Bool) -> Bool {
        guard let view = RTPPacketView(reading: packet) else { return false }
        let moment = PacketMoment(
            timestamp: view.timestamp, time: MonotonicTime(nanoseconds: time), marker: view.marker, isAfterGap: isAfterGap)
        return depacketizer.withLock { depacketizer in
            do throws(DepacketizerFailure) {
                for unit in try depacketizer.take(view.payload, of: moment) {
                    receiver.take(unit.bytes, time: unit.time.nanoseconds, isKeyframe: true)
                }
                return true
            } catch {
                return false
            }
        }
    }

    func endOfStream() { receiver.end() }
}

extension RecordingAssembler.Format {
    fileprivate init(_ format: PictureFormat) {
        self.init(width: Int(format.size.width), height: Int(format.size.height), codecPrivate: format.codecPrivate)
    }
}

extension H264Picture {
    /// With the parameter sets of the track's SDP (RFC 6184 section 8.1).
    init(_ track: TrackDescription) {
        let texts = ParameterSetTexts.values(of: track.formatParameters)["sprop-parameter-sets"]?.split(separator: ",") ?? []
        self.init(parameterSets: texts.compactMap { Data(base64Encoded: String($0)).map(Array.init) })
    }
}
