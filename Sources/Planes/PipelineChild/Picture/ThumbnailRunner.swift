internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GStreamerKit
internal import LinuxIO
internal import Playback
internal import Synchronization

/// Makes the thumbnails of a recording's file on a thread of its own, behind everything else that wants a core.
actor ThumbnailRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: ThumbnailPlan
    private let events: EventSink
    private let isCancelled = Mutex(false)

    init(plan: ThumbnailPlan, context: RunnerContext) {
        self.plan = plan
        events = context.events
        loop = context.loop
    }

    func start() async throws(BridgeError) {
        ProcessHardening.yieldToOthers()
        let thread = Thread { [self] in run() }
        thread.name = "thumbnails"
        thread.start()
        events(.started)
    }

    /// Nothing that it could be told but to stop.
    func handle(_ command: PipelineCommand) async {}

    func stop(deadline: Duration) async -> PipelineResult {
        isCancelled.withLock { $0 = true }
        return PipelineResult()
    }

    func statistics() async -> PipelineStats { PipelineStats() }

    private nonisolated func run() {
        do throws(BridgeError) {
            let file = try KeyframeFile(path: plan.path, container: plan.container)
            try Thumbnails(plan, file: file) { self.isCancelled.withLock { $0 } }.make()
            events(.finished(bytes: 0, duration: .zero))
        } catch {
            events(.failed(error))
        }
    }
}

/// The thumbnails of one file. Blocks.
struct Thumbnails {
    private static let posterWidth = 1280
    /// Of the sheets: they are small and seen in passing.
    private static let sheetQuality = 75
    private static let decoderLimit = 4
    private static let bytesPerPixel = 3

    private let file: KeyframeFile
    private let sprites: SpritePlan
    private let names: ThumbnailNames
    private let isCancelled: @Sendable () -> Bool

    init(_ plan: ThumbnailPlan, file: KeyframeFile, isCancelled: @escaping @Sendable () -> Bool) {
        self.file = file
        self.isCancelled = isCancelled
        names = ThumbnailNames(ofFile: plan.path)
        sprites = SpritePlan(keyframes: file.times, duration: file.duration, interval: plan.interval, size: file.size)
    }

    /// Writes the sheets and the poster, and the track, which names them, last. Throws `no_media` when there is nothing to show.
    func make() throws(BridgeError) {
        guard let poster = sprites.posterCell else { throw BridgeError(.noMedia, "The recording has no keyframe.") }
        for (number, sheet) in sprites.sheets.enumerated() {
            let encoded = try PictureEncoder.encode(compose(sheet), PictureSpec(.jpeg, quality: Self.sheetQuality))
            try PictureWriter.save(encoded.bytes, to: names.sheet(number + 1))
        }
        guard let picture = try decode([poster], shape: PictureDecoder.Shape()).first else {
            throw BridgeError(.noMedia, "The recording's keyframes cannot be decoded.")
        }
        try PictureWriter.save(try PictureEncoder.encode(picture, PictureSpec(.jpeg, width: Self.posterWidth)).bytes, to: names.poster)
        let name = names.stem[(names.stem.lastIndex(of: "/").map { names.stem.index(after: $0) } ?? names.stem.startIndex)...]
        try PictureWriter.save(Array(sprites.track(ThumbnailNames(ofFile: String(name))).utf8), to: names.track)
    }

    /// The sheet as packed RGB; a cell that cannot be decoded stays black.
    private func compose(_ sheet: Range<Int>) throws(BridgeError) -> RawPicture {
        let (size, cell) = (sprites.size(of: sheet), sprites.cell)
        let stride = size.width * Self.bytesPerPixel
        var bytes = [UInt8](repeating: 0, count: stride * size.height)
        let row = cell.width * Self.bytesPerPixel
        for picture in try decode(Array(sheet), shape: .init(format: "RGB", size: cell)) where picture.bytes.count >= row * cell.height {
            let place = sprites.place(of: Int(picture.time / Self.step))
            for line in 0..<cell.height {
                let start = (place.y + line) * stride + place.x * Self.bytesPerPixel
                bytes.replaceSubrange(start..<start + row, with: picture.bytes[line * row..<(line + 1) * row])
            }
        }
        let caps = "video/x-raw,format=RGB,width=\(size.width),height=\(size.height),framerate=0/1"
        return RawPicture(caps: caps, bytes: bytes, time: 0, width: size.width, height: size.height)
    }

    /// Between two pictures on the decoder's own timeline, ns: their times tell which cells they are.
    private static let step: UInt64 = 1_000_000_000

    private func decode(_ cells: [Int], shape: PictureDecoder.Shape) throws(BridgeError) -> [RawPicture] {
        let found = Mutex<(pictures: [RawPicture], isOver: Bool)>(([], false))
        do {
            let decoder = try PictureDecoder(file.format, shape: shape, limit: Self.decoderLimit) { output in
                found.withLock { found in
                    switch output {
                    case .picture(let picture): found.pictures.append(picture)
                    case .failure, .end: found.isOver = true
                    }
                }
            }
            defer { decoder.stop() }
            for cell in cells {
                guard let bytes = file.keyframe(at: sprites.cells[cell]) else { continue }
                while try isUnderWay(found), !decoder.push(bytes, time: UInt64(cell) * Self.step, isKeyframe: true) {
                    Thread.sleep(forTimeInterval: 0.002)
                }
            }
            decoder.finish()
            while try isUnderWay(found) { Thread.sleep(forTimeInterval: 0.002) }
        } catch {
            throw (error as? BridgeError) ?? BridgeError(.pipelineFailed, "The video cannot be decoded: \(error).")
        }
        return found.withLock { $0.pictures }
    }

    private func isUnderWay(_ found: borrowing Mutex<(pictures: [RawPicture], isOver: Bool)>) throws(BridgeError) -> Bool {
        guard !isCancelled() else { throw BridgeError(.unavailable, "The bridge is shutting down.") }
        return !found.withLock { $0.isOver }
    }
}
