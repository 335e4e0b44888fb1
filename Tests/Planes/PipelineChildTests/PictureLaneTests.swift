import Bridge
import GStreamerKit
import Synchronization
import Testing

@testable import PipelineChild

/// One place of a compositor, and how many pictures went into it.
private final class Mounted: Sendable {
    static let name = StillPicture(text: "Anna", width: 160, height: 90, ground: CompositeColor(red: 0, green: 0, blue: 0), points: 32)
    let lane: PictureLane
    private let pipeline: Pipeline
    private let queued = Atomic(0)
    private let drawings = Atomic(0)

    var picturesQueued: Int { queued.load(ordering: .relaxed) }
    var drawn: Int { drawings.load(ordering: .relaxed) }

    init() throws {
        _ = TestGStreamer.ready
        pipeline = try Pipeline(name: "places") { _ in }
        let (ground, compositor, sink) = (try Element("videotestsrc"), try Element("compositor"), try Element("fakesink"))
        try ground.set("is-live", "true")
        try pipeline.add([ground, compositor, sink])
        try Element.chain([ground, compositor, sink])
        let cell = CompositeCell(x: 0, y: 0, width: 160, height: 90, z: 0, fit: .contain)
        lane = try PictureLane(cell, compositor: compositor, pipeline: pipeline)
        try lane.source.element.pad("src").gateBuffers { [weak self] in
            self?.queued.add(1, ordering: .relaxed)
            return true
        }
    }

    func start() async throws {
        try pipeline.element.requestState(.playing)
        while pipeline.runningTime == nil { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// Has the name drawn at once, before the drawing has been handed over.
    func cover() {
        lane.cover(with: Self.name) { _, deliver throws(GStreamerError) in
            drawings.add(1, ordering: .relaxed)
            deliver(Self.picture())
            return try Pipeline(name: "still") { _ in }
        }
    }

    static func picture() -> RawPicture {
        let caps = "video/x-raw,format=I420,width=160,height=90,framerate=0/1,pixel-aspect-ratio=1/1"
        let size = PictureCut.Layout(width: 160, height: 90).size
        return RawPicture(caps: caps, bytes: [UInt8](repeating: 90, count: size), time: 0, width: 160, height: 90)
    }

    func stop() {
        try? pipeline.setState(.null)
        pipeline.detachBus()
    }
}

@Suite struct PictureLaneTests {
    private func reaches(_ count: Int, _ mounted: Mounted) async throws -> Bool {
        for _ in 0..<200 where mounted.picturesQueued < count { try await Task.sleep(for: .milliseconds(10)) }
        return mounted.picturesQueued == count
    }

    @Test func aNameThatIsDrawnFasterThanItsDrawingIsHandedOverIsShown() async throws {
        let mounted = try Mounted()
        defer { mounted.stop() }
        try await mounted.start()
        mounted.lane.show(Mounted.picture())
        #expect(try await reaches(1, mounted))
        mounted.lane.cover(true)
        mounted.cover()
        #expect(try await reaches(2, mounted))
        // Once is enough.
        mounted.cover()
        #expect(mounted.drawn == 1)
    }

    @Test func aNameThatCouldNotBeQueuedIsDrawnAgain() async throws {
        let mounted = try Mounted()
        defer { mounted.stop() }
        // Nothing flows yet, and there is no room for more.
        while !mounted.lane.source.isFull { mounted.lane.show(Mounted.picture()) }
        mounted.lane.cover(true)
        mounted.cover()
        mounted.cover()
        #expect(mounted.drawn == 2 && mounted.picturesQueued == 0)
        try await mounted.start()
        for _ in 0..<200 where mounted.lane.source.isFull { try await Task.sleep(for: .milliseconds(10)) }
        mounted.cover()
        mounted.cover()
        #expect(mounted.drawn == 3)
    }

    @Test func aPictureOfWhoIsCoveredIsNotShown() async throws {
        let mounted = try Mounted()
        defer { mounted.stop() }
        try await mounted.start()
        mounted.lane.cover(true)
        mounted.lane.show(Mounted.picture())
        mounted.cover()
        #expect(try await reaches(1, mounted))
        mounted.lane.cover(false)
        mounted.lane.show(Mounted.picture())
        #expect(try await reaches(2, mounted))
    }
}
