internal import Bridge
internal import BridgeModel
internal import Matroska

/// From frames to a file's bytes: decides where the recording begins, which tracks are in it, and when clusters close. Pure; the writer
/// thread feeds it and carries `output` to the disk.
struct RecordingAssembler {
    /// What a track's caps say of its frames.
    struct Format: Equatable {
        var width = 0
        var height = 0
        var codecPrivate: [UInt8] = []
    }

    /// The beginning of the file.
    struct Beginning: Equatable, Sendable {
        /// The track whose frame is the first, and that frame's presentation time on the monotonic clock, ns.
        var track: Int
        var time: UInt64
    }

    /// How long the first keyframe waits for the other cameras' first keyframes, ns.
    static let patienceForOtherCameras: UInt64 = 600_000_000
    /// Sound that is kept while a keyframe is waited for: it may belong beside the keyframe, which took longer to come. ns.
    static let soundKept: UInt64 = 2_000_000_000

    private(set) var beginning: Beginning?
    /// Tracks that had no keyframe in time and are not in the file.
    private(set) var missingTracks: [Int] = []
    private(set) var writer: MatroskaWriter?
    private let plan: RecordPlan
    private var formats: [Format?]
    private var interleaver: Interleaver
    private var firstFrames: [Int: TimedFrame] = [:]
    private var clusterOpenedAt: UInt64?

    init(plan: RecordPlan) {
        self.plan = plan
        formats = plan.tracks.map { $0.kind == .audio ? Self.soundFormat($0) : nil }
        interleaver = Interleaver(tracks: plan.tracks.count)
    }

    private var videoTracks: [Int] { plan.tracks.indices.filter { plan.tracks[$0].kind == .video } }

    /// Takes the format of a track's frames. Once the file has begun it cannot change any more; the frames themselves say what is new.
    mutating func setFormat(_ format: Format, track: Int) {
        guard formats.indices.contains(track), formats[track] == nil else { return }
        formats[track] = format
    }

    /// Takes a frame; a video track's first is a keyframe.
    mutating func add(_ frame: TimedFrame) {
        guard plan.tracks.indices.contains(frame.track) else { return }
        interleaver.add(frame)
        guard beginning == nil else { return }
        if firstFrames[frame.track] == nil { firstFrames[frame.track] = frame }
        if plan.tracks[frame.track].kind == .audio, !videoTracks.isEmpty {
            // By the clock and not by its time: a pre-roll of many seconds comes at once, and its sound may overtake its pictures.
            interleaver.drop(ofTrack: frame.track, receivedBefore: frame.receivedAt - min(frame.receivedAt, Self.soundKept))
        }
    }

    /// Writes what is due into the writer. Returns the cluster that was closed last.
    mutating func advance(now: UInt64, isLast: Bool = false) -> MatroskaWriter.ClosedCluster? {
        beginIfReady(now: now, isLast: isLast)
        guard let beginning else { return nil }
        var closed: MatroskaWriter.ClosedCluster?
        for frame in interleaver.release(now: now, isLast: isLast) {
            guard frame.time >= beginning.time, !missingTracks.contains(frame.track) else { continue }
            let time = Duration.nanoseconds(Int64(clamping: frame.time - beginning.time))
            let ended = writer?.append(
                MatroskaFrame(track: UInt8(frame.track + 1), time: time, isKeyframe: frame.isKeyframe, bytes: frame.bytes))
            if let ended { closed = ended }
            if ended != nil || clusterOpenedAt == nil { clusterOpenedAt = now }
        }
        // A cluster that gets no more frames is closed by the clock, so that the disk has it.
        if let opened = clusterOpenedAt, now >= opened + UInt64(max(0, plan.fragment.wholeNanoseconds)) {
            closed = writer?.closeCluster() ?? closed
            clusterOpenedAt = nil
        }
        return closed
    }

    /// Writes everything that is left, and the index. Returns the recording's length, nil when it never began.
    mutating func finish(now: UInt64) -> Duration? {
        _ = advance(now: now, isLast: true)
        return writer?.finish()
    }

    /// For a file that was cut to `size` because the disk is full.
    mutating func finish(cutTo size: UInt64) -> Duration? { writer?.finish(cutTo: size) }

    /// What is to be written to the file, taken away from here.
    mutating func takeOutput() -> MatroskaWriter.Output { writer?.takeOutput() ?? MatroskaWriter.Output() }

    private mutating func beginIfReady(now: UInt64, isLast: Bool) {
        guard beginning == nil else { return }
        let starters = firstFrames.values.filter { videoTracks.isEmpty || videoTracks.contains($0.track) }
        guard let first = starters.min(by: { $0.time < $1.time }) else { return }
        let absent = videoTracks.filter { firstFrames[$0] == nil || formats[$0] == nil }
        let waited = starters.contains { now >= $0.receivedAt + Self.patienceForOtherCameras }
        guard absent.isEmpty || ((waited || isLast) && absent.count < videoTracks.count) else { return }
        missingTracks = absent
        beginning = Beginning(track: first.track, time: first.time)
        interleaver.drop(before: first.time)
        writer = MatroskaWriter(
            documentType, tracks: headerTracks(), startedAt: wallTime(first.time), cluster: plan.fragment)
    }

    private var documentType: DocumentType {
        plan.container == .webm && plan.tracks.allSatisfy { $0.codec.isWebM } ? .webm : .matroska
    }

    private func headerTracks() -> [MatroskaTrack] {
        plan.tracks.indices.compactMap { index in
            guard let format = formats[index], !missingTracks.contains(index) else { return nil }
            let track = plan.tracks[index]
            return MatroskaTrack(
                number: UInt8(index + 1), codec: track.codec, width: format.width, height: format.height,
                channels: Int(track.channels ?? Self.usualChannels(track.codec)), codecPrivate: format.codecPrivate)
        }
    }

    /// The wall-clock time of a moment of the monotonic clock.
    func wallTime(_ monotonic: UInt64) -> WallTime {
        WallTime(nanoseconds: Int64(clamping: monotonic)).advanced(by: plan.wallClockOffset)
    }

    /// Opus is always announced with two channels (RFC 7587 section 7); G.711 has one.
    private static func usualChannels(_ codec: Codec) -> UInt8 { codec == .opus ? 2 : 1 }

    private static func soundFormat(_ track: TrackDescription) -> Format {
        let channels = track.channels ?? usualChannels(track.codec)
        switch track.codec {
        case .opus: return Format(codecPrivate: opusHead(channels: channels))
        case .pcmu, .pcma: return Format(codecPrivate: waveFormat(track.codec, channels: channels))
        case .h264, .h265, .vp8, .vp9, .av1: return Format()
        }
    }
}
