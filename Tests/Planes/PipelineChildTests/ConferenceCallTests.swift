import Bridge
import BridgeModel
import GStreamerKit
import SDP
import Testing

@testable import PipelineChild

/// A stream that is offered to somebody else's server: here a publisher's runner, with a hub of its own.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ConferenceCallTests {
    /// The two ends of a conference, beside a call that feeds it.
    private struct Conference {
        let call: Call
        let runner: ConferenceRunner
        let log = EventLog()
        let farLog = EventLog()
        let far: PublishRunner
        let farHub: TestHub
        let answer: (sdp: String, fingerprints: [Fingerprint])

        init(_ codec: Codec) async throws {
            call = Call(codec: codec)
            try await call.publish()
            let plan = ConferencePlan(tracks: ConferencePlan.tracks(of: call.tracks), identity: try .fresh(), ice: .loopback)
            let sockets = try #require(call.hub).addViewer()
            runner = ConferenceRunner(plan: plan, context: RunnerContext(descriptors: sockets, events: log.sink, loop: call.loop))
            try await runner.start()
            let offer = try #require(await log.first(\.localSDP))
            let accepted = try OfferGate.acceptPublish(offer, policy: GatePolicy())
            #expect(accepted.publishTracks.map(\.formatParameters) == call.tracks.map(\.formatParameters))
            #expect(accepted.publishTracks.map(\.payloadType) == call.tracks.map(\.payloadType))
            farHub = try TestHub(tracks: accepted.publishTracks.count)
            let farPlan = PublishPlan(
                offer: accepted.engineOffer, tracks: accepted.publishTracks, peerFingerprints: accepted.fingerprints,
                identity: try .fresh(), ice: .loopback)
            far = PublishRunner(
                plan: farPlan, context: RunnerContext(descriptors: farHub.publisherEnds, events: farLog.sink, loop: call.loop))
            try await far.start()
            let engineAnswer = try #require(await farLog.first(\.localSDP))
            answer = try AnswerGate.accept(accepted.finishAnswer(engineAnswer: engineAnswer), offer: offer)
        }

        func end() async {
            _ = await runner.stop(deadline: .seconds(2))
            _ = await far.stop(deadline: .seconds(2))
            farHub.stop()
            await call.end()
        }
    }

    @Test(arguments: [Codec.vp8, .h264]) func aStreamIsSentAsItIsAndKeyframesAreAskedFor(codec: Codec) async throws {
        let conference = try await Conference(codec)
        await conference.runner.handle(.remoteDescription(sdp: conference.answer.sdp, fingerprints: conference.answer.fingerprints))
        #expect(await eventuallyTrue { conference.log.isConnected && conference.farLog.isConnected })
        let farHub = conference.farHub
        #expect(await eventuallyTrue { farHub.seen.packets[0, default: 0] > 10 && farHub.seen.packets[1, default: 0] > 10 })
        #expect(await eventuallyTrue { farHub.seen.senderReports[0, default: 0] > 0 })
        let bytes = try #require(await conference.runner.statistics().bytesOut)
        #expect(bytes > 1000)
        let hub = try #require(conference.call.hub)
        let before = hub.seen.keyframeRequests
        try await Task.sleep(for: .milliseconds(300))  // beyond the time in which requests are one
        farHub.requestKeyframe(ofTrack: 0)
        #expect(await eventuallyTrue { hub.seen.keyframeRequests > before })
        await conference.end()
    }

    @Test func nothingIsSentToAServerWithAnotherCertificate() async throws {
        let conference = try await Conference(.vp8)
        let wrong = conference.answer.fingerprints.map { Fingerprint(algorithm: $0.algorithm, value: "00" + $0.value.dropFirst(2)) }
        await conference.runner.handle(.remoteDescription(sdp: conference.answer.sdp, fingerprints: wrong))
        #expect(await eventuallyTrue { conference.log.failure?.code == .fingerprintMismatch })
        #expect(!conference.log.isConnected && conference.farHub.seen.packets.isEmpty)
        await conference.end()
    }
}
