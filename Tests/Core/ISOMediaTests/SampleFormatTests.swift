import BridgeModel
import ISOMedia
import Testing

/// The beginning of a VP9 key frame: profile 0, 8 bits, BT.601, 640x360 (bitstream specification, section 6.2).
let vp9Keyframe: [UInt8] = [0x82, 0x49, 0x83, 0x42, 0x20, 0x27, 0xF0, 0x16, 0x70, 0x00, 0x00]
let avcRecord: [UInt8] = [1, 0x42, 0xE0, 0x1F, 0xFF, 0xE1, 0, 2, 0x67, 0x42, 1, 0, 2, 0x68, 0xCE]
let hevcRecord: [UInt8] = [1, 0x01, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 93] + [UInt8](repeating: 0, count: 10)
let av1Record: [UInt8] = [0x81, 0x04, 0x0C, 0x00]
let opusHead: [UInt8] = Array("OpusHead".utf8) + [1, 2, 0x38, 0x01, 0x80, 0xBB, 0, 0, 0, 0, 0]

@Suite struct SampleFormatTests {
    @Test(
        arguments: [
            (.h264, avcRecord, "avc1.42E01F"), (.h265, hevcRecord, "hvc1.1.6.L93.B0"), (.av1, av1Record, "av01.0.04M.08"),
            (.vp9, [], "vp09.00.21.08"), (.opus, opusHead, "opus"), (.aac, [0x11, 0x90], "mp4a.40.2"),
            (.av1, [0x81, 0x4D, 0xE0, 0x00], "av01.2.13H.12"), (.av1, [0x81, 0x08, 0x4C, 0x00], "av01.0.08M.10"),
            (
                .h265, [1, 0xA2, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0x01, 120] + [UInt8](repeating: 0, count: 10),
                "hvc1.B2.4.H120.90.0.0.0.0.1"
            ),
        ] as [(Codec, [UInt8], String)])
    func codecsAreNamedAsMediaTypesHaveThem(codec: Codec, codecPrivate: [UInt8], expected: String) throws {
        let track = try MovieTrack(
            number: 1, codec: codec, codecPrivate: codecPrivate, size: (640, 360), channels: 2, firstKeyframe: vp9Keyframe)
        #expect(track.format.codecString == expected)
    }

    @Test(arguments: [([0x11, 0x90], "mp4a.40.2"), ([0xF8, 0xE6, 0x30], "mp4a.40.39"), ([], "mp4a.40.0")] as [([UInt8], String)])
    func soundOfMPEG4IsNamedByItsObjectType(configuration: [UInt8], expected: String) {
        #expect(SampleFormat.aac(configuration: configuration).codecString == expected)
    }

    @Test func aTrackOfAACHasTheClockOfItsSamples() throws {
        let track = try MovieTrack(number: 1, codec: .aac, codecPrivate: [0x14, 0x08], channels: 1)
        #expect(track.sampleRate == 16_000 && track.timescale == 16_000)
        #expect(track.format.matroskaData.map { $0.codec == .aac && $0.codecPrivate == [0x14, 0x08] } == true)
        #expect(throws: ISOMediaError.badConfiguration(.aac)) { try MovieTrack(number: 1, codec: .aac, codecPrivate: [0x14]) }
    }

    @Test func aKeyframeOfVP9DescribesItsTrack() throws {
        let configuration = try #require(VP9Configuration(keyframe: vp9Keyframe, size: (1920, 1080)))
        #expect(configuration.profile == 0 && configuration.bitDepth == 8 && configuration.level == 40)
        #expect(configuration.chromaSubsampling == 1 && !configuration.isFullRange)
        #expect([configuration.colors.primaries, configuration.colors.transfer, configuration.colors.matrix] == [6, 6, 6])
        #expect(VP9Configuration(keyframe: Array(vp9Keyframe.dropLast(4)), size: (0, 0)) == nil)
        #expect(VP9Configuration(keyframe: [0x86, 0, 0, 0, 0, 0, 0, 0, 0, 0], size: (0, 0)) == nil)
    }

    @Test(arguments: [Codec.vp8, .pcmu, .pcma])
    func codecsWithoutASampleEntryAreRefused(codec: Codec) {
        #expect(throws: ISOMediaError.unsupportedCodec(codec)) { try MovieTrack(number: 1, codec: codec, codecPrivate: avcRecord) }
    }

    @Test(
        arguments: [
            (.h264, []), (.h264, [1, 66, 192]), (.h264, [0] + avcRecord.dropFirst()), (.h265, avcRecord), (.av1, [0x81, 0]),
            (.av1, [0x01]), (.opus, Array("OpusHead".utf8)), (.vp9, avcRecord),
        ] as [(Codec, [UInt8])])
    func dataThatDescribesNoTrackIsRefused(codec: Codec, codecPrivate: [UInt8]) {
        #expect(throws: ISOMediaError.badConfiguration(codec)) { try MovieTrack(number: 1, codec: codec, codecPrivate: codecPrivate) }
    }
}
