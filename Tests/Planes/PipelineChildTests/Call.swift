import Bridge
import BridgeModel
import GStreamerKit
import SDP
import Testing

@testable import PipelineChild

/// A camera that publishes through a publish runner, and viewers of it, all on loopback in this process.
final class Call {
    let codec: Codec
    private let source: CapturePlan.Source
    let loop = GLibLoop(name: "test")
    let cameraLog = EventLog()
    let publishLog = EventLog()
    private(set) var hub: TestHub?
    private(set) var tracks: [TrackDescription] = []
    private(set) var camera: CameraRunner?
    private(set) var publisher: PublishRunner?

    init(codec: Codec, source: CapturePlan.Source = .test) {
        self.source = source
        _ = TestGStreamer.ready
        self.codec = codec
    }

    var plan: CameraPlan {
        get throws {
            CameraPlan(
                source: source, videoCodec: codec, width: 640, height: 360, framesPerSecond: 30, bitrate: 800_000,
                keyframeInterval: .seconds(60), audio: true, identity: try .fresh(), ice: .loopback)
        }
    }

    /// Starts camera and publisher. The fingerprints that each expects of the other can be falsified.
    func publish(
        cameraMustMatch: ([Fingerprint]) -> [Fingerprint] = { $0 }, publisherMustMatch: ([Fingerprint]) -> [Fingerprint] = { $0 }
    ) async throws {
        let camera = CameraRunner(plan: try plan, context: RunnerContext(media: [], events: cameraLog.sink, loop: loop))
        self.camera = camera
        try await camera.start()
        let offer = try #require(await cameraLog.first(\.localSDP))
        let accepted = try OfferGate.acceptPublish(offer, policy: GatePolicy())
        tracks = accepted.publishTracks
        let hub = try TestHub(tracks: tracks.count)
        self.hub = hub
        let plan = PublishPlan(
            offer: accepted.engineOffer, tracks: tracks, peerFingerprints: cameraMustMatch(accepted.fingerprints), identity: try .fresh(),
            ice: .loopback)
        let publisher = PublishRunner(
            plan: plan, context: RunnerContext(descriptors: hub.publisherEnds, events: publishLog.sink, loop: loop))
        self.publisher = publisher
        try await publisher.start()
        let engineAnswer = try #require(await publishLog.first(\.localSDP))
        let answer = try AnswerGate.accept(accepted.finishAnswer(engineAnswer: engineAnswer), offer: offer)
        await camera.handle(.remoteDescription(sdp: answer.sdp, fingerprints: publisherMustMatch(answer.fingerprints)))
    }

    /// A viewer of the published stream.
    func view(mustMatch: ([Fingerprint]) -> [Fingerprint] = { $0 }) async throws -> TestViewer {
        let hub = try #require(hub)
        let viewer = try TestViewer(codec: codec, loop: loop)
        let offer = try await viewer.offer()
        let accepted = try OfferGate.acceptView(offer, tracks: tracks, policy: GatePolicy())
        let viewTracks = accepted.viewTracks.compactMap { item in
            tracks.first { $0.index == item.sourceIndex }.map { ViewTrack(source: $0, payloadType: item.payloadType, mid: item.mid) }
        }
        let plan = ViewPlan(
            offer: accepted.engineOffer, tracks: viewTracks, peerFingerprints: mustMatch(accepted.fingerprints), identity: try .fresh(),
            ice: .loopback)
        let runner = ViewRunner(plan: plan, context: RunnerContext(descriptors: try hub.addViewer(), events: viewer.log.sink, loop: loop))
        viewer.runner = runner
        try await runner.start()
        let engineAnswer = try #require(await viewer.log.first(\.localSDP))
        try await viewer.take(answer: accepted.finishAnswer(engineAnswer: engineAnswer))
        return viewer
    }

    /// How far both ends came, for a test that failed: what ended the one is often said by the other.
    var told: String {
        [("camera", cameraLog), ("publisher", publishLog)].map { name, log in
            let failures = log.all.compactMap { event in if case .failed(let error) = event { error.description } else { nil } }
            return "\(name): \(log.isConnected ? "connected" : "never connected"), failures \(failures)"
        }.joined(separator: "; ") + "; packets \(hub?.seen.packets ?? [:])"
    }

    func end() async {
        _ = await publisher?.stop(deadline: .seconds(2))
        _ = await camera?.stop(deadline: .seconds(2))
        hub?.stop()
        camera = nil
        publisher = nil
        loop.shutDown()
    }
}

extension PipelineEvent {
    var localSDP: String? {
        guard case .localDescription(let sdp) = self else { return nil }
        return sdp
    }
}
