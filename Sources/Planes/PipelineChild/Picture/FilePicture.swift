internal import Bridge
internal import BridgeModel
internal import Foundation
internal import ISOMedia
internal import LinuxIO
internal import Matroska
internal import Synchronization

/// The frames that one picture of a file needs: from the keyframe before it on.
struct PictureFrames {
    /// A group of pictures that is longer is not believed, bytes.
    private static let largestGroup = 256 * 1024 * 1024
    /// A picture may need ones that are shown after it: so many more are looked at.
    private static let lookahead = 4

    /// In the order of decoding.
    private(set) var frames: [MatroskaFrame] = []

    /// Throws `no_media` when the file has no such frame (any more).
    init(_ source: PictureSource) throws(BridgeError) {
        let file: ReadableFile
        do throws(SystemError) {
            file = try ReadableFile(path: source.path)
        } catch {
            throw BridgeError(.noMedia, "The recording's file is no longer there.")
        }
        let read: MatroskaReader.ReadBytes = { offset, count in file.read(at: offset, count: count) }
        try source.container == .mp4 ? readMovie(source, size: file.size, read) : readMatroska(source, read)
        guard !frames.isEmpty else { throw BridgeError(.noMedia, "The recording has no picture at this time that could be read.") }
    }

    private mutating func readMatroska(_ source: PictureSource, _ read: @escaping MatroskaReader.ReadBytes) throws(BridgeError) {
        guard var reader = try? MatroskaReader(readBytes: read) else { return }
        reader.move(toCluster: source.cluster)
        var (bytes, beyond) = (0, 0)
        while beyond < Self.lookahead, let frame = reader.next() {
            guard frame.track == source.track else { continue }
            if frame.time > source.time { beyond += 1 }
            guard take(frame, at: source.time, &bytes) else { return }
            guard bytes <= Self.largestGroup else { throw Self.tooLarge }
        }
    }

    private mutating func readMovie(
        _ source: PictureSource, size: UInt64, _ read: MatroskaReader.ReadBytes
    ) throws(BridgeError) {
        guard let movie = try? MovieReader(fileSize: size, readBytes: read) else { return }
        let samples = movie.samples(ofTrack: UInt32(source.track))
        guard let first = samples.lastIndex(where: { $0.isKeyframe && $0.time <= source.time }) else { return }
        var (bytes, beyond) = (0, 0)
        for sample in samples[first...] where beyond < Self.lookahead {
            if sample.time > source.time { beyond += 1 }
            let content = read(sample.offset, Int(sample.size))
            guard content.count == Int(sample.size) else { return }
            let frame = MatroskaFrame(track: source.track, time: sample.time, isKeyframe: sample.isKeyframe, bytes: content)
            guard take(frame, at: source.time, &bytes) else { return }
            guard bytes <= Self.largestGroup else { throw Self.tooLarge }
        }
    }

    /// Keeps a frame; false when it belongs to a later picture for sure.
    private mutating func take(_ frame: MatroskaFrame, at time: Duration, _ bytes: inout Int) -> Bool {
        if frame.isKeyframe {
            guard frame.time <= time else { return false }
            frames = []
            bytes = 0
        } else if frames.isEmpty {
            return true
        }
        frames.append(frame)
        bytes += frame.bytes.count
        return true
    }

    private static let tooLarge = BridgeError(.limitReached, "The recording has no keyframe near this time; ask for a moment further on.")
}

/// Decodes one picture of a file. Blocks: for a thread of its own.
enum FilePicture {
    /// Frames that wait to be decoded.
    private static let decoderLimit = 32

    /// The last picture that is shown at the source's time or before. Throws `no_media`, `pipeline_failed`.
    static func decode(_ source: PictureSource, isCancelled: @Sendable () -> Bool) throws(BridgeError) -> RawPicture {
        let frames = try PictureFrames(source).frames
        let found = Mutex<(picture: RawPicture?, failure: String?, isOver: Bool)>((nil, nil, false))
        let limit = UInt64(max(0, source.time.wholeNanoseconds))
        let format = VideoFormat(codec: source.codec, codecPrivate: source.codecPrivate)
        do {
            let decoder = try PictureDecoder(format, limit: decoderLimit) { output in
                found.withLock { found in
                    switch output {
                    case .picture(let picture):
                        if picture.time <= limit, picture.time >= found.picture?.time ?? 0 { found.picture = picture }
                    case .failure(let text): (found.failure, found.isOver) = (text, true)
                    case .end: found.isOver = true
                    }
                }
            }
            defer { decoder.stop() }
            for frame in frames {
                let time = UInt64(max(0, frame.time.wholeNanoseconds))
                while !isCancelled(), !found.withLock(\.isOver), !decoder.push(frame.bytes, time: time, isKeyframe: frame.isKeyframe) {
                    Thread.sleep(forTimeInterval: 0.001)
                }
            }
            decoder.finish()
            while !isCancelled(), !found.withLock(\.isOver) { Thread.sleep(forTimeInterval: 0.001) }
        } catch {
            throw BridgeError(.pipelineFailed, "The video cannot be decoded: \(error).")
        }
        let (picture, failure, _) = found.withLock { $0 }
        guard let picture else { throw BridgeError(.pipelineFailed, "The picture cannot be decoded: \(failure ?? "it is damaged").") }
        return picture
    }
}
