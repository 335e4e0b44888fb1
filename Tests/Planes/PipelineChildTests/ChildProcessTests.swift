import Bridge
import BridgeModel
import Foundation
import GStreamerKit
import LinuxIO
import SDP
import Testing

@testable import PipelineChild

/// The program itself, started as the bridge starts it.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ChildProcessTests {
    @Test func saysReadyAndAnswersPings() throws {
        let child = try SpawnedChild()
        try child.expect(.ready)
        child.send(.ping)
        try child.expect(.alive)
        child.hangUp()
        #expect(child.exit() == .status(0))
    }

    @Test func runsACameraUntilItIsStopped() throws {
        let child = try SpawnedChild()
        try child.expect(.ready)
        child.send(.plan(PipelinePlan(pipeline: PipelineID("p"), work: .camera(try .small()))))
        let offer = try #require(try child.next().localSDP)
        #expect(offer.contains("m=video") && offer.contains("m=audio") && offer.contains("a=candidate:"))
        try child.expect(.started)
        child.send(.stop(deadline: .seconds(2)))
        try child.expect(.finished(bytes: 0, duration: .zero))
        #expect(child.exit() == .status(0))
    }

    @Test func aChildWithoutGStreamerLoadsNoneOfItsPlugInsAndRefusesWhatNeedsThem() throws {
        let child = try SpawnedChild([PipelineProcess.withoutGStreamer])
        try child.expect(.ready)
        #expect(try !child.mappings.contains("gstreamer-1.0/"))
        child.send(.plan(PipelinePlan(pipeline: PipelineID("p"), work: .camera(try .small()))))
        guard case .failed(let error) = try child.next() else {
            Issue.record("a camera without GStreamer")
            return
        }
        #expect(error.code == .internal && child.exit() == .status(1))
    }

    @Test(arguments: [(["--descriptors", "100"], 100), ([], 256), (["--descriptors"], 256), (["--descriptors", "many"], 256)])
    func aChildMayHaveAsManyFilesOpenAsItIsTold(arguments: [String], limit: Int) throws {
        let child = try SpawnedChild([PipelineProcess.withoutGStreamer] + arguments)
        try child.expect(.ready)
        let limits = try String(contentsOfFile: "/proc/\(child.pid)/limits", encoding: .utf8).split(separator: "\n")
        let line = try #require(limits.first { $0.hasPrefix("Max open files") })
        #expect(line.split(separator: " ")[3...4] == ["\(limit)", "\(limit)"])
        child.hangUp()
        #expect(child.exit() == .status(0))
    }

    @Test func aChildWithGStreamerHasLoadedItsPlugIns() throws {
        let child = try SpawnedChild()
        try child.expect(.ready)
        #expect(try child.mappings.contains("gstreamer-1.0/"))
        child.hangUp()
        #expect(child.exit() == .status(0))
    }

    @Test(arguments: [Codec.vp8, .h264])
    func aCameraChildPublishesThroughAPublishChild(codec: Codec) async throws {
        let camera = try SpawnedChild()
        try camera.expect(.ready)
        camera.send(.plan(PipelinePlan(pipeline: PipelineID("c"), work: .camera(try .small(codec)))))
        let offer = try #require(try camera.next().localSDP)
        try camera.expect(.started)
        let accepted = try OfferGate.acceptPublish(offer, policy: GatePolicy())
        let hub = try TestHub(tracks: accepted.publishTracks.count)
        defer { hub.stop() }
        let publisher = try SpawnedChild()
        try publisher.expect(.ready)
        let plan = PublishPlan(
            offer: accepted.engineOffer, tracks: accepted.publishTracks, peerFingerprints: accepted.fingerprints, identity: try .fresh(),
            ice: .loopback)
        publisher.send(.plan(PipelinePlan(pipeline: PipelineID("p"), work: .publish(plan))), media: hub.publisherEnds)
        let answer = try AnswerGate.accept(
            accepted.finishAnswer(engineAnswer: #require(try publisher.next().localSDP)), offer: offer)
        try publisher.expect(.started)
        camera.send(.remoteDescription(sdp: answer.sdp, fingerprints: answer.fingerprints))
        try publisher.expect(.connected)
        try camera.expect(.connected)
        #expect(await eventuallyTrue { hub.seen.packets[0, default: 0] > 10 && hub.seen.packets[1, default: 0] > 10 })
        publisher.send(.stop(deadline: .seconds(2)))
        try publisher.expect(.finished(bytes: 0, duration: .zero))
        #expect(publisher.exit() == .status(0))
        camera.hangUp()
        #expect(camera.exit() == .status(0))
    }

    @Test func aFileIsPublishedOverAndOver() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "viaduct-\(UUID().uuidString).webm")
        defer { try? FileManager.default.removeItem(at: file) }
        try await Self.writeOneSecondOfVideo(to: file.path)
        let call = Call(codec: .vp8, source: .file(path: file.path))
        try await call.publish()
        let hub = try #require(call.hub)
        // One second of the file is 15 frames and 50 audio packets: three seconds' worth means that it was repeated.
        let isRepeated = await eventuallyTrue { hub.seen.packets[0, default: 0] > 45 && hub.seen.packets[1, default: 0] > 150 }
        #expect(isRepeated && call.cameraLog.failure == nil, "\(call.told)")
        await call.end()
    }

    private static func writeOneSecondOfVideo(to path: String) async throws {
        _ = TestGStreamer.ready
        let (ended, end) = AsyncStream<Void>.makeStream()
        let pipeline = try Pipeline { if $0 == .endOfStream { end.yield() } }
        let elements = try ["videotestsrc", "vp8enc", "webmmux", "filesink", "audiotestsrc", "opusenc"].map { try Element($0) }
        try elements[0].set("num-buffers", "15")
        try elements[1].set("deadline", "1")
        try elements[3].set("location", path)
        try elements[4].set(["num-buffers": "50", "samplesperbuffer": "960"])
        try pipeline.add(elements)
        try elements[0].link(to: elements[1], caps: Caps("video/x-raw,width=320,height=180,framerate=15/1"))
        try Element.chain(Array(elements[1...3]))
        try Element.chain([elements[4], elements[5], elements[2]])
        try pipeline.element.requestState(.playing)
        for await _ in ended { break }
        try pipeline.setState(.null)
        pipeline.detachBus()
    }

    @Test func endsByItselfWhenTheBridgeDies() throws {
        let child = try SpawnedChild()
        try child.expect(.ready)
        child.send(.plan(PipelinePlan(pipeline: PipelineID("p"), work: .camera(try .small()))))
        _ = try #require(try child.next().localSDP)
        let before = ContinuousClock.now
        child.hangUp()
        #expect(child.exit() == .status(0))
        #expect(ContinuousClock.now - before < .seconds(3))
    }

    @Test func anOfferThatWebrtcbinCannotReadFailsThePlan() throws {
        let child = try SpawnedChild()
        try child.expect(.ready)
        let plan = PublishPlan(offer: "nonsense", tracks: [], peerFingerprints: [], identity: try .fresh(), ice: .loopback)
        child.send(.plan(PipelinePlan(pipeline: PipelineID("p"), work: .publish(plan))))
        guard case .failed(let error) = try child.next() else {
            Issue.record("the plan did not fail")
            return
        }
        #expect(error.code == .pipelineFailed)
        #expect(child.exit() == .status(1))
    }

    @Test func aPlanWithoutItsMediaSocketsIsRefused() throws {
        let child = try SpawnedChild()
        try child.expect(.ready)
        let track = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
        let plan = PublishPlan(offer: "v=0\r\n", tracks: [track], peerFingerprints: [], identity: try .fresh(), ice: .loopback)
        child.send(.plan(PipelinePlan(pipeline: PipelineID("p"), work: .publish(plan))))
        guard case .failed(let error) = try child.next() else {
            Issue.record("the plan did not fail")
            return
        }
        #expect(error.code == .internal)
        #expect(child.exit() == .status(1))
    }

    @Test(arguments: ["", "{}", "null", "{\"unknown\":{}}", "{\"plan\":{\"_0\":{}}}", "\u{0}\u{1}\u{2}"])
    func whatIsNoCommandEndsTheChild(text: String) throws {
        let child = try SpawnedChild()
        try child.expect(.ready)
        try child.sendRaw(Array(text.utf8))
        #expect(child.exit() == .status(0))
    }
}

extension CameraPlan {
    static func small(_ codec: Codec = .vp8) throws -> CameraPlan {
        CameraPlan(
            source: .test, videoCodec: codec, width: 320, height: 180, framesPerSecond: 15, bitrate: 200_000, keyframeInterval: .seconds(2),
            audio: true, identity: try .fresh(), ice: .loopback)
    }
}

/// One child and the bridge's end of its control socket.
final class SpawnedChild {
    private let process: ChildProcess
    private var control: ControlSocket?

    init(_ arguments: [String] = []) throws {
        let pair = try SocketPair.stream()
        defer { closeDescriptor(pair.far) }
        let program = try #require(Self.program)
        process = try ChildProcess.spawn(
            path: program, arguments: arguments, environment: ProcessInfo.processInfo.environment, control: pair.far)
        control = ControlSocket(descriptor: pair.near)
    }

    var pid: Int32 { process.pid }

    /// What is mapped into it, line by line. The kernel gives it a page at a time, and Foundation takes the first short page for the end.
    var mappings: String {
        get throws {
            let file = try #require(fopen("/proc/\(pid)/maps", "r"))
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = fread(&bytes, 1, bytes.count, file)
            return String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }

    /// SwiftPM puts programs beside the test bundle.
    private static var program: String? {
        let folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let candidates = [folder, URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()] + bundleFolders
        return candidates.map { $0.appending(path: "viaduct-pipeline").path }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static var bundleFolders: [URL] {
        CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map { URL(filePath: $0).deletingLastPathComponent() }
    }

    /// Sends a command; the media descriptors go to the child and are closed here.
    func send(_ command: PipelineCommand, media: [Int32] = []) {
        defer { media.forEach(closeDescriptor) }
        guard let bytes = try? JSONEncoder().encode(command) else { return }
        try? control?.send(Array(bytes), descriptors: media)
    }

    func sendRaw(_ bytes: [UInt8]) throws { try control?.send(bytes) }

    func next() throws -> PipelineEvent {
        while true {
            guard case .frame(let bytes, _) = try #require(control).receive(blocking: true) else { throw Ended() }
            let event = try JSONDecoder().decode(PipelineEvent.self, from: Data(bytes))
            if case .stats = event { continue }
            return event
        }
    }

    func expect(_ event: PipelineEvent) throws { #expect(try next() == event) }

    func hangUp() { control = nil }

    func exit() -> ChildProcess.Exit? { process.reap(blocking: true) }

    struct Ended: Error {}
}
