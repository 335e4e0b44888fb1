import Bridge
import BridgeModel
import Testing

@Suite struct PipelinePlanTests {
    private func recording(_ codecs: Codec...) -> PipelinePlan {
        let tracks = codecs.enumerated().map { TrackDescription(index: UInt8($0), codec: $1, payloadType: 96, mid: "\($0)") }
        return PipelinePlan(
            pipeline: PipelineID("p"),
            work: .record(
                RecordPlan(
                    tracks: tracks, container: .matroska, fragment: .seconds(1), path: "/x", wallClockOffset: .zero,
                    firstMediaTimeout: .seconds(1))))
    }

    @Test func onlyWebRTCAndH265NeedGStreamer() {
        for codec in Codec.allCases { #expect(recording(.opus, codec).needsGStreamer == (codec == .h265), "\(codec)") }
        let finish = PipelinePlan(
            pipeline: PipelineID("p"), work: .finish(FinishPlan(container: .mp4, source: "/x", destination: "/y")))
        #expect(!finish.needsGStreamer)
    }
}
