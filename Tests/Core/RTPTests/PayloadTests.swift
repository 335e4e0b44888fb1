import BridgeModel
import RTP
import Testing

@Suite struct PayloadTests {
    struct Row: CustomTestStringConvertible {
        var what: String
        var codec: Codec
        var payload: [UInt8]
        /// Nil: malformed.
        var expected: PayloadTraits?
        var testDescription: String { "\(codec.rawValue): \(what)" }

        init(_ codec: Codec, _ what: String, _ payload: [UInt8], _ expected: PayloadTraits?) {
            (self.codec, self.what, self.payload, self.expected) = (codec, what, payload, expected)
        }
    }

    private static let vp8Key: [UInt8] = [0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x40, 0x01]

    static let rows: [Row] = [
        Row(.vp8, "key frame", [0x10] + vp8Key, [.beginsFrame, .keyframe]),
        Row(.vp8, "key frame behind every extension", [0x90, 0xF0, 0x81, 0x02, 0x07, 0x40] + vp8Key, [.beginsFrame, .keyframe]),
        Row(.vp8, "key frame behind a short picture id", [0x90, 0x80, 0x11] + vp8Key, [.beginsFrame, .keyframe]),
        Row(.vp8, "inter frame", [0x10, 0x01, 0, 0], .beginsFrame),
        Row(.vp8, "key frame without its start code", [0x10, 0x00, 0, 0, 1, 2, 3, 4], .beginsFrame),
        Row(.vp8, "a later partition", [0x11] + vp8Key, []),
        Row(.vp8, "a continuation", [0x00] + vp8Key, []),
        Row(.vp8, "empty", [], nil),
        Row(.vp8, "descriptor alone", [0x10], nil),
        Row(.vp8, "extension missing", [0x90], nil),
        Row(.vp8, "picture id missing", [0x90, 0x80], nil),
        Row(.vp8, "second byte of the picture id missing", [0x90, 0x80, 0x81], nil),
        Row(.vp8, "TL0PICIDX missing", [0x90, 0x40], nil),
        Row(.vp8, "temporal layer missing", [0x90, 0x20], nil),

        Row(.vp9, "key picture", [0x8A, 0x81, 0x00, 0x00, 0x49], [.beginsFrame, .keyframe]),
        Row(
            .vp9, "key picture with resolutions and groups", [0x8A, 0x01, 0x18, 1, 64, 0, 48, 2, 0x04, 1, 0x08, 1, 2, 0x49],
            [.beginsFrame, .keyframe]),
        // Pion never sets P: these are the first bytes of what it sends.
        Row(.vp9, "key picture of a sender without P", [0x98, 0x81, 0x02, 0x82, 0x49, 0x83, 0x42], [.beginsFrame, .keyframe]),
        Row(.vp9, "inter picture of a sender without P", [0x98, 0x81, 0x03, 0x86, 0x00], .beginsFrame),
        Row(.vp9, "an old picture shown again, of a sender without P", [0x9C, 0x81, 0x04, 0x88], .beginsFrame),
        Row(.vp9, "key picture of profile 3 of a sender without P", [0x98, 0x81, 0x02, 0xB1, 0x24, 0xC1], [.beginsFrame, .keyframe]),
        Row(.vp9, "inter picture of profile 3 of a sender without P", [0x98, 0x81, 0x02, 0xB3, 0x24], .beginsFrame),
        Row(.vp9, "inter picture, flexible", [0xD8, 0x01, 0x03, 0x04, 0x49], .beginsFrame),
        Row(.vp9, "enhancement layer of a key picture", [0xA8, 0x01, 0x03, 0x00, 0x49], []),
        Row(.vp9, "middle of a frame", [0x80, 0x01, 0x49], []),
        Row(.vp9, "empty", [], nil),
        Row(.vp9, "descriptor alone", [0x08], nil),
        Row(.vp9, "picture id missing", [0x80], nil),
        Row(.vp9, "layers missing", [0x20], nil),
        Row(.vp9, "TL0PICIDX missing", [0x28, 0x00], nil),
        Row(.vp9, "reference missing", [0x50], nil),
        Row(.vp9, "four references", [0x58, 0x03, 0x03, 0x03, 0x02, 0x49], nil),
        Row(.vp9, "scalability structure missing", [0x0A], nil),
        Row(.vp9, "resolutions cut", [0x0A, 0xF0, 0, 0], nil),
        Row(.vp9, "picture group count missing", [0x0A, 0x08], nil),
        Row(.vp9, "picture group cut", [0x0A, 0x08, 0xFF, 0x0C], nil),

        Row(.h264, "IDR slice", [0x65, 1], .keyframe),
        Row(.h264, "slice", [0x41, 1], []),
        Row(.h264, "SPS", [0x67, 1], .parameterSets),
        Row(.h264, "STAP-A of SPS, PPS and IDR", [0x78, 0, 1, 0x67, 0, 1, 0x68, 0, 2, 0x65, 1], [.parameterSets, .keyframe]),
        Row(.h264, "FU-A start of an IDR slice", [0x7C, 0x85, 1], .keyframe),
        Row(.h264, "FU-A middle of an IDR slice", [0x7C, 0x05, 1], .keyframe),
        Row(.h264, "FU-A of a slice", [0x7C, 0x81, 1], []),
        Row(.h264, "empty", [], nil),
        Row(.h264, "type 0", [0x60, 1], nil),
        Row(.h264, "STAP-B", [0x79, 0, 0, 0, 1, 0x65], nil),
        Row(.h264, "FU-B", [0x7D, 0x85, 0, 0, 1], nil),
        Row(.h264, "FU-A without content", [0x7C, 0x85], nil),
        Row(.h264, "STAP-A without units", [0x78], nil),
        Row(.h264, "STAP-A with a cut size", [0x78, 0], nil),
        Row(.h264, "STAP-A with a unit of no bytes", [0x78, 0, 0], nil),
        Row(.h264, "STAP-A with a unit past the end", [0x78, 0, 3, 0x67, 1], nil),

        Row(.h265, "IDR_W_RADL", [0x26, 1, 1], .keyframe),
        Row(.h265, "CRA", [0x2A, 1, 1], .keyframe),
        Row(.h265, "trailing picture", [0x02, 1, 1], []),
        Row(.h265, "VPS", [0x40, 1, 1], .parameterSets),
        Row(.h265, "aggregate of SPS and IDR", [0x60, 1, 0, 3, 0x42, 1, 1, 0, 3, 0x26, 1, 1], [.parameterSets, .keyframe]),
        Row(.h265, "fragment of an IDR", [0x62, 1, 0x93, 1], .keyframe),
        Row(.h265, "empty", [], nil),
        Row(.h265, "header alone", [0x26, 1], nil),
        Row(.h265, "PACI", [0x64, 1, 1], nil),
        Row(.h265, "fragment without content", [0x62, 1, 0x93], nil),
        Row(.h265, "aggregate with a cut size", [0x60, 1, 0], nil),
        Row(.h265, "aggregate with a unit shorter than its header", [0x60, 1, 0, 1, 0x26], nil),
        Row(.h265, "aggregate with a unit past the end", [0x60, 1, 0, 9, 0x26, 1, 1], nil),

        Row(.av1, "start of a sequence", [0x18, 0x0A, 1], [.beginsFrame, .keyframe, .parameterSets]),
        Row(.av1, "sequence header without N", [0x20, 2, 0x0A, 1, 0x30, 1], [.keyframe, .parameterSets]),
        Row(.av1, "two elements with lengths", [0x00, 1, 0x30, 2, 0x08, 0], [.keyframe, .parameterSets]),
        Row(.av1, "frame", [0x10, 0x30, 1], []),
        Row(.av1, "continuation that looks like a sequence header", [0x90, 0x0A, 1], []),
        Row(.av1, "empty", [], nil),
        Row(.av1, "header alone", [0x10], nil),
        Row(.av1, "start of a sequence that continues", [0x98, 0x0A], nil),
        Row(.av1, "length past the end", [0x00, 9, 0x0A], nil),
        Row(.av1, "length that never ends", [0x00, 0x80, 0x80, 0x80, 0x80, 0x01], nil),
        Row(.av1, "element of no bytes", [0x00, 0], nil),
        Row(.av1, "fewer elements than counted", [0x30, 1, 0x0A], nil),

        Row(.opus, "anything", [0xFC], .beginsFrame),
    ]

    @Test(arguments: rows) func traitsOf(row: Row) {
        #expect(row.payload.withUnsafeBytes { PayloadTraits(codec: row.codec, payload: $0) } == row.expected)
    }

    @Test func theVP8DescriptorIsReadWhole() throws {
        let bytes: [UInt8] = [0xB0, 0xF0, 0x92, 0x34, 0x07, 0xA5, 0x01]
        let descriptor = try #require(bytes.withUnsafeBytes { VP8Descriptor(reading: $0) })
        #expect(descriptor.pictureID == 0x1234)
        #expect(descriptor.temporalLayerZeroIndex == 7)
        #expect(descriptor.temporalLayer == 2)
        #expect(descriptor.isNonReference)
        #expect(descriptor.size == 6)
    }

    @Test func theVP9DescriptorIsReadWhole() throws {
        let bytes: [UInt8] = [0xEC, 0x92, 0x34, 0x53, 0x09, 0x01]
        let descriptor = try #require(bytes.withUnsafeBytes { VP9Descriptor(reading: $0) })
        #expect(descriptor.pictureID == 0x1234)
        #expect(descriptor.temporalLayer == 2)
        #expect(descriptor.spatialLayer == 1)
        #expect(descriptor.isInterPicturePredicted && descriptor.beginsFrame && descriptor.endsFrame)
        #expect(descriptor.size == 5)
    }
}

@Suite struct FrameTrackerTests {
    @Test func aKeyframeIsReportedOnceAtThePacketThatShowsIt() {
        var tracker = FrameTracker()
        let packets: [(UInt32, Bool, PayloadTraits)] = [
            (1, true, []), (2, false, .parameterSets), (2, false, .keyframe), (2, true, .keyframe), (3, true, []),
        ]
        let seen = packets.map { tracker.observe(timestamp: $0.0, marker: $0.1, traits: $0.2) }
        #expect(seen.map(\.beginsFrame) == [true, true, false, false, true])
        #expect(seen.map(\.endsFrame) == [true, false, false, true, true])
        #expect(seen.map(\.revealsKeyframe) == [false, false, true, false, false])
    }

    @Test func twoKeyframesInARowAreTwo() {
        var tracker = FrameTracker()
        let seen = [UInt32(1), 2].map { tracker.observe(timestamp: $0, marker: true, traits: .keyframe).revealsKeyframe }
        #expect(seen == [true, true])
    }
}
