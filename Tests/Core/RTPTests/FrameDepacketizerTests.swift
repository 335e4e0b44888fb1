import BridgeModel
import RTP
import Testing

extension FrameDepacketizer {
    fileprivate mutating func take(
        _ payload: [UInt8], timestamp: UInt32 = 1, marker: Bool = false, isAfterGap: Bool = false
    ) throws -> [DepacketizedFrame] {
        var frames: [DepacketizedFrame] = []
        let moment = PacketMoment(
            timestamp: timestamp, time: MonotonicTime(nanoseconds: UInt64(timestamp)), marker: marker, isAfterGap: isAfterGap)
        try payload.withUnsafeBytes { try take($0, of: moment) { frames.append($0) } }
        return frames
    }

    /// The packets of one picture, the last with the marker. A loss shows in the packet that follows it; `lost` is never the last one.
    fileprivate mutating func take(all packets: [[UInt8]], timestamp: UInt32 = 1, lost: Int? = nil) -> [DepacketizedFrame] {
        packets.indices.filter { $0 != lost }.flatMap { index in
            (try? take(
                packets[index], timestamp: timestamp, marker: index == packets.count - 1, isAfterGap: lost.map { index == $0 + 1 } ?? false))
                ?? []
        }
    }
}

private func lengthed(_ units: [UInt8]...) -> [UInt8] {
    units.flatMap { [0, 0, UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 }
}

@Suite struct H264DepacketizerTests {
    /// x264's, of 640x360 in baseline and 1920x1080 in high.
    private let small = hexBytes("6742c01fd900a02ff97011000003000100000300140f183248")
    private let large = hexBytes("67640033acd940780227e5c044000003000400000300503c60c658")
    private let setOfPicture = hexBytes("68ce3c80")
    private let idr: [UInt8] = [0x65, 0x88] + (0..<900).map { UInt8($0 % 251) }
    private let slice: [UInt8] = [0x41, 0x9A] + (0..<300).map { UInt8($0 % 241) }

    private func aggregate(_ units: [UInt8]...) -> [UInt8] {
        [0x78] + units.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 }
    }

    private func fragments(_ unit: [UInt8], limit: Int) -> [[UInt8]] {
        let content = Array(unit.dropFirst())
        let pieces = stride(from: 0, to: content.count, by: limit).map { Array(content[$0...].prefix(limit)) }
        return pieces.enumerated().map { index, piece in
            [unit[0] & 0xE0 | 28, (index == 0 ? 0x80 : 0) | (index == pieces.count - 1 ? 0x40 : 0) | unit[0] & 0x1F] + piece
        }
    }

    @Test(arguments: [2, 100, 899]) func anAccessUnitIsPutTogetherFromAggregatesAndFragments(limit: Int) throws {
        var depacketizer = FrameDepacketizer(H264Picture())
        let frames = depacketizer.take(all: [aggregate(small, setOfPicture)] + fragments(idr, limit: limit), timestamp: 7)
        #expect(frames.map(\.bytes) == [lengthed(small, setOfPicture, idr)])
        #expect(frames.map(\.isKeyframe) == [true] && frames.map(\.time.nanoseconds) == [7])
        let format = try #require(frames.first?.format)
        #expect(format.size == PictureSize(width: 640, height: 360))
        let record = [1, 0x42, 0xC0, 0x1F, 0xFF, 0xE1, 0, 25] + small + [1, 0, 4] + setOfPicture
        #expect(format.codecPrivate == record)
        let next = depacketizer.take(all: [slice], timestamp: 8)
        #expect(next == [DepacketizedFrame(time: MonotonicTime(nanoseconds: 8), isKeyframe: false, bytes: lengthed(slice), format: nil)])
    }

    @Test func parameterSetsThatAreMissingAreAddedBehindTheDelimiter() throws {
        var depacketizer = FrameDepacketizer(H264Picture(parameterSets: [small, setOfPicture, [1, 2, 3], []]))
        let delimiter: [UInt8] = [0x09, 0xF0]
        let frames = depacketizer.take(all: [delimiter, idr], timestamp: 1)
        #expect(frames.map(\.bytes) == [lengthed(delimiter, small, setOfPicture, idr)] && frames[0].isKeyframe)
        // One of the two is in band, and is not there twice.
        #expect(depacketizer.take(all: [setOfPicture, idr], timestamp: 2).map(\.bytes) == [lengthed(small, setOfPicture, idr)])
        #expect(depacketizer.take(all: [slice], timestamp: 3).map(\.bytes) == [lengthed(slice)])
    }

    @Test func aNewSequenceIsTheFormatOfTheKeyframeThatBeginsIt() throws {
        var depacketizer = FrameDepacketizer(H264Picture())
        let first = depacketizer.take(all: [aggregate(small, setOfPicture), idr], timestamp: 1)
        let second = depacketizer.take(all: fragments(large, limit: 5) + [setOfPicture, idr], timestamp: 2)
        #expect(first.first?.format?.size == PictureSize(width: 640, height: 360))
        let format = try #require(second.first?.format)
        #expect(format.size == PictureSize(width: 1920, height: 1080))
        // High profile: 4:2:0 of eight bits is told at the end.
        #expect(format.codecPrivate.prefix(6) == [1, 0x64, 0, 0x33, 0xFF, 0xE1] && format.codecPrivate.suffix(4) == [0xFD, 0xF8, 0xF8, 0])
        #expect(second.map(\.bytes) == [lengthed(large, setOfPicture, idr)])
    }

    @Test func anIDRPictureWithoutKnownSetsIsNoKeyframe() {
        var depacketizer = FrameDepacketizer(H264Picture())
        #expect(depacketizer.take(all: [idr], timestamp: 1).map(\.isKeyframe) == [false])
        #expect(depacketizer.take(all: [small, idr], timestamp: 2).map(\.isKeyframe) == [false])
        #expect(depacketizer.take(all: [setOfPicture, idr], timestamp: 3).map(\.isKeyframe) == [true])
    }

    @Test func aPictureThatLacksAPacketIsDroppedAndTheNextIsNot() {
        let whole = [aggregate(small, setOfPicture)] + fragments(idr, limit: 200)
        for lost in whole.indices.dropFirst().dropLast() {
            var depacketizer = FrameDepacketizer(H264Picture())
            #expect(depacketizer.take(all: whole, timestamp: 1, lost: lost) == [], "without packet \(lost)")
            #expect(depacketizer.take(all: whole, timestamp: 2).count == 1)
        }
        // The end of one picture and the beginning of the next are missing.
        var depacketizer = FrameDepacketizer(H264Picture())
        for packet in whole.dropLast() { #expect((try? depacketizer.take(packet, timestamp: 1)) == []) }
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take(whole[3], timestamp: 2, isAfterGap: true) }
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take(whole[whole.count - 1], timestamp: 2, marker: true) }
        #expect(depacketizer.take(all: whole, timestamp: 3).count == 1)
    }

    @Test func afterALossAPictureHasToBeginWithItsFirstMacroblock() throws {
        var depacketizer = FrameDepacketizer(H264Picture(parameterSets: [small, setOfPicture]))
        let second: [UInt8] = [0x65, 0x40, 1, 2, 3]
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take(second, timestamp: 1, marker: true, isAfterGap: true) }
        #expect(try depacketizer.take(idr, timestamp: 2, marker: true, isAfterGap: true).map(\.isKeyframe) == [true])
        // The gap was told with padding, which is a packet, too.
        #expect(try depacketizer.take([], timestamp: 2, isAfterGap: true) == [])
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take(second, timestamp: 3, marker: true) }
    }

    @Test func aPictureWithoutMarkerEndsWhereTheNextBegins() throws {
        var depacketizer = FrameDepacketizer(H264Picture())
        #expect(try depacketizer.take(slice, timestamp: 1) == [])
        #expect(try depacketizer.take([], timestamp: 2) == [])
        #expect(try depacketizer.take(slice, timestamp: 3, marker: true).map(\.time.nanoseconds) == [1, 3])
        // Without its end it is dropped, and the next one is told of.
        #expect(try depacketizer.take(fragments(slice, limit: 100)[0], timestamp: 4) == [])
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take(slice, timestamp: 5, marker: true) }
    }

    @Test(
        arguments: [
            ("an aggregate without units", [0x78], .malformed), ("a size that is cut", [0x78, 0], .malformed),
            ("a size past the end", [0x78, 0, 9, 0x41], .malformed), ("an empty unit", [0x78, 0, 0], .malformed),
            ("an aggregate in an aggregate", [0x78, 0, 2, 0x78, 1], .malformed), ("a fragment without content", [0x7C, 0x85], .malformed),
            ("a fragment of a fragment", [0x7C, 0x9C, 1], .malformed), ("an end without beginning", [0x7C, 0x45, 1], .incomplete),
            ("STAP-B", [0x79, 0, 0, 0, 1, 0x41], .malformed), ("MTAP16", [0x7A, 0, 0], .malformed),
            ("FU-B", [0x7D, 0x85, 0, 0, 1], .malformed),
            ("type 0", [0x60, 1], .malformed), ("type 31", [0x7F, 1], .malformed), ("a slice without content", [0x41], .malformed),
            ("a sequence that is cut", [0x67, 0x42, 0xC0, 0x1F], .malformed), ("a picture set without number", [0x68, 0], .malformed),
            ("a set that is too long", [0x68] + [UInt8](repeating: 0x80, count: 5000), .malformed),
        ] as [(String, [UInt8], DepacketizerFailure)])
    func malformedPacketsAreNamedAndCostTheirPicture(what: String, payload: [UInt8], failure: DepacketizerFailure) throws {
        var depacketizer = FrameDepacketizer(H264Picture())
        #expect(throws: failure) { try depacketizer.take(payload, timestamp: 1) }
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take(slice, timestamp: 1, marker: true) }
        #expect(try depacketizer.take(slice, timestamp: 2, marker: true).count == 1)
    }

    @Test func picturesWithoutEndAreGivenUp() {
        var depacketizer = FrameDepacketizer(H264Picture())
        let piece = [UInt8](repeating: 0x41, count: 1 << 20)
        var failure: DepacketizerFailure?
        for _ in 0..<20 where failure == nil {
            do { _ = try depacketizer.take(piece) } catch { failure = error as? DepacketizerFailure }
        }
        #expect(failure == .tooLarge)
    }

    @Test func randomPacketsNeverTrap() {
        var random = SeededRandom(seed: 11)
        var depacketizer = FrameDepacketizer(H264Picture())
        for round in 0..<20_000 {
            var payload = random.bytes(upTo: 40)
            if round % 2 == 0, !payload.isEmpty { payload[0] = [0x78, 0x7C, 0x67, 0x68, 0x65][round / 2 % 5] }
            let frames = try? depacketizer.take(
                payload, timestamp: UInt32(round / 3), marker: round % 3 == 2, isAfterGap: round % 7 == 0)
            for frame in frames ?? [] { #expect(!frame.bytes.isEmpty) }
        }
    }
}

@Suite struct VPXDepacketizerTests {
    private let keyVP8: [UInt8] = [0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01] + (0..<90).map { UInt8($0) }
    private let deltaVP8: [UInt8] = [0x11, 0x02, 0x00] + (0..<90).map { UInt8($0) }
    /// libvpx's, of 640x360, and what follows.
    private let keyVP9 = hexBytes("8249834200" + "27f016760a38241c184a10") + (0..<90).map { UInt8($0) }
    private let deltaVP9: [UInt8] = [0x86, 0x00] + (0..<90).map { UInt8($0) }

    private func pieces(_ frame: [UInt8], first: [UInt8], other: [UInt8]) -> [[UInt8]] {
        stride(from: 0, to: frame.count, by: 30).map { ($0 == 0 ? first : other) + frame[$0...].prefix(30) }
    }

    @Test func framesOfVP8ArePutTogether() throws {
        var depacketizer = FrameDepacketizer(VP8Picture())
        // With a picture id of 15 bits, and without an extension.
        let frames = depacketizer.take(
            all: pieces(keyVP8, first: [0x90, 0x80, 0x81, 0x02], other: [0x80, 0x80, 0x81, 0x02]), timestamp: 5)
        let size = PictureFormat(size: PictureSize(width: 640, height: 360))
        #expect(frames == [DepacketizedFrame(time: MonotonicTime(nanoseconds: 5), isKeyframe: true, bytes: keyVP8, format: size)])
        let next = depacketizer.take(all: pieces(deltaVP8, first: [0x10], other: [0x00]), timestamp: 6)
        #expect(next.map(\.bytes) == [deltaVP8] && next.map(\.isKeyframe) == [false] && next[0].format == nil)
        // A key frame whose size cannot be read is none.
        #expect(depacketizer.take(all: [[0x10] + keyVP8[..<8]], timestamp: 7).map(\.isKeyframe) == [false])
    }

    @Test func layersOfVP9ArePutTogether() throws {
        var depacketizer = FrameDepacketizer(VP9Picture())
        // Flexible mode; the base layer's packet tells of two layers of 640x360 and 1280x720.
        let structure: [UInt8] = [0x30, 2, 0x80, 1, 0x68, 5, 0, 2, 0xD0]
        let base = pieces(keyVP9, first: [0xBA, 0x81, 0x02, 0x00] + structure, other: [0xB0, 0x81, 0x02, 0x00])
        let upper = pieces(deltaVP9, first: [0xB8, 0x81, 0x02, 0x03], other: [0xB4, 0x81, 0x02, 0x03])
        let frames = depacketizer.take(all: base + upper, timestamp: 5)
        let size = PictureFormat(size: PictureSize(width: 1280, height: 720))
        #expect(
            frames == [DepacketizedFrame(time: MonotonicTime(nanoseconds: 5), isKeyframe: true, bytes: keyVP9 + deltaVP9, format: size)])
        // Non-flexible mode without layers.
        let next = depacketizer.take(all: pieces(deltaVP9, first: [0xC8, 0x01], other: [0xC4, 0x01]), timestamp: 6)
        #expect(next.map(\.bytes) == [deltaVP9] && next.map(\.isKeyframe) == [false])
        let alone = depacketizer.take(all: pieces(keyVP9, first: [0x08], other: [0x04]), timestamp: 7)
        #expect(alone.map(\.isKeyframe) == [true] && alone[0].format?.size == PictureSize(width: 640, height: 360))
    }

    @Test func aPictureThatLacksAPacketIsDroppedAndTheNextIsNot() {
        let plain = pieces(keyVP8, first: [0x10], other: [0x00])
        for lost in plain.indices.dropLast() {
            var depacketizer = FrameDepacketizer(VP8Picture())
            #expect(depacketizer.take(all: plain, timestamp: 1, lost: lost) == [], "without packet \(lost)")
            #expect(depacketizer.take(all: plain, timestamp: 2).count == 1)
        }
        let packets = pieces(keyVP9, first: [0x08], other: [0x04])
        for lost in packets.indices.dropLast() {
            var depacketizer = FrameDepacketizer(VP9Picture())
            #expect(depacketizer.take(all: packets, timestamp: 1, lost: lost) == [], "without packet \(lost)")
            #expect(depacketizer.take(all: packets, timestamp: 2).count == 1)
        }
    }

    @Test func afterALossAnUpperLayerIsNoBeginning() throws {
        var depacketizer = FrameDepacketizer(VP9Picture())
        let upper = [0xB8, 0x81, 0x02, 0x03] + deltaVP9
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take(upper, timestamp: 1, marker: true, isAfterGap: true) }
        #expect(try depacketizer.take(upper, timestamp: 2, marker: true).map(\.bytes) == [deltaVP9])
    }

    @Test(
        arguments: [
            ("a descriptor alone", [0x10]), ("an extension that is cut", [0x90, 0x80]), ("a picture id that is cut", [0x90, 0x80, 0x81]),
            ("layers that are cut", [0x90, 0x70, 1]),
        ] as [(String, [UInt8])])
    func malformedPacketsOfVP8CostTheirPicture(what: String, payload: [UInt8]) throws {
        var depacketizer = FrameDepacketizer(VP8Picture())
        #expect(throws: DepacketizerFailure.malformed) { try depacketizer.take(payload, timestamp: 1) }
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take([0x10] + deltaVP8, timestamp: 1, marker: true) }
        #expect(try depacketizer.take([0x10] + deltaVP8, timestamp: 2, marker: true).count == 1)
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take([0x00] + deltaVP8, timestamp: 3) }
    }

    @Test(
        arguments: [
            ("a descriptor alone", [0x08]), ("a picture id that is cut", [0x88, 0x81]), ("layers that are cut", [0x28]),
            ("four references", [0x58, 0x03, 0x03, 0x03, 0x82]), ("a structure that is cut", [0x0A, 0x18]),
        ] as [(String, [UInt8])])
    func malformedPacketsOfVP9CostTheirPicture(what: String, payload: [UInt8]) throws {
        var depacketizer = FrameDepacketizer(VP9Picture())
        #expect(throws: DepacketizerFailure.malformed) { try depacketizer.take(payload, timestamp: 1) }
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take([0x48] + deltaVP9, timestamp: 1, marker: true) }
        #expect(try depacketizer.take([0x48] + deltaVP9, timestamp: 2, marker: true).count == 1)
        #expect(throws: DepacketizerFailure.incomplete) { try depacketizer.take([0x44] + deltaVP9, timestamp: 3) }
    }

    @Test func randomPacketsNeverTrap() {
        var random = SeededRandom(seed: 13)
        var (vp8, vp9) = (FrameDepacketizer(VP8Picture()), FrameDepacketizer(VP9Picture()))
        for round in 0..<20_000 {
            let payload = random.bytes(upTo: 40)
            let (timestamp, marker, isAfterGap) = (UInt32(round / 3), round % 3 == 2, round % 7 == 0)
            let frames = (try? vp8.take(payload, timestamp: timestamp, marker: marker, isAfterGap: isAfterGap)) ?? []
            let others = (try? vp9.take(payload, timestamp: timestamp, marker: marker, isAfterGap: isAfterGap)) ?? []
            for frame in frames + others { #expect(!frame.bytes.isEmpty) }
        }
    }
}
