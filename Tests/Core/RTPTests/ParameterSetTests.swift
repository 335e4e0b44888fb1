import BridgeModel
import RTP
import Testing

/// Parameter sets of x264, x265, libaom and libvpx for pictures of known sizes, made with ffmpeg's `testsrc`; levels were set by option or read by its
/// `trace_headers` filter.
@Suite struct ParameterSetTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var what: String
        var codec: Codec
        var payload: [UInt8]
        var profile: CodecProfile?
        var size: PictureSize
        var testDescription: String { "\(codec.rawValue): \(what)" }

        init(_ what: String, _ codec: Codec, _ hex: String, _ profile: CodecProfile?, _ width: UInt32, _ height: UInt32) {
            self.what = what
            self.codec = codec
            self.profile = profile
            payload = bytes(hex)
            size = PictureSize(width: width, height: height)
        }
    }

    private static func h264(_ profile: UInt8, _ constraints: UInt8, _ level: UInt8) -> CodecProfile {
        .h264(profile: profile, constraints: constraints, level: level)
    }

    private static func h265(_ profile: UInt8, tier: UInt8 = 0, _ level: UInt8) -> CodecProfile {
        .h265(H265ProfileTierLevel(tier: tier, profile: profile, level: level))
    }

    static let rows: [Row] = [
        Row("baseline 3.1", .h264, "6742c01fd900a02ff97011000003000100000300140f183248", h264(66, 0xC0, 31), 640, 360),
        Row("main 4.0, cropped", .h264, "674d4028eca03c0113f2e022000003000200000300281e30632c", h264(77, 0x40, 40), 1920, 1080),
        Row("high 5.1", .h264, "67640033acd940780227e5c044000003000400000300503c60c658", h264(100, 0, 51), 1920, 1080),
        Row("odd macroblocks", .h264, "6764000dacd94150878888c044000003000400000300503c50a658", h264(100, 0, 13), 322, 242),
        Row("4:2:2", .h264, "677a0016bcd940a03db011000003000100000300140f162d96", h264(122, 0, 22), 640, 480),
        Row("4:4:4", .h264, "67f40016919b281407bdde022000000300200000030281e2c5b2c0", h264(244, 0, 22), 638, 478),
        Row("10 bits", .h264, "676e0016a6cd940a42fe224c0440000003004000000503c58b6580", h264(110, 0, 22), 642, 362),
        Row("interlaced", .h264, "67640028acd94078044fde022000000300200000030283e2c5b2c0", h264(100, 0, 40), 1920, 1080),
        Row(
            "in STAP-A with a PPS", .h264, "78000468ce3c800019" + "6742c01fd900a02ff97011000003000100000300140f183248", h264(66, 0xC0, 31),
            640, 360),
        Row("main", .h265, "42010101600000030090000003000003003fa00502016965959a4932bc05a02000000300200000030141", h265(1, 63), 640, 360),
        Row(
            "main10, high tier", .h265, "420101222000000300900000030000030099a003c08010e4d96566924caf0168080000030008000003005040",
            h265(2, tier: 1, 153), 1920, 1080),
        Row(
            "4:4:4", .h265, "4201010408000003009e0800000300005a9000a0403c3bbcb2b349265780b4040000030004000003002820", h265(4, 90), 638, 478),
        Row(
            "4:2:2", .h265, "4201010408000003009d0800000300003fb005120171c93b65959a4932bc05a02000000300200000030141", h265(4, 63), 642, 362),
        Row(
            "in an aggregate behind a VPS", .h265,
            "6001000440010c01002a" + "42010101600000030090000003000003003fa00502016965959a4932bc05a02000000300200000030141", h265(1, 63),
            640, 360),
        Row("main", .av1, "180a0b0000000cc4ff6736be4010", .av1(profile: 0, level: 1, tier: 0), 640, 360),
        Row("10 bits", .av1, "180a0b00000042abbfc3732be501", .av1(profile: 0, level: 8, tier: 0), 1920, 1080),
        Row("4:4:4, behind a temporal delimiter", .av1, "280212000a0a200000043d07c4daf902", .av1(profile: 1, level: 0, tier: 0), 322, 242),
        Row("profile 0", .vp9, "088249834200" + "27f016760a38241c184a10", .vp9(profile: 0), 640, 360),
        Row("profile 1", .vp9, "08a249834200028201e2c1c70483830940", .vp9(profile: 1), 322, 242),
        Row("profile 2", .vp9, "08924983420014080b4b071c120e0c2c08", .vp9(profile: 2), 642, 362),
        Row("profile 1, RGB", .vp9, "08a2498342e027f01df60638241c184a10", .vp9(profile: 1), 640, 480),
        Row("profile 3", .vp9, "08b124c1a102013f80b3b061c120e0c2c0", .vp9(profile: 3), 640, 360),
        Row("key frame", .vp8, "908005" + "7067009d012a4201f2000047", nil, 322, 242),
    ]

    @Test(arguments: rows) func profilesAndSizesAreRead(_ row: Row) throws {
        let found = try #require(row.payload.withUnsafeBytes { VideoParameters(codec: row.codec, payload: $0) })
        #expect(found.profile == row.profile)
        #expect(found.size == row.size)
    }

    @Test(arguments: rows) func cutOnesGiveNothingOrTheSame(_ row: Row) {
        for length in 0..<row.payload.count {
            let found = Array(row.payload.prefix(length)).withUnsafeBytes { VideoParameters(codec: row.codec, payload: $0) }
            #expect(found.map { $0.size == row.size } ?? true, "of \(length) bytes")
        }
    }

    @Test(arguments: Codec.allCases) func randomBytesNeverTrap(_ codec: Codec) {
        var random = SeededRandom(seed: 20)
        for _ in 0..<5_000 {
            let payload = random.bytes(upTo: 80)
            _ = payload.withUnsafeBytes { VideoParameters(codec: codec, payload: $0) }
        }
    }

    @Test(arguments: rows) func flippedBitsNeverTrapNorGiveImpossibleSizes(_ row: Row) {
        for index in 0..<row.payload.count * 8 {
            var payload = row.payload
            payload[index / 8] ^= 0x80 >> UInt8(index % 8)
            let found = payload.withUnsafeBytes { VideoParameters(codec: row.codec, payload: $0) }
            #expect(found.map { $0.size.width > 0 && $0.size.height > 0 } ?? true)
        }
    }

    private static let malformed: [(Codec, String, String)] = [
        (.h264, "empty", ""), (.h264, "another type", "6842c01fd900a02ff970"), (.h264, "header alone", "67"),
        (.h264, "zeros to the end", "6742c01f" + String(repeating: "0", count: 40)),
        (.h264, "a picture order count type of 3", "6742c01fc9" + String(repeating: "f", count: 20)),
        (.h264, "STAP-A past the end", "7800ff6742c01fd900"),
        (.h265, "empty", ""), (.h265, "header alone", "4201"),
        (.h265, "seven sub-layers", "42010f01600000030090000003000003003fa00502016965"),
        (.av1, "continued", "980a0b0000000cc4ff6736be4010"), (.av1, "a tile group", "18220b0000000cc4ff6736be4010"),
        (.vp9, "no sync code", "0882498343002" + "7f016760"), (.vp9, "an inter frame", "088649834200" + "27f01676"),
        (.vp8, "no start code", "107067009d012b4201f2000047"), (.vp8, "no size", "107067009d012a00000000"),
        (.vp8, "a later partition", "117067009d012a4201f2000047"), (.opus, "audio", "6742c01fd900a02ff970"),
    ]

    @Test(arguments: malformed) func whatIsNoneIsRefused(_ codec: Codec, _ what: String, _ hex: String) {
        #expect(bytes(hex).withUnsafeBytes { VideoParameters(codec: codec, payload: $0) } == nil)
    }
}

/// Bytes of hex digits.
private func bytes(_ hex: String) -> [UInt8] {
    var digits = hex[...]
    var result: [UInt8] = []
    while digits.count >= 2 {
        result.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
        digits = digits.dropFirst(2)
    }
    return result
}
