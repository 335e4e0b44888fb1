internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// Decodes the picture of a composite's background: cut to cover the composite, from its middle. Its bytes are believed in nothing but their header, and
/// their decoder has a pipeline of its own.
final class BackgroundPicture: Sendable {
    typealias Result = Swift.Result<RawPicture, BridgeError>

    private struct State {
        /// Nil when all was said.
        var deliver: (@Sendable (Result) -> Void)?
        var pipeline: Pipeline?
    }

    private let name: BackgroundName
    private let width: Int
    private let height: Int
    private let state: Mutex<State>

    /// Of a composite of this size; nothing happens yet. `deliver` gets the outcome once, on any thread, and must not wait.
    init(_ name: BackgroundName, width: Int, height: Int, deliver: @escaping @Sendable (Result) -> Void) {
        (self.name, self.width, self.height) = (name, width, height)
        state = Mutex(State(deliver: deliver))
    }

    deinit { Self.end(state.withLock { $0.pipeline }) }

    /// Reads the file and begins to decode it.
    func begin(_ path: String) {
        do throws(BridgeError) {
            guard let file = try? ReadableFile(path: path) else { throw fault("its file is gone; put it again") }
            let bytes = file.read(at: 0, count: PictureHeader.largestFile + 1)
            guard let header = try? PictureHeader(reading: bytes) else {
                throw fault("its file is not the picture that was put; put it again")
            }
            do {
                try decode(bytes, header)
            } catch {
                throw fault("\(error)")
            }
        } catch {
            finish(.failure(error))
        }
    }

    /// It has taken too long.
    func giveUp() { finish(.failure(fault("decoding it takes too long; put a smaller one"))) }

    private func fault(_ text: String) -> BridgeError {
        BridgeError(.backgroundUnreadable, "The background \(name) cannot be shown: \(text).")
    }

    private func decode(_ bytes: [UInt8], _ header: PictureHeader) throws(GStreamerError) {
        let pipeline = try Pipeline(name: "background") { [weak self] message in
            guard let self, case .error(_, _, _, let text) = message else { return }
            finish(.failure(fault("it cannot be decoded (\(text)); put another one")))
        }
        let source = try AppSource(caps: Caps("image/\(header.format.rawValue),framerate=0/1"), limit: 1, bufferSize: 1)
        let decoder = try Element(header.format == .png ? "pngdec" : "jpegdec")
        // What is cut off is never scaled: a picture that is wide and flat would become a huge one.
        let part = CompositeCell(x: 0, y: 0, width: width, height: height, fit: .cover)
            .visiblePart(ofWidth: header.width, height: header.height)
        let crop = try Element("videocrop")
        try crop.set(["left": String(part.x), "right": String(header.width - part.x - part.width)])
        try crop.set(["top": String(part.y), "bottom": String(header.height - part.y - part.height)])
        let size = "width=\(width),height=\(height),pixel-aspect-ratio=1/1"
        // The colours of a composite: those that GStreamer takes for granted where nothing is said.
        let colours = height > 576 ? "bt709" : "bt601"
        let caps = "video/x-raw,format=I420,\(size)"
        let sink = try AppSink(caps: Caps("\(caps),colorimetry=\(colours)")) { [weak self] item in
            guard let self else { return true }
            switch item {
            case .sample(let sample):
                let caps = caps + ",framerate=0/1"
                finish(.success(RawPicture(caps: caps, bytes: Array(sample.bytes), time: 0, width: width, height: height)))
            case .endOfStream: finish(.failure(fault("there is no picture in it; put another one")))
            case .caps, .byteSegment, .timeSegment: break
            }
            return true
        }
        let elements = [
            source.element, decoder, try Element("videoconvert"), crop, try Element("videoscale"), try Element("videoconvert"),
            sink.element,
        ]
        try pipeline.add(elements)
        try Element.chain(elements)
        try pipeline.setState(.playing)
        state.withLock { $0.pipeline = pipeline }
        _ = bytes.withUnsafeBytes { source.push($0, time: ClockTime(nanoseconds: 0)) }
        source.endOfStream()
    }

    private func finish(_ result: Result) {
        let deliver = state.withLock { state in
            defer { state.deliver = nil }
            return state.deliver
        }
        deliver?(result)
    }

    /// On a thread that may wait: a decoder that hangs holds up nobody else.
    private static func end(_ pipeline: Pipeline?) {
        guard let pipeline else { return }
        pipeline.detachBus()
        let thread = Thread { try? pipeline.setState(.null) }
        thread.name = "background"
        thread.start()
    }
}
