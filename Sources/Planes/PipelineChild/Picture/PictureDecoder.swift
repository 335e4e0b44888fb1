internal import BridgeModel
internal import GStreamerKit
internal import Synchronization

/// What a decoder has to know of frames before the first of them, as Matroska stores it.
struct VideoFormat: Sendable, Equatable {
    var codec: Codec
    var codecPrivate: [UInt8]

    /// The caps of frames as recordings hold them.
    var caps: String? {
        let data = codecPrivate.isEmpty ? "" : ",codec_data=(buffer)" + codecPrivate.map(Self.hexadecimal).joined()
        switch codec {
        case .vp8: return "video/x-vp8"
        case .vp9: return "video/x-vp9"
        case .h264: return "video/x-h264,stream-format=avc,alignment=au" + data
        case .h265: return "video/x-h265,stream-format=hvc1,alignment=au" + data
        case .av1: return "video/x-av1,stream-format=obu-stream,alignment=tu"
        case .opus, .pcmu, .pcma, .aac: return nil
        }
    }

    /// The decoder, set to one thread: several would give each picture late, and take the cores from what is live.
    fileprivate func makeDecoder() throws -> Element {
        switch codec {
        case .vp8, .vp9:
            let decoder = try Element(codec == .vp8 ? "vp8dec" : "vp9dec")
            try decoder.set("threads", "1")
            return decoder
        case .h264, .h265:
            let decoder = try Element(codec == .h264 ? "avdec_h264" : "avdec_h265")
            try decoder.set("max-threads", "1")
            return decoder
        case .av1: return try Element("av1dec")
        case .opus, .pcmu, .pcma, .aac: throw BridgeError(.noMedia, "There is no picture in sound.")
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = Array("0123456789abcdef")
        return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
}

/// A decoded picture, planes or pixels in GStreamer's usual layout.
struct RawPicture: Sendable {
    /// Format and size, as text.
    var caps: String
    var bytes: [UInt8]
    /// Of its frame, in the decoder's input, ns.
    var time: UInt64
    /// Pixels.
    var width: Int
    var height: Int
}

/// Decodes one video's frames. Pictures come out in the order in which they are shown.
final class PictureDecoder: Sendable {
    /// Larger pictures are refused, pixels: no camera has them, and a few would fill the memory.
    private static let largestPicture = 8192 * 8192

    /// What comes out.
    enum Output: Sendable {
        case picture(RawPicture)
        case end
        case failure(String)
    }

    /// What every picture is turned into.
    struct Shape: Sendable {
        var format = "I420"
        var size: (width: Int, height: Int)?
    }

    private let source: AppSource
    private let pipeline: Pipeline

    /// Starts a decoder that holds `limit` frames at most. `deliver` is called on the decoder's thread and must not wait for it.
    init(_ format: VideoFormat, shape: Shape = Shape(), limit: Int, deliver: @escaping @Sendable (Output) -> Void) throws {
        pipeline = try Pipeline(name: "decode") { message in
            guard case .error(let element, _, _, let text) = message else { return }
            deliver(.failure("\(element): \(text)"))
        }
        source = try AppSource(caps: Caps(format.caps ?? ""), limit: limit, bufferSize: 1)
        var size = ""
        if let wanted = shape.size { size = ",width=\(wanted.width),height=\(wanted.height),pixel-aspect-ratio=1/1" }
        let sink = try AppSink(caps: Caps("video/x-raw,format=\(shape.format)\(size)"), receive: Self.receiver(deliver))
        let elements = [source.element, try format.makeDecoder(), try Element("videoconvert"), try Element("videoscale"), sink.element]
        try pipeline.add(elements)
        try Element.chain(elements)
        try pipeline.setState(.playing)
    }

    /// Gives the decoder a frame of `time` (ns); false when it has too many already.
    func push(_ bytes: [UInt8], time: UInt64, isKeyframe: Bool) -> Bool {
        bytes.withUnsafeBytes { source.push($0, time: ClockTime(nanoseconds: time), isKeyframe: isKeyframe) != .full }
    }

    /// No more frames are to come: what the decoder still holds comes out, then `end`.
    func finish() { source.endOfStream() }

    /// Takes it down; not on its own thread.
    func stop() {
        try? pipeline.setState(.null)
        pipeline.detachBus()
    }

    private static func receiver(_ deliver: @escaping @Sendable (Output) -> Void) -> @Sendable (AppSinkItem) -> Bool {
        let current = Mutex<(caps: String, width: Int, height: Int)>(("", 0, 0))
        return { item in
            switch item {
            case .caps(let text):
                let size = RecordingAssembler.Format(caps: text)
                current.withLock { $0 = (text, size.width, size.height) }
                guard size.width > 0, size.height > 0, size.width * size.height <= largestPicture else {
                    deliver(.failure("a picture of \(size.width)x\(size.height) is not decoded"))
                    return false
                }
            case .sample(let sample):
                let (caps, width, height) = current.withLock { $0 }
                let time = sample.pts?.nanoseconds ?? 0
                deliver(.picture(RawPicture(caps: caps, bytes: Array(sample.bytes), time: time, width: width, height: height)))
            case .endOfStream: deliver(.end)
            case .byteSegment, .timeSegment: break
            }
            return true
        }
    }
}
