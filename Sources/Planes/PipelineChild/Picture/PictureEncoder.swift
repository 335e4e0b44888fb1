internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GStreamerKit

/// Makes a file of a decoded picture. Blocks until it is done.
enum PictureEncoder {
    /// Longer than the largest picture takes.
    private static let patience: TimeInterval = 10

    /// The encoded picture and its size. Throws `pipeline_failed`.
    static func encode(_ picture: RawPicture, _ spec: PictureSpec) throws(BridgeError) -> (bytes: [UInt8], width: Int, height: Int) {
        let size = spec.size(of: (picture.width, picture.height))
        do {
            return (try run(picture, spec, size: size), size.width, size.height)
        } catch {
            throw (error as? BridgeError) ?? BridgeError(.pipelineFailed, "The picture cannot be encoded: \(error).")
        }
    }

    private static func run(_ picture: RawPicture, _ spec: PictureSpec, size: (width: Int, height: Int)) throws -> [UInt8] {
        let result = Result()
        let pipeline = try Pipeline(name: "encode") { message in
            guard case .error(let element, _, _, let text) = message else { return }
            result.end(failure: "\(element): \(text)")
        }
        let source = try AppSource(caps: Caps(picture.caps), limit: 1, bufferSize: 1)
        let scale = try Element("videoscale")
        // Several source pixels count for each of a picture that is made much smaller.
        try scale.set("method", "bilinear2")
        let filter = try Element("capsfilter")
        try filter.set("caps", Caps("video/x-raw,width=\(size.width),height=\(size.height)"))
        let sink = try AppSink { item in
            switch item {
            case .sample(let sample): result.add(sample.bytes)
            case .endOfStream: result.end(failure: nil)
            case .caps, .byteSegment, .timeSegment: break
            }
            return true
        }
        let elements = [source.element, scale, filter, try Element("videoconvert"), try makeEncoder(spec), sink.element]
        try pipeline.add(elements)
        try Element.chain(elements)
        try pipeline.setState(.playing)
        defer {
            try? pipeline.setState(.null)
            pipeline.detachBus()
        }
        _ = picture.bytes.withUnsafeBytes { source.push($0, time: .seconds(0)) }
        source.endOfStream()
        return try result.wait(seconds: patience)
    }

    private static func makeEncoder(_ spec: PictureSpec) throws -> Element {
        switch spec.format {
        case .jpeg:
            let encoder = try Element("jpegenc")
            try encoder.set("quality", String(spec.quality))
            return encoder
        case .png:
            let encoder = try Element("pngenc")
            // The usual 6 takes five times as long and makes it a tenth smaller.
            try encoder.set("compression-level", "2")
            return encoder
        case .webp:
            let encoder = try Element("webpenc")
            try encoder.set("quality", String(spec.quality))
            // 0 is the fastest, 6 the smallest.
            try encoder.set("speed", "1")
            return encoder
        }
    }

    /// What comes out of the encoder.
    private final class Result: @unchecked Sendable {
        // Unchecked: everything that changes is guarded by `condition`.
        private let condition = NSCondition()
        private var bytes: [UInt8] = []
        private var failure: String?
        private var isOver = false

        func add(_ part: UnsafeRawBufferPointer) { condition.withLock { bytes += part } }

        func end(failure: String?) {
            condition.withLock {
                if self.failure == nil { self.failure = failure }
                isOver = true
                condition.signal()
            }
        }

        func wait(seconds: TimeInterval) throws -> [UInt8] {
            condition.lock()
            defer { condition.unlock() }
            let end = Date(timeIntervalSinceNow: seconds)
            while !isOver { guard condition.wait(until: end) else { break } }
            if let failure { throw BridgeError(.pipelineFailed, "The picture cannot be encoded: \(failure).") }
            guard isOver, !bytes.isEmpty else { throw BridgeError(.pipelineFailed, "The picture was not encoded in time.") }
            return bytes
        }
    }
}

/// Encodes pictures on a thread of its own, one after the other, and writes each whole under its name.
final class PictureWriter: @unchecked Sendable {
    // Unchecked: everything that changes is guarded by `condition`.
    private let condition = NSCondition()
    private var waiting: [@Sendable () -> Void] = []
    private var isEnding = false

    init() {
        let thread = Thread { [self] in run() }
        thread.name = "pictures"
        thread.start()
    }

    /// Makes the file of an order; `done` is called on the thread.
    func write(_ picture: RawPicture, for order: PictureOrder, takenAt: WallTime, done: @escaping @Sendable (PipelineEvent) -> Void) {
        condition.withLock {
            waiting.append {
                do throws(BridgeError) {
                    let made = try PictureEncoder.encode(picture, order.spec)
                    try Self.save(made.bytes, to: order.path)
                    done(.picture(PictureResult(number: order.number, takenAt: takenAt, width: made.width, height: made.height)))
                } catch {
                    done(.pictureFailed(number: order.number, error))
                }
            }
            condition.signal()
        }
    }

    /// Ends the thread when what is there has been done.
    func finish() {
        condition.withLock {
            isEnding = true
            condition.signal()
        }
    }

    /// Under another name first. Throws `storage_full` or `internal`.
    static func save(_ bytes: [UInt8], to path: String) throws(BridgeError) {
        do {
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            let isFull = (error as? CocoaError)?.code == .fileWriteOutOfSpace
            throw isFull
                ? BridgeError(.storageFull, "The picture cannot be kept: the disk is full.")
                : BridgeError(.internal, "The picture cannot be written; check who owns the data folder.")
        }
    }

    private func run() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        condition.lock()
        defer { condition.unlock() }
        while waiting.isEmpty, !isEnding { condition.wait() }
        return waiting.isEmpty ? nil : waiting.removeFirst()
    }
}
