import Bridge
import BridgeModel
import GStreamerKit
import Synchronization
import Testing

@testable import PipelineChild

/// Pictures that are zoomed, turned and blackened by real elements, told by the luma of four quadrants.
@Suite struct PictureMountTests {
    private static let (width, height) = (128, 64)
    private static let format = "video/x-raw,format=I420,width=128,height=64,framerate=30/1,pixel-aspect-ratio=1/1"
    private static let layout = PictureCut.Layout(width: width, height: height)

    /// A picture whose quadrants have these lumas: top left, top right, bottom left, bottom right.
    private static func quadrants(_ lumas: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 128, count: layout.size)
        for y in 0..<height {
            for x in 0..<width { bytes[y * layout.lumaStride + x] = lumas[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)] }
        }
        return bytes
    }

    private static let lumas: [UInt8] = [40, 90, 150, 210]

    /// A mount between a source and a sink; what comes out, and what it is of.
    private final class Bench: Sendable {
        let mount: PictureMount
        private let source: AppSource
        private let pipeline: Pipeline
        private let seen = Mutex<(pictures: [[UInt8]], caps: [String])>(([], []))

        init(_ adjustment: CaptureAdjustment) throws {
            TestGStreamer.ready
            let filter = try Element("capsfilter")
            try filter.set("caps", Caps(PictureMountTests.format))
            mount = try PictureMount(width: width, height: height, format: filter, adjustment: adjustment)
            source = try AppSource(caps: Caps(PictureMountTests.format), limit: 64, bufferSize: layout.size)
            pipeline = try Pipeline(name: "mount") { _ in }
            let weak = WeakBench()
            let sink = try AppSink { item in
                weak.value?.note(item)
                return true
            }
            let elements = [source.element] + mount.elements + [sink.element]
            try pipeline.add(elements)
            try Element.chain(elements)
            try pipeline.setState(.playing)
            weak.value = self
        }

        private func note(_ item: AppSinkItem) {
            seen.withLock { seen in
                if case .sample(let sample) = item { seen.pictures.append(Array(sample.bytes)) }
                if case .caps(let caps) = item { seen.caps.append(caps) }
            }
        }

        /// Lets so many pictures through; the last one, and all caps so far.
        func pass(_ count: Int) async -> (picture: [UInt8], caps: [String]) {
            let before = seen.withLock { $0.pictures.count }
            for number in 0..<count {
                _ = quadrants(lumas).withUnsafeBytes {
                    source.push($0, time: ClockTime(nanoseconds: UInt64(before + number) * 33_000_000))
                }
            }
            #expect(await eventuallyTrue { self.seen.withLock { $0.pictures.count } == before + count })
            return seen.withLock { ($0.pictures.last ?? [], $0.caps) }
        }

        func end() {
            try? pipeline.setState(.null)
            pipeline.detachBus()
        }
    }

    private final class WeakBench: @unchecked Sendable {
        // Unchecked: set once, before the first picture.
        weak var value: Bench?
    }

    private func luma(_ picture: [UInt8], _ x: Int, _ y: Int) -> UInt8 { picture[y * Self.layout.lumaStride + x] }

    /// The lumas in the middle of the quadrants of a part of the picture.
    private func corners(_ picture: [UInt8], x: Range<Int> = 0..<128, y: Range<Int> = 0..<64) -> [UInt8] {
        let xs = [x.lowerBound + x.count / 4, x.lowerBound + x.count * 3 / 4],
            ys = [y.lowerBound + y.count / 4, y.lowerBound + y.count * 3 / 4]
        return ys.flatMap { y in xs.map { luma(picture, $0, y) } }
    }

    @Test func withoutAnOrderThePictureStaysAsItIs() async throws {
        let bench = try Bench(CaptureAdjustment())
        #expect(await bench.pass(1).picture == Self.quadrants(Self.lumas))
        bench.end()
    }

    @Test func theSizeStaysWhateverIsAsked() async throws {
        let bench = try Bench(CaptureAdjustment())
        _ = await bench.pass(1)
        var adjustment = CaptureAdjustment()
        adjustment.zoom = 8
        for rotation in PictureRotation.allCases {
            adjustment.rotation = rotation
            bench.mount.adjust(adjustment)
            let seen = await bench.pass(10)
            #expect(Set(seen.caps).count == 1 && seen.picture.count == Self.layout.size, "\(rotation): \(seen.caps)")
        }
        bench.end()
    }

    @Test(arguments: [(PictureRotation.half, [210, 150, 90, 40]), (.quarter, [150, 40, 210, 90]), (.threeQuarters, [90, 210, 40, 150])])
    func aTurnedPictureIsWhole(rotation: PictureRotation, lumas: [UInt8]) async throws {
        var adjustment = CaptureAdjustment()
        adjustment.rotation = rotation
        let bench = try Bench(adjustment)
        let picture = await bench.pass(1).picture
        // Of 128x64 turned upright, 32x64 fit; the rest is black.
        #expect(corners(picture, x: rotation == .half ? 0..<128 : 48..<80) == lumas)
        #expect(rotation == .half || luma(picture, 8, 32) == 16)
        bench.end()
    }

    @Test func zoomShowsTheMiddleOnly() async throws {
        let bench = try Bench(CaptureAdjustment())
        #expect(luma(await bench.pass(1).picture, 62, 30) == 40)
        var adjustment = CaptureAdjustment()
        adjustment.zoom = 4
        bench.mount.adjust(adjustment)
        let picture = await bench.pass(30).picture
        #expect(corners(picture) == Self.lumas)
        // A pixel beside the middle is four wide now: its neighbours are made of both sides.
        #expect(luma(picture, 56, 28) == 40 && luma(picture, 71, 35) == 210)
        adjustment.zoom = 1
        bench.mount.adjust(adjustment)
        #expect(await bench.pass(30).picture == Self.quadrants(Self.lumas))
        bench.end()
    }

    @Test func aMutedPictureIsBlackFromTheNextOneOn() async throws {
        let bench = try Bench(CaptureAdjustment())
        _ = await bench.pass(1)
        var adjustment = CaptureAdjustment()
        adjustment.mutes = [.video]
        bench.mount.adjust(adjustment)
        let black = await bench.pass(1).picture
        #expect(Set(corners(black)) == [16] && black.last == 128)
        adjustment.mutes = [.audio]
        bench.mount.adjust(adjustment)
        #expect(await bench.pass(1).picture == Self.quadrants(Self.lumas))
        bench.end()
    }
}
