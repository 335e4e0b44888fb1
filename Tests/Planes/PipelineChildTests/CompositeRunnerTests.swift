import Bridge
import BridgeModel
import GStreamerKit
import LinuxIO
import Synchronization
import Testing

@testable import PipelineChild

/// A camera of one colour, as the hub would bring it: VP8 in datagrams.
private final class PlainCamera {
    static let track = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
    let childEnd: DatagramSocket
    private let pipeline: Pipeline

    init(_ color: CompositeColor) throws {
        let pair = try SocketPair.datagram()
        childEnd = DatagramSocket(descriptor: pair.far)
        let forwarder = TrackForwarder(track: Self.track, socket: DatagramSocket(descriptor: pair.near))
        pipeline = try Pipeline(name: "camera") { _ in }
        let source = try Element("videotestsrc")
        try source.set(["is-live": "true", "pattern": "solid-color", "foreground-color": String(color.argb)])
        let filter = try Element("capsfilter")
        try filter.set("caps", Caps("video/x-raw,format=I420,width=160,height=90,framerate=10/1"))
        let encoder = try Element("vp8enc")
        try encoder.set(["deadline": "1", "keyframe-max-dist": "5"])
        let payloader = try Element("rtpvp8pay")
        let sink = try AppSink { item in
            guard case .sample(let sample) = item else { return true }
            forwarder.forward(rtp: sample.bytes, arrival: MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds))
            return true
        }
        let elements = [source, filter, encoder, payloader, sink.element]
        try pipeline.add(elements)
        try Element.chain(elements)
        try pipeline.element.requestState(.playing)
    }

    func stop() {
        try? pipeline.setState(.null)
        pipeline.detachBus()
    }
}

/// What comes out of a composite, decoded: the colours at the centres of the left and the right half, and the darkest luma that was ever seen there.
private final class Watcher: Sendable {
    struct Colour: Equatable, Sendable {
        var y: UInt8 = 0
        var u: UInt8 = 0
        var v: UInt8 = 0

        var isRed: Bool { v > 180 && u < 130 }
        var isBlue: Bool { u > 180 && v < 140 }
        /// Of a place without a picture, or of the background.
        var isGrey: Bool { abs(Int(u) - 128) < 16 && abs(Int(v) - 128) < 16 && y < 80 }
    }

    struct Seen: Sendable {
        var left = Colour()
        var right = Colour()
        var pictures = 0
        var darkest = UInt8.max
        var sound = 0
    }

    let childEnds: [DatagramSocket]
    private let seen = Mutex(Seen())
    private let decoder = Mutex<InputDecoder?>(nil)

    var now: Seen { seen.withLock { $0 } }

    init(_ plan: CompositePlan, loop: GLibLoop) throws {
        let pairs = try plan.tracks.map { _ in try SocketPair.datagram() }
        childEnds = pairs.map { DatagramSocket(descriptor: $0.far) }
        let made = try InputDecoder(
            CompositeInput(number: 1, tracks: plan.tracks), sockets: pairs.map { DatagramSocket(descriptor: $0.near) }, loop: loop
        ) { [weak self] output in
            switch output {
            case .picture(let picture): self?.look(at: picture)
            case .sound: self?.seen.withLock { $0.sound += 1 }
            case .frame: break
            }
        } warn: {
            Issue.record("\($0)")
        }
        decoder.withLock { $0 = made }
    }

    private func look(at picture: RawPicture) {
        let (left, right) = (Self.colour(picture, 0.25), Self.colour(picture, 0.75))
        seen.withLock { seen in
            (seen.left, seen.right) = (left, right)
            seen.pictures += 1
            seen.darkest = min(seen.darkest, left.y, right.y)
        }
    }

    /// At this part of the width, a third from above: names stand in the middle and below.
    private static func colour(_ picture: RawPicture, _ part: Double) -> Colour {
        let layout = PictureCut.Layout(width: picture.width, height: picture.height)
        let (x, y) = (Int(Double(picture.width) * part), picture.height / 3)
        let chroma = layout.lumaStride * layout.lumaRows + y / 2 * layout.chromaStride + x / 2
        return Colour(
            y: picture.bytes[y * layout.lumaStride + x], u: picture.bytes[chroma],
            v: picture.bytes[chroma + layout.chromaStride * layout.chromaRows])
    }

    func stop() { decoder.withLock { $0 }?.stop() }
}

@Suite(.serialized) struct CompositeRunnerTests {
    private static let red = CompositeColor(red: 230, green: 10, blue: 10)
    private static let blue = CompositeColor(red: 10, green: 10, blue: 230)

    private static func scene(_ inputs: [CompositeInput.Number], _ layout: CompositeLayout = CompositeLayout(fit: .cover)) -> CompositeScene
    {
        let cells = layout.cells(seats: inputs.count, width: 320, height: 180)
        return CompositeScene(places: zip(inputs, cells).map { CompositePlace(input: $0, name: "<Camera & \($0)>", cell: $1) })
    }

    private static let patience = Duration.seconds(60)

    @Test(arguments: [Codec.h264, .vp8])
    func theRightColoursStandInTheRightCells(codec: Codec) async throws {
        _ = TestGStreamer.ready
        let loop = GLibLoop(name: "composite-test")
        let plan = CompositePlan(
            tracks: CompositePlan.tracks(video: codec, audio: true), width: 320, height: 180, framesPerSecond: 10, bitrate: 500_000)
        let watcher = try Watcher(plan, loop: loop)
        let log = EventLog()
        let runner = CompositeRunner(plan: plan, context: RunnerContext(media: watcher.childEnds, events: log.sink, loop: loop))
        try await runner.start()
        let (red, blue) = (try PlainCamera(Self.red), try PlainCamera(Self.blue))
        func add(_ number: CompositeInput.Number, _ camera: PlainCamera) async {
            await runner.add(CompositeInput(number: number, tracks: [PlainCamera.track]), sockets: [camera.childEnd])
        }
        await runner.handle(.scene(Self.scene([1])))
        await add(1, red)
        #expect(await eventuallyTrue(within: Self.patience) { watcher.now.left.isRed && watcher.now.right.isRed }, "\(watcher.now)")
        // One comes.
        await runner.handle(.scene(Self.scene([1, 2])))
        await add(2, blue)
        #expect(await eventuallyTrue(within: Self.patience) { watcher.now.left.isRed && watcher.now.right.isBlue }, "\(watcher.now)")
        // One leaves, and the other takes its room.
        await runner.handle(.scene(Self.scene([2])))
        await runner.handle(.removeInput(1))
        #expect(await eventuallyTrue(within: Self.patience) { watcher.now.left.isBlue && watcher.now.right.isBlue }, "\(watcher.now)")
        // One falls silent: its last picture stays for a while, then its name stands there.
        blue.stop()
        let before = watcher.now.pictures
        #expect(await eventuallyTrue(within: Self.patience) { watcher.now.pictures >= before + 5 })
        #expect(await eventuallyTrue(within: Self.patience) { watcher.now.left.isGrey && watcher.now.right.isGrey }, "\(watcher.now)")
        // Never black: the background's luma is 40.
        #expect(watcher.now.darkest > 25 && watcher.now.sound > 0, "\(watcher.now)")
        #expect(log.failure == nil)
        red.stop()
        _ = await runner.stop(deadline: .seconds(2))
        watcher.stop()
        loop.shutDown()
    }

    @Test func aPartIsCutOutOfAllPlanes() throws {
        let layout = PictureCut.Layout(width: 6, height: 4)
        let bytes = (0..<layout.size).map { UInt8($0) }
        let picture = RawPicture(caps: "", bytes: bytes, time: 7, width: 6, height: 4)
        let part = CompositeCell(x: 2, y: 2, width: 4, height: 2)
        let cut = try #require(PictureCut.cut(part, from: picture))
        #expect(cut.width == 4 && cut.height == 2 && cut.time == 7)
        // Two rows of luma of a stride of eight, from the third of each; one row of each chroma of a stride of four, from its second.
        #expect(cut.bytes == [18, 19, 20, 21, 26, 27, 28, 29, 37, 38, 0, 0, 45, 46, 0, 0])
        #expect(PictureCut.cut(CompositeCell(x: 4, y: 0, width: 4, height: 2), from: picture) == nil)
        var short = picture
        short.bytes.removeLast()
        #expect(PictureCut.cut(part, from: short) == nil)
    }
}
