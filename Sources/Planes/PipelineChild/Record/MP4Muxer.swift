internal import BridgeModel
internal import Foundation
internal import GStreamerKit
internal import LinuxIO
internal import Matroska
internal import Synchronization

/// Muxes frames into a fragmented MP4 (ISO/IEC 14496-12 section 8.8) by GStreamer's mp4mux: the header in front, fragments of a second at most,
/// so that a player needs only what it shows, and an index of the fragments behind.
///
/// The muxer waits for every track, so a microphone that was silent in the recording gets Opus silence (DTX frames) here: without it the
/// pictures of that time would have to wait in memory.
final class MP4Muxer: Sendable {
    private let pipeline: Pipeline
    private let sources: [UInt8: AppSource]
    private let tracks: [MatroskaTrack]
    private let output: MuxerOutput

    /// Where a fragment ends, ms: it takes in the frame that passes this mark, which at 10 pictures a second or more still ends within the second.
    private static let fragment = 900
    /// What a track's queue may hold before the reader waits for the muxer, bytes.
    private static let queueBytes: UInt64 = 8 * 1024 * 1024
    /// A muxer that takes nothing for this long waits for another track: the reader goes on.
    private static let patience = 50
    /// How long the muxer may take to write what it still holds, s.
    private static let closing = 60.0

    init(tracks: [MatroskaTrack], path: String) throws {
        self.tracks = tracks
        let output = MuxerOutput(file: try LockedFile(creating: path))
        self.output = output
        pipeline = try Pipeline(name: "finish") { message in
            guard case .error(let element, _, _, let text) = message else { return }
            output.end(with: BridgeError(.pipelineFailed, "\(element): \(text)"))
        }
        let muxer = try Element("mp4mux")
        try muxer.set(["fragment-duration": String(Self.fragment)])
        let sink = try AppSink { output.take($0) }
        try pipeline.add(muxer, sink.element)
        try muxer.link(to: sink.element)
        try sink.pad().answerByteSeekability(true)
        var sources: [UInt8: AppSource] = [:]
        for track in tracks { sources[track.number] = try Self.join(track, to: muxer, in: pipeline) }
        self.sources = sources
    }

    /// Feeds all frames and waits for the file. Throws `no_media`, `pipeline_failed` or `storage_full`.
    func run(_ parts: RecordingParts, until isCancelled: () -> Bool) throws -> PipelineResult {
        defer {
            try? pipeline.setState(.null)
            pipeline.detachBus()
        }
        try pipeline.setState(.playing)
        let duration = try feed(parts, until: isCancelled)
        for source in sources.values { source.endOfStream() }
        let bytes = try output.waitForEnd(seconds: Self.closing)
        return PipelineResult(bytes: bytes, duration: duration)
    }

    private func feed(_ parts: RecordingParts, until isCancelled: () -> Bool) throws -> Duration {
        var parts = parts
        var silence = SilenceFiller(tracks: tracks)
        var end: Duration?
        while let frame = parts.next() {
            guard !isCancelled() else { throw BridgeError(.pipelineFailed, "The finisher was stopped before its end.") }
            for filler in silence.fillers(before: frame) { push(filler) }
            push(frame)
            if let failure = output.failure { throw failure }
            end = max(end ?? .zero, frame.time)
        }
        guard let end else { throw BridgeError(.noMedia, "Nothing was recorded: the recording holds no frame.") }
        return end
    }

    private func push(_ frame: MatroskaFrame) {
        guard let source = sources[frame.track] else { return }
        waitForRoom(in: source)
        let time = ClockTime(nanoseconds: UInt64(max(0, frame.time.wholeNanoseconds)))
        _ = frame.bytes.withUnsafeBytes { source.push($0, time: time, isKeyframe: frame.isKeyframe) }
    }

    private func waitForRoom(in source: AppSource) {
        var level = source.element.unsigned("current-level-bytes") ?? 0
        var waits = 0
        while level > Self.queueBytes, waits < Self.patience {
            Thread.sleep(forTimeInterval: 0.005)
            let now = source.element.unsigned("current-level-bytes") ?? 0
            waits = now < level ? 0 : waits + 1
            level = now
        }
    }

    private static func join(_ track: MatroskaTrack, to muxer: Element, in pipeline: Pipeline) throws -> AppSource {
        guard let (caps, parser) = format(track) else {
            throw BridgeError(.unacceptableOffer, "\(track.codec.encodingName) does not go into MP4.")
        }
        let source = try AppSource(caps: Caps(caps), limit: .max)
        try source.element.set("is-live", "false")
        var chain = [source.element]
        if let parser { chain.append(try Element(parser)) }
        try pipeline.add(chain)
        try Element.chain(chain)
        let pad = try muxer.requestPad(track.codec.kind == .video ? "video_%u" : "audio_%u")
        try (chain.last ?? source.element).pad("src").link(to: pad)
        return source
    }

    /// Caps of the frames, and a parser where the muxer needs to know more than the recording's header says.
    private static func format(_ track: MatroskaTrack) -> (caps: String, parser: String?)? {
        let size = "width=\(max(1, track.width)),height=\(max(1, track.height))"
        let data = "codec_data=(buffer)" + track.codecPrivate.map { hexadecimal($0) }.joined()
        switch track.codec {
        case .h264: return ("video/x-h264,stream-format=avc,alignment=au,\(size),\(data)", nil)
        case .h265: return ("video/x-h265,stream-format=hvc1,alignment=au,\(size),\(data)", nil)
        // mp4mux 1.22 reads a null pointer when the caps name no chroma-site; the parser adds the rest of what it needs.
        case .vp9: return ("video/x-vp9,alignment=super-frame,chroma-site=(string)mpeg2,\(size)", "vp9parse")
        case .opus: return ("audio/x-opus,channel-mapping-family=0,rate=48000,channels=\(track.channels)", nil)
        case .vp8, .av1, .pcmu, .pcma: return nil
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

/// The muxer's bytes on their way to the file, wherever the muxer wants them.
private final class MuxerOutput: @unchecked Sendable {
    // Unchecked: guarded by `condition`; the file is written on the muxer's one streaming thread.
    private let condition = NSCondition()
    private let file: LockedFile
    private var position: UInt64 = 0
    private var size: UInt64 = 0
    private var hasEnded = false
    private var error: BridgeError?

    init(file: LockedFile) { self.file = file }

    var failure: BridgeError? { condition.withLock { error } }

    func take(_ item: AppSinkItem) -> Bool {
        switch item {
        case .byteSegment(let start): condition.withLock { position = start }
        case .sample(let sample): return write(Array(sample.bytes))
        case .endOfStream: end(with: nil)
        case .timeSegment, .caps: break
        }
        return true
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        let place = condition.withLock { position }
        do throws(SystemError) {
            try file.write(bytes, at: place)
        } catch {
            end(with: RecordingWriter.failure(error))
            return false
        }
        condition.withLock {
            position = place + UInt64(bytes.count)
            size = max(size, position)
        }
        return true
    }

    func end(with failure: BridgeError?) {
        condition.withLock {
            hasEnded = true
            error = error ?? failure
            condition.signal()
        }
    }

    /// Waits for the muxer's end and makes the file durable. Returns its size.
    func waitForEnd(seconds: Double) throws -> Int64 {
        let limit = Date(timeIntervalSinceNow: seconds)
        let (ended, failure, size) = condition.withLock {
            while !hasEnded, condition.wait(until: limit) {}
            return (hasEnded, error, self.size)
        }
        if let failure { throw failure }
        guard ended else { throw BridgeError(.pipelineHung, "The muxer did not end in time.") }
        try file.synchronise()
        return Int64(clamping: size)
    }
}
