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

    /// A file that was completed because the next one began.
    struct EndedFile: Equatable, Sendable {
        /// What is still to be done to it.
        var output: MatroskaWriter.Output
        var bytes: UInt64
        var duration: Duration
        /// Its last frames, where those are kept.
        var frames: [MatroskaFrame]
        /// Presentation time of the first frame of the file that follows, on the monotonic clock, ns.
        var nextBegins: UInt64
    }

    /// A time without any frame.
    struct Gap: Equatable, Sendable {
        /// From the file's beginning.
        var offset: Duration
        var length: Duration
    }

    /// How long the first keyframe waits for the other cameras' first keyframes, ns.
    static let patienceForOtherCameras: UInt64 = 600_000_000
    /// Sound that is kept while a keyframe is waited for: it may belong beside the keyframe, which took longer to come. ns.
    static let soundKept: UInt64 = 2_000_000_000

    /// Frames that are further apart than this have a gap between them, ns.
    static let shortestGap = UInt64(SilenceFiller.shortestGap.wholeNanoseconds)

    private(set) var beginning: Beginning?
    /// Since they were taken the last time.
    private var endedFiles: [EndedFile] = []
    private var gaps: [Gap] = []
    /// Tracks that had no keyframe in time and are not in the file.
    private(set) var missingTracks: [Int] = []
    private(set) var writer: MatroskaWriter?
    /// Frames of the newest file are given away by `takeFrames`, too.
    var keepsFrames = false
    private var keptFrames: [MatroskaFrame] = []
    private var silence = SilenceFiller(tracks: [], patience: .zero)
    private let plan: RecordPlan
    private var formats: [Format?]
    private var interleaver: Interleaver
    private var firstFrames: [Int: TimedFrame] = [:]
    private var clusterOpenedAt: UInt64?
    /// Of the file that is being written: times of its first frame and of its newest.
    private(set) var fileBegins: UInt64 = 0
    /// Its tracks.
    private(set) var tracks: [MatroskaTrack] = []
    private var newestFrame: UInt64?
    /// What the next frame of a track begins.
    private var nextFormats: [Int: Format] = [:]
    private var pictureHasChanged = false

    init(plan: RecordPlan) {
        self.plan = plan
        formats = plan.tracks.map { $0.kind == .audio ? Self.soundFormat($0) : nil }
        interleaver = Interleaver(tracks: plan.tracks.count)
    }

    private var videoTracks: [Int] { plan.tracks.indices.filter { plan.tracks[$0].kind == .video } }

    /// Takes the format of a track's frames. Once the file has begun its header stays as it is, and the frames themselves say what is new; where
    /// the recording is cut the next file begins with it.
    mutating func setFormat(_ format: Format, track: Int) {
        guard formats.indices.contains(track), formats[track] != nil else {
            if formats.indices.contains(track) { formats[track] = format }
            return
        }
        if plan.segmentation != nil { nextFormats[track] = format }
    }

    /// Takes a frame; a video track's first is a keyframe.
    mutating func add(_ frame: TimedFrame) {
        guard plan.tracks.indices.contains(frame.track) else { return }
        var frame = frame
        frame.beginsFormat = nextFormats.removeValue(forKey: frame.track)
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
            noteFormat(of: frame)
            if endsFile(before: frame) {
                endFile(at: frame.time)
                (closed, clusterOpenedAt) = (nil, nil)
            }
            noteGap(before: frame)
            let ended = append(frame)
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

    private mutating func append(_ frame: TimedFrame) -> MatroskaWriter.ClosedCluster? {
        newestFrame = max(newestFrame ?? 0, frame.time)
        let time = Duration.nanoseconds(Int64(clamping: frame.time - min(frame.time, fileBegins)))
        let received = MatroskaFrame(track: UInt8(frame.track + 1), time: time, isKeyframe: frame.isKeyframe, bytes: frame.bytes)
        var closed: MatroskaWriter.ClosedCluster?
        for piece in silence.fill(before: received) {
            if keepsFrames { keptFrames.append(piece) }
            closed = writer?.append(piece) ?? closed
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
        beginFile(at: first.time)
    }

    private mutating func beginFile(at time: UInt64) {
        (fileBegins, newestFrame, pictureHasChanged) = (time, nil, false)
        (keepsFrames, tracks) = (false, headerTracks())
        writer = MatroskaWriter(documentType, tracks: tracks, startedAt: wallTime(time), cluster: plan.fragment)
        silence = SilenceFiller(tracks: tracks, patience: SilenceFiller.recordersPatience)
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
                channels: Int(Self.channels(track, format)), codecPrivate: format.codecPrivate)
        }
    }

    /// The wall-clock time of a moment of the monotonic clock.
    func wallTime(_ monotonic: UInt64) -> WallTime {
        WallTime(nanoseconds: Int64(clamping: monotonic)).advanced(by: plan.wallClockOffset)
    }

    /// Opus is always announced with two channels (RFC 7587 section 7); G.711 has one.
    private static func usualChannels(_ codec: Codec) -> UInt8 { codec == .opus ? 2 : 1 }

    /// AAC's configuration says what the frames hold, whatever else was announced.
    private static func channels(_ track: TrackDescription, _ format: Format) -> UInt8 {
        let config = track.codec == .aac ? AudioSpecificConfig(format.codecPrivate) : nil
        return config?.channels ?? track.channels ?? usualChannels(track.codec)
    }

    private static func soundFormat(_ track: TrackDescription) -> Format {
        let channels = track.channels ?? usualChannels(track.codec)
        switch track.codec {
        case .opus: return Format(codecPrivate: opusHead(channels: channels))
        case .pcmu, .pcma: return Format(codecPrivate: waveFormat(track.codec, channels: channels))
        case .aac: return Format(codecPrivate: track.audioConfiguration ?? [])
        case .h264, .h265, .vp8, .vp9, .av1: return Format()
        }
    }
}

// Cutting, and what is missing.
extension RecordingAssembler {
    /// The track whose keyframes a cut waits for: the first video track of the file, else any.
    private var leader: Int? { videoTracks.first { !missingTracks.contains($0) } }

    private mutating func noteFormat(of frame: TimedFrame) {
        guard let format = frame.beginsFormat, let old = formats[frame.track] else { return }
        formats[frame.track] = format
        guard (format.width, format.height) != (old.width, old.height), plan.tracks[frame.track].kind == .video else { return }
        pictureHasChanged = true
    }

    private func endsFile(before frame: TimedFrame) -> Bool {
        guard let segmentation = plan.segmentation, let writer, newestFrame != nil else { return false }
        if let leader { guard frame.track == leader, frame.isKeyframe else { return false } }
        let length = Duration.nanoseconds(Int64(clamping: frame.time - min(frame.time, fileBegins)))
        let isLong = segmentation.duration.map { length >= $0 } ?? false
        let isLarge = segmentation.bytes.map { writer.fileSize >= UInt64(clamping: $0) } ?? false
        return isLong || isLarge || pictureHasChanged
    }

    private mutating func endFile(at time: UInt64) {
        guard let duration = writer?.finish(), let output = writer?.takeOutput(), let bytes = writer?.fileSize else { return }
        endedFiles.append(EndedFile(output: output, bytes: bytes, duration: duration, frames: takeFrames(), nextBegins: time))
        beginFile(at: time)
    }

    private mutating func noteGap(before frame: TimedFrame) {
        guard let newestFrame, frame.time > newestFrame, frame.time - newestFrame > Self.shortestGap else { return }
        gaps.append(
            Gap(
                offset: .nanoseconds(Int64(clamping: newestFrame - min(newestFrame, fileBegins))),
                length: .nanoseconds(Int64(clamping: frame.time - newestFrame))))
    }

    /// Files that have ended, taken away from here; to be dealt with before `takeOutput`, which belongs to the newest file.
    mutating func takeEndedFiles() -> [EndedFile] {
        defer { endedFiles = [] }
        return endedFiles
    }

    /// Frames of the newest file since they are kept, taken away from here.
    mutating func takeFrames() -> [MatroskaFrame] {
        defer { keptFrames = [] }
        return keptFrames
    }

    /// Gaps of the newest file, taken away from here.
    mutating func takeGaps() -> [Gap] {
        defer { gaps = [] }
        return gaps
    }
}
