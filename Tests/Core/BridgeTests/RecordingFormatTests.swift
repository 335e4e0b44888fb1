import BridgeModel
import Testing

@testable import Bridge

@Suite struct RecordingFormatTests {
    @Test(
        arguments: [
            ([Codec.vp8, .opus], nil, Container.webm), ([.h264, .opus], nil, .matroska), ([.vp9, .pcmu], nil, .matroska),
            ([.h264, .opus], .mp4, .mp4), ([.vp8, .opus], .mp4, .matroska), ([.vp9, .opus], .mp4, .mp4),
            ([.h265, .opus], .webm, .matroska), ([.av1, .opus], nil, .webm), ([.av1, .opus], .mp4, .mp4),
            ([.vp8, .opus], .matroska, .matroska), ([.opus], nil, .webm),
        ] as [([Codec], Container?, Container)])
    func theContainerFollowsTheCodecs(codecs: [Codec], requested: Container?, expected: Container) {
        let tracks = codecs.enumerated().map { TrackDescription(index: UInt8($0.offset), codec: $0.element, payloadType: 96, mid: "") }
        #expect(Container.suitable(for: tracks, requested: requested) == expected)
    }
}
