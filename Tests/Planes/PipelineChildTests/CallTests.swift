import Bridge
import BridgeModel
import GStreamerKit
import Testing

@testable import PipelineChild

/// Real GStreamer on loopback. Serial: each call encodes and decodes video, and the machine is small.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CallTests {
    @Test(arguments: [Codec.vp8, .h264])
    func aCameraIsPublishedAndWatched(codec: Codec) async throws {
        let call = Call(codec: codec)
        try await call.publish()
        let hub = try #require(call.hub)
        #expect(await eventuallyTrue { call.cameraLog.isConnected && call.publishLog.isConnected })
        #expect(await eventuallyTrue { hub.seen.packets[0, default: 0] > 10 && hub.seen.packets[1, default: 0] > 10 })
        let viewer = try await call.view()
        #expect(await eventuallyTrue { viewer.log.isConnected })
        #expect(await eventuallyTrue { viewer.seen.frames > 60 && viewer.seen.audioPackets > 60 })
        let delays = viewer.seen.delays.suffix(20).sorted()
        #expect(delays.allSatisfy { $0 > .zero && $0 < .seconds(1) }, "the burnt-in clock is read: \(delays)")
        #expect(hub.seen.senderReports[0, default: 0] > 0 && hub.seen.senderReports[1, default: 0] > 0)
        let statistics = await call.publisher?.statistics()
        #expect(statistics?.packetsDropped == 0)
        await viewer.end()
        await call.end()
    }

    @Test func aViewersKeyframeRequestReachesTheCamera() async throws {
        let call = Call(codec: .vp8)
        try await call.publish()
        let hub = try #require(call.hub)
        #expect(await eventuallyTrue { hub.seen.packets[0, default: 0] > 10 })
        let viewer = try await call.view()
        // The camera's keyframes are 60 s apart: the first picture of a late viewer is the answer to a request.
        #expect(await eventuallyTrue { viewer.seen.frames > 0 })
        let before = (requests: hub.seen.keyframeRequests, keyframes: hub.seen.keyframes)
        #expect(before.requests > 0)
        try await Task.sleep(for: .milliseconds(300))  // beyond the time in which requests are one
        viewer.requestKeyframe()
        #expect(await eventuallyTrue { hub.seen.keyframeRequests > before.requests && hub.seen.keyframes > before.keyframes })
        await viewer.end()
        await call.end()
    }

    @Test func noMediaPassesWhenThePublishersCertificateIsNotTheAnnouncedOne() async throws {
        let call = Call(codec: .vp8)
        try await call.publish(cameraMustMatch: falsified)
        let hub = try #require(call.hub)
        #expect(await eventuallyTrue { call.publishLog.failure?.code == .fingerprintMismatch })
        try await Task.sleep(for: .seconds(1))  // time enough for media to leak
        #expect(hub.seen.packets.isEmpty)
        #expect(!call.publishLog.isConnected)
        await call.end()
    }

    @Test func noMediaPassesWhenTheBridgesCertificateIsNotTheAnnouncedOne() async throws {
        let call = Call(codec: .vp8)
        try await call.publish(publisherMustMatch: falsified)
        let hub = try #require(call.hub)
        #expect(await eventuallyTrue { call.cameraLog.failure?.code == .fingerprintMismatch })
        try await Task.sleep(for: .seconds(1))
        #expect(hub.seen.packets.isEmpty)
        #expect(!call.cameraLog.isConnected)
        await call.end()
    }

    @Test func nothingIsSentToAViewerWhoseCertificateIsNotTheAnnouncedOne() async throws {
        let call = Call(codec: .vp8)
        try await call.publish()
        let hub = try #require(call.hub)
        #expect(await eventuallyTrue { hub.seen.packets[0, default: 0] > 10 })
        let viewer = try await call.view(mustMatch: falsified)
        #expect(await eventuallyTrue { viewer.log.failure?.code == .fingerprintMismatch })
        try await Task.sleep(for: .seconds(1))
        #expect(viewer.seen.frames == 0 && viewer.seen.audioPackets == 0)
        #expect(await viewer.runner?.statistics().packetsOut == 0)
        await viewer.end()
        await call.end()
    }

    @Test func everyElementIsGoneAfterTeardown() async throws {
        let call = Call(codec: .vp8)
        try await call.publish()
        let hub = try #require(call.hub)
        #expect(await eventuallyTrue { hub.seen.packets[0, default: 0] > 10 })
        let viewer = try await call.view()
        #expect(await eventuallyTrue { viewer.seen.frames > 0 })
        let watches = await [call.camera?.lifetimes(), call.publisher?.lifetimes(), viewer.runner?.lifetimes()].compactMap(\.self).flatMap(
            \.self)
        #expect(watches.count == 6 && watches.allSatisfy { !$0.isFinalised })
        await viewer.end()
        viewer.runner = nil
        await call.end()
        #expect(await eventuallyTrue(within: .seconds(3)) { watches.allSatisfy(\.isFinalised) })
    }

    private func falsified(_ fingerprints: [Fingerprint]) -> [Fingerprint] {
        fingerprints.map { fingerprint in
            let flipped = fingerprint.value.hasPrefix("00") ? "FF" : "00"
            return Fingerprint(algorithm: fingerprint.algorithm, value: flipped + fingerprint.value.dropFirst(2))
        }
    }
}
