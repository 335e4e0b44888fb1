import Synchronization
import Testing

@testable import GStreamerKit

/// What a pipeline's bus and an appsink said.
private final class Notes: Sendable {
    private let state = Mutex<(messages: [BusMessage], bytes: [UInt8], flags: [SampleView.Flags], segments: [UInt64], ended: Bool)>(
        ([], [], [], [], false))
    private let (stream, news) = AsyncStream<Void>.makeStream()

    func add(_ message: BusMessage) {
        state.withLock { $0.messages.append(message) }
        news.yield()
    }

    func add(_ item: AppSinkItem) -> Bool {
        state.withLock { state in
            switch item {
            case .sample(let sample):
                state.bytes += sample.bytes
                state.flags.append(sample.flags)
            case .byteSegment(let start): state.segments.append(start)
            case .endOfStream: state.ended = true
            case .timeSegment, .caps: break
            }
        }
        return true
    }

    var messages: [BusMessage] { state.withLock { $0.messages } }
    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var flags: [SampleView.Flags] { state.withLock { $0.flags } }
    var byteSegments: [UInt64] { state.withLock { $0.segments } }
    var hasEnded: Bool { state.withLock { $0.ended } }

    /// Waits for a message that fits; the suite's time limit is the deadline.
    func wait(_ fits: (BusMessage) -> Bool) async {
        if messages.contains(where: fits) { return }
        for await _ in stream where messages.contains(where: fits) { return }
    }
}

@Suite(.timeLimit(.minutes(1)))
struct PipelineTests {
    init() throws { try initialiseGStreamer() }

    @Test func bytesGoThroughInOrderAndEndOfStreamIsSeen() async throws {
        let notes = Notes()
        let pipeline = try Pipeline { notes.add($0) }
        let source = try AppSource(caps: Caps("application/octet-stream"))
        let sink = try AppSink { notes.add($0) }
        try pipeline.add(source.element, sink.element)
        try source.element.link(to: sink.element)
        try pipeline.setState(.playing)
        for value in 0..<50 {
            let pushed = source.push(count: 4, time: .milliseconds(UInt64(value)), isDiscontinuity: value == 7) { bytes in
                bytes.initializeMemory(as: UInt8.self, repeating: UInt8(value))
            }
            #expect(pushed == .accepted)
        }
        source.endOfStream()
        await notes.wait { $0 == .endOfStream }
        #expect(notes.bytes == (0..<50).flatMap { [UInt8](repeating: $0, count: 4) })
        #expect(notes.flags[7].contains(.discontinuity) && !notes.flags[8].contains(.discontinuity))
        #expect(notes.hasEnded)
        try pipeline.setState(.null)
        pipeline.detachBus()
    }

    @Test func aFullSourceRefusesAndDoesNotWait() throws {
        let source = try AppSource(caps: Caps("application/octet-stream"), limit: 3)
        let pipeline = try Pipeline { _ in }
        try pipeline.add(source.element)
        try pipeline.setState(.paused)  // nothing takes data yet
        let results = (0..<5).map { _ in source.push(count: 1, time: nil) { $0[0] = 1 } }
        #expect(results == [.accepted, .accepted, .accepted, .full, .full])
        try pipeline.setState(.null)
        #expect(source.push(count: 1, time: nil) { $0[0] = 1 } != .accepted)
    }

    @Test func anElementsErrorNamesItsFactory() async throws {
        let notes = Notes()
        let pipeline = try Pipeline { notes.add($0) }
        let source = try Element("filesrc")
        try source.set("location", "/nonexistent/file")
        let sink = try Element("fakesink")
        try pipeline.add(source, sink)
        try source.link(to: sink)
        #expect(throws: GStreamerError.self) { try pipeline.setState(.playing) }
        await notes.wait { message in
            guard case .error(let element, _, let domain, _) = message else { return false }
            return element == "filesrc" && domain == "gst-resource-error-quark"
        }
        try pipeline.setState(.null)
        pipeline.detachBus()
    }

    @Test(arguments: [true, false])
    func aMuxerSeeksBackOnlyWhereTheSinkIsSeekable(isSeekable: Bool) async throws {
        let notes = Notes()
        let pipeline = try Pipeline { notes.add($0) }
        let source = try Element("audiotestsrc")
        try source.set("num-buffers", "20")
        let muxer = try Element("matroskamux")
        let sink = try AppSink { notes.add($0) }
        try sink.pad().answerByteSeekability(isSeekable)
        try pipeline.add(source, muxer, sink.element)
        try Element.chain([source, muxer, sink.element])
        try pipeline.element.requestState(.playing)
        await notes.wait { $0 == .endOfStream }
        #expect(notes.bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]))  // EBML
        #expect(notes.byteSegments.contains { $0 > 0 } == isSeekable)
        try pipeline.setState(.null)
        pipeline.detachBus()
    }

    @Test func aGateLetsBuffersPassOnlyWhileItIsOpen() async throws {
        let notes = Notes()
        let pipeline = try Pipeline { notes.add($0) }
        let source = try Element("fakesrc")
        try source.set(["num-buffers": "10", "sizetype": "fixed", "sizemax": "1"])
        let count = PassCounter()
        try source.pad("src").gateBuffers { count.next() > 4 }
        let sink = try AppSink { notes.add($0) }
        try pipeline.add(source, sink.element)
        try source.link(to: sink.element)
        try pipeline.element.requestState(.playing)
        await notes.wait { $0 == .endOfStream }
        #expect(notes.bytes.count == 6)
        try pipeline.setState(.null)
        pipeline.detachBus()
    }

    @Test func aPipelineIsFinalisedAfterTeardown() throws {
        var pipeline: Pipeline? = try Pipeline { _ in }
        var source: AppSource? = try AppSource(caps: Caps("application/octet-stream"))
        var sink: AppSink? = try AppSink { _ in true }
        let watches = [pipeline?.element, source?.element, sink?.element].compactMap { $0?.watchLifetime() }
        if let pipeline, let source, let sink {
            try pipeline.add(source.element, sink.element)
            try source.element.link(to: sink.element)
            try pipeline.setState(.playing)
            try pipeline.setState(.null)
            pipeline.detachBus()
        }
        (pipeline, source, sink) = (nil, nil, nil)
        #expect(watches.count == 3 && watches.allSatisfy(\.isFinalised))
    }
}

private final class PassCounter: Sendable {
    private let count = Atomic(0)
    func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }
}
