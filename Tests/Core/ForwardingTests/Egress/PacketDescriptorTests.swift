import BridgeModel
import RTP
import Testing

@testable import Forwarding

@Suite struct PacketDescriptorTests {
    private static func descriptor(_ codec: Codec, _ payload: [UInt8], marker: Bool = false) throws -> PacketDescriptor {
        var bytes = [UInt8](repeating: 0, count: 12) + payload
        bytes.withUnsafeMutableBytes { RTPHeader(marker: marker, payloadType: 96, sequence: 1, timestamp: 2, ssrc: 3).write(to: $0) }
        let descriptor = bytes.withUnsafeBytes { buffer in
            RTPPacketView(reading: buffer).map { PacketDescriptor(codec: codec, packet: $0) }
        }
        return try #require(descriptor)
    }

    /// The payload's beginning after the offsets were added.
    private static func rewrite(_ payload: [UInt8], _ numbering: PictureNumbering, _ offsets: SequenceMap.Offsets) -> [UInt8] {
        var head = Array(payload.prefix(Int(numbering.size)))
        head.withUnsafeMutableBytes { numbering.apply(offsets, to: $0) }
        return head
    }

    private static func offsets(picture: UInt16 = 0, zero: UInt8 = 0, key: UInt8 = 0) -> SequenceMap.Offsets {
        SequenceMap.Offsets(timestamp: 0, pictureID: picture, zeroIndex: zero, keyIndex: key)
    }

    @Test func vp8WithFifteenBitsAndAllIndices() throws {
        // X S PID=0 | I L T K | M 0x7FFE | TL0PICIDX 254 | TID 2, Y, KEYIDX 30 | payload
        let payload: [UInt8] = [0x90, 0xF0, 0xFF, 0xFE, 0xFE, 0xBE, 0x01, 0, 0]
        let descriptor = try Self.descriptor(.vp8, payload, marker: true)
        #expect(descriptor.flags == [.beginsFrame, .endsFrame, .isLayered, .temporalSwitchPoint])
        #expect(descriptor.temporalLayer == 2)
        #expect(descriptor.numbering.size == 6)
        let rewritten = Self.rewrite(payload, descriptor.numbering, Self.offsets(picture: 3, zero: 2, key: 3))
        #expect(rewritten == [0x90, 0xF0, 0x80, 0x01, 0x00, 0xA1], "all wrap, and TID and Y stay")
    }

    @Test func vp8WithSevenBitsAlone() throws {
        let payload: [UInt8] = [0x90, 0x80, 0x7F, 0x00, 0, 0]
        let descriptor = try Self.descriptor(.vp8, payload)
        #expect(!descriptor.flags.contains(.isLayered))
        #expect(descriptor.numbering.size == 3)
        #expect(Self.rewrite(payload, descriptor.numbering, Self.offsets(picture: 2, zero: 9, key: 9)) == [0x90, 0x80, 0x01])
        #expect(!descriptor.numbering.isChanged(by: Self.offsets()))
        #expect(descriptor.numbering.isChanged(by: Self.offsets(picture: 1)))
    }

    @Test func vp8WithoutNumbersIsNotRewritten() throws {
        let descriptor = try Self.descriptor(.vp8, [0x10, 0x01, 0, 0])
        #expect(descriptor.numbering.form == .none)
        #expect(!descriptor.numbering.isChanged(by: Self.offsets(picture: 1, zero: 1, key: 1)))
    }

    @Test func vp9InNonFlexibleMode() throws {
        // I L B | M 0x1234 | TID 1, U, SID 1, D | TL0PICIDX | payload; P is 0.
        let payload: [UInt8] = [0xA8, 0x92, 0x34, 0x33, 0xFF, 0x00]
        let descriptor = try Self.descriptor(.vp9, payload)
        #expect(descriptor.flags == [.beginsFrame, .isLayered, .temporalSwitchPoint, .spatialSwitchPoint])
        #expect(descriptor.spatialLayer == 1)
        #expect(descriptor.temporalLayer == 1)
        #expect(Self.rewrite(payload, descriptor.numbering, Self.offsets(picture: 1, zero: 1)) == [0xA8, 0x92, 0x35, 0x33, 0x00])
    }

    @Test func vp9InFlexibleModeHasNoZeroIndex() throws {
        // I P L F B E | 7 bits | layers | one reference | payload
        let payload: [UInt8] = [0xFC, 0x05, 0x20, 0x02, 0x00]
        let descriptor = try Self.descriptor(.vp9, payload)
        #expect(descriptor.flags == [.beginsFrame, .endsFrame, .isLayered])
        #expect(Self.rewrite(payload, descriptor.numbering, Self.offsets(picture: 0x7F, zero: 7)) == [0xFC, 0x04])
    }

    @Test(arguments: [
        (Codec.vp8, [] as [UInt8]), (.vp8, [0x90]), (.vp8, [0x90, 0xF0]), (.vp8, [0x90, 0xF0, 0x80]), (.vp8, [0x90, 0xF0, 0x80, 1, 2]),
        (.vp9, []), (.vp9, [0xA0]), (.vp9, [0xA0, 0x80]), (.vp9, [0xA0, 0x80, 0x01]), (.vp9, [0xA0, 0x80, 0x01, 0x00]),
        (.vp9, [0x02]), (.h264, []), (.av1, [0xFF]), (.opus, []),
    ])
    func aPayloadThatIsCutHasNoLayerAndIsNotRewritten(codec: Codec, payload: [UInt8]) throws {
        let descriptor = try Self.descriptor(codec, payload)
        #expect(descriptor.flags == [])
        #expect(!descriptor.numbering.isChanged(by: Self.offsets(picture: 1, zero: 1, key: 1)))
        #expect(descriptor.payloadSize == payload.count)
    }

    @Test func paddingIsNotPartOfThePayload() throws {
        var bytes: [UInt8] = [0xA0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3] + [0x65, 1, 2, 3] + [0, 0, 3]
        bytes[0] = 0xA0
        let descriptor = bytes.withUnsafeBytes { buffer in
            RTPPacketView(reading: buffer).map { PacketDescriptor(codec: .h264, packet: $0) }
        }
        #expect(try #require(descriptor).payloadSize == 4)
    }
}
