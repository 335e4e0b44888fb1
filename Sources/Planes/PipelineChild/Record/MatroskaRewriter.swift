internal import Bridge
internal import BridgeModel
internal import LinuxIO
internal import Matroska

/// Copies frames into a new Matroska or WebM file with duration and index; holes in the sound are filled.
struct MatroskaRewriter {
    private var parts: RecordingParts
    private let file: LockedFile
    private var writer: MatroskaWriter
    private var silence: SilenceFiller
    private var size: UInt64 = 0

    /// Longer than while recording: nothing is to be lost here, and larger clusters are smaller files.
    private static let cluster: Duration = .seconds(5)
    /// Bytes that are gathered before they are written.
    private static let batch = 1024 * 1024

    init(parts: RecordingParts, container: Container, path: String) throws(SystemError) {
        self.parts = parts
        file = try LockedFile(creating: path)
        silence = SilenceFiller(tracks: parts.tracks, patience: SilenceFiller.readersPatience)
        let isWebM = container == .webm && parts.tracks.allSatisfy { $0.codec.isWebM }
        writer = MatroskaWriter(
            isWebM ? .webm : .matroska, tracks: parts.tracks, startedAt: parts.startedAt, cluster: Self.cluster)
    }

    /// Copies everything. Throws `no_media`, `pipeline_failed` when it was told to stop, or the disk's error.
    mutating func run(until isCancelled: () -> Bool) throws -> PipelineResult {
        var frames = 0
        while let frame = parts.next() {
            guard !isCancelled() else { throw BridgeError(.pipelineFailed, "The finisher was stopped before its end.") }
            for frame in silence.fill(before: frame) { writer.append(frame) }
            frames += 1
            if writer.output.appended.count >= Self.batch { try flush() }
        }
        guard frames > 0 else { throw BridgeError(.noMedia, "Nothing was recorded: the recording holds no frame.") }
        let duration = writer.finish()
        try flush()
        try file.synchronise()
        return PipelineResult(bytes: Int64(clamping: size), duration: duration)
    }

    private mutating func flush() throws(SystemError) {
        let output = writer.takeOutput()
        try file.write(output.appended, at: size)
        size += UInt64(output.appended.count)
        for overwrite in output.overwritten { try file.write(overwrite.bytes, at: overwrite.offset) }
    }
}
