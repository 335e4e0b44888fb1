import Bridge
import BridgeModel
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
        #expect(await eventuallyTrue { viewer.seen.frames > 30 && viewer.seen.audioPackets > 30 })
        print("\(codec) delays", viewer.seen.delays.suffix(5), hub.seen)
        await viewer.end()
        await call.end()
    }
}
