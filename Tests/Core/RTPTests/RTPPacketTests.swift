import RTP
import Testing

@Suite struct RTPPacketTests {
    private let plain: [UInt8] = [0x80, 0xE0, 0x12, 0x34, 0, 0, 0x10, 0x01, 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3]

    @Test func everyFieldOfTheFixedHeaderIsRead() throws {
        let header = try #require(withPacket(plain) { RTPHeader($0) })
        #expect(header == RTPHeader(marker: true, payloadType: 96, sequence: 0x1234, timestamp: 0x1001, ssrc: 0xDEAD_BEEF))
        #expect(withPacket(plain) { Array($0.payload) } == [1, 2, 3])
    }

    @Test func contributingSourcesExtensionAndPaddingAreNotPayload() throws {
        let bytes: [UInt8] =
            [0xB1, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3] + [9, 9, 9, 9] + [0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0] + [7, 8] + [0, 0, 3]
        let payload = try #require(withPacket(bytes) { Array($0.payload) })
        #expect(payload == [7, 8])
        let found = try #require(withPacket(bytes) { $0.headerExtension.map { ($0.profile, Array($0.content)) } } ?? nil)
        #expect(found.0 == 0xBEDE)
        #expect(found.1 == [0x10, 0xAA, 0, 0])
    }

    @Test func aPacketOfPaddingAloneHasAnEmptyPayload() {
        let bytes: [UInt8] = [0xA0, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]
        #expect(withPacket(bytes) { $0.payload.count } == 0)
    }

    static let malformed: [(String, [UInt8])] = [
        ("nothing", []),
        ("one byte short of a header", [UInt8](repeating: 0x80, count: 11)),
        ("version 1", [0x40] + [UInt8](repeating: 0, count: 20)),
        ("version 3", [0xC0] + [UInt8](repeating: 0, count: 20)),
        ("contributing sources past the end", [0x8F] + [UInt8](repeating: 0, count: 30)),
        ("extension header past the end", [0x90] + [UInt8](repeating: 0, count: 13)),
        ("extension content past the end", [0x90] + [UInt8](repeating: 0, count: 11) + [0xBE, 0xDE, 0, 2, 1, 2, 3, 4]),
        ("extension of 65535 words", [0x90] + [UInt8](repeating: 0, count: 11) + [0xBE, 0xDE, 0xFF, 0xFF, 1, 2, 3, 4]),
        ("padding of zero bytes", [0xA0] + [UInt8](repeating: 0, count: 15)),
        ("padding larger than the payload", [0xA0] + [UInt8](repeating: 0, count: 13) + [0, 5]),
        ("padding without a payload", [0xA0] + [UInt8](repeating: 0, count: 10) + [4]),
    ]

    @Test(arguments: malformed) func malformedPacketsAreRefused(what: String, bytes: [UInt8]) {
        #expect(withPacket(bytes) { _ in true } == nil, "\(what)")
    }

    @Test func rewritingLeavesEverythingElseAlone() throws {
        var bytes: [UInt8] = [0xB1, 0xE0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 0xBE, 0xDE, 0, 0, 7, 2, 2]
        let before = bytes
        let header = RTPHeader(marker: false, payloadType: 101, sequence: 0xFFFF, timestamp: 0xFFFF_FFFF, ssrc: 0x0102_0304)
        bytes.withUnsafeMutableBytes { header.rewrite($0) }
        #expect(withPacket(bytes) { RTPHeader($0) } == header)
        #expect(bytes[0] == before[0])
        #expect(bytes[12...] == before[12...])
    }

    @Test func aWrittenHeaderIsReadBack() {
        var bytes = [UInt8](repeating: 0xFF, count: 12)
        let header = RTPHeader(marker: true, payloadType: 0x7F, sequence: 1, timestamp: 2, ssrc: 3)
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        #expect(withPacket(bytes) { RTPHeader($0) } == header)
    }
}

@Suite struct UnwrapperTests {
    @Test func sequenceNumbersGoOnPastTheWrap() {
        var unwrapper = SequenceUnwrapper()
        #expect([65_534, 65_535, 0, 1].map { unwrapper.unwrap($0) } == [65_534, 65_535, 65_536, 65_537])
    }

    @Test func aLatePacketKeepsItsPlaceAndDoesNotMoveTheHighest() {
        var unwrapper = SequenceUnwrapper()
        #expect([1, 65_535, 2].map { unwrapper.unwrap($0) } == [1, -1, 2])
        #expect(unwrapper.highest == 2)
    }

    @Test func timestampsWrapAtThirtyTwoBits() {
        var unwrapper = TimestampUnwrapper()
        #expect([0xFFFF_FF00, 0x100].map { unwrapper.unwrap($0) } == [0xFFFF_FF00, 0x1_0000_0100])
    }

    @Test func halfTheRangeCountsAsBackward() {
        #expect(SequenceUnwrapper.distance(from: 0, to: 32_767) == 32_767)
        #expect(SequenceUnwrapper.distance(from: 0, to: 32_768) == -32_768)
        #expect(TimestampUnwrapper.distance(from: 5, to: 4) == -1)
    }
}
