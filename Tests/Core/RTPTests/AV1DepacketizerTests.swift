import BridgeModel
import RTP
import Testing

/// An OBU as encoders give it: type, whether it brings its size, content.
private struct Unit {
    var type: UInt8
    var hasSize = false
    var layer: UInt8?
    var content: [UInt8]

    var bytes: [UInt8] {
        let header = type << 3 | (layer == nil ? 0 : 0x04) | (hasSize ? 0x02 : 0)
        return [header] + (layer.map { [$0 << 3] } ?? []) + (hasSize ? length(content.count) : []) + content
    }

    /// As a file has it.
    var stored: [UInt8] { Unit(type: type, hasSize: true, layer: layer, content: content).bytes }
}

/// LEB128.
private func length(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + length(value >> 7)
}

/// The sequence header of a 640x360 picture of 8 bits.
private let sequenceHeader = Unit(type: 1, content: [0x00, 0x00, 0x00, 0x0C, 0xC4, 0xFF, 0x67, 0x36, 0xBE, 0x40, 0x10])
private let delimiter = Unit(type: 2, content: [])

private func frame(key: Bool, layer: UInt8? = nil, size: Int) -> Unit {
    Unit(type: 6, layer: layer, content: [key ? 0x10 : 0x30] + (1..<size).map { UInt8($0 % 251) })
}

/// Payloads of `limit` bytes at most, each with one element (section 4.4: W is 1).
private func packets(_ units: [Unit], limit: Int) -> [[UInt8]] {
    units.flatMap { unit -> [[UInt8]] in
        let pieces = stride(from: 0, to: unit.bytes.count, by: limit).map { Array(unit.bytes[$0...].prefix(limit)) }
        return pieces.enumerated().map { index, piece in
            [(index > 0 ? 0x80 : 0) | (index < pieces.count - 1 ? 0x40 : 0) | 0x10] + piece
        }
    }
}

extension AV1Depacketizer {
    fileprivate mutating func take(
        _ payload: [UInt8], timestamp: UInt32 = 1, marker: Bool = false, isAfterGap: Bool = false
    ) throws -> [TemporalUnit] {
        try payload.withUnsafeBytes {
            try take(
                $0, timestamp: timestamp, time: MonotonicTime(nanoseconds: UInt64(timestamp)), marker: marker, isAfterGap: isAfterGap)
        }
    }

    /// The packets of one unit, the last with the marker.
    fileprivate mutating func take(all packets: [[UInt8]], timestamp: UInt32 = 1, lost: Int? = nil) throws -> [TemporalUnit] {
        var units: [TemporalUnit] = []
        for (index, packet) in packets.enumerated() where index != lost {
            let isAfterGap = lost.map { index == $0 + 1 } ?? false
            units += try take(packet, timestamp: timestamp, marker: index == packets.count - 1, isAfterGap: isAfterGap)
        }
        return units
    }
}

@Suite struct AV1DepacketizerTests {
    private let keyUnit = [delimiter, sequenceHeader, frame(key: true, size: 900)]

    @Test(arguments: [2, 7, 100, 2000])
    func unitsArePutTogetherWithSizesAndWithoutDelimiters(limit: Int) throws {
        var depacketizer = AV1Depacketizer()
        let units = try depacketizer.take(all: packets(keyUnit, limit: limit))
        #expect(units.map(\.bytes) == [sequenceHeader.stored + keyUnit[2].stored])
        #expect(units.map(\.isKeyframe) == [true] && units.map(\.time.nanoseconds) == [1])
        #expect(units.map(\.sequenceHeader) == [sequenceHeader.stored])
    }

    @Test func severalElementsInAPacketAreTakenApart() throws {
        var depacketizer = AV1Depacketizer()
        let (header, picture) = (Unit(type: 1, hasSize: true, content: sequenceHeader.content), frame(key: true, size: 300))
        let counted = [0x28] + length(header.bytes.count) + header.bytes + picture.bytes
        let listed = [0x00] + length(header.bytes.count) + header.bytes + length(picture.bytes.count) + picture.bytes
        for (timestamp, packet) in [(UInt32(1), counted), (2, listed)] {
            let units = try depacketizer.take(packet, timestamp: timestamp, marker: true)
            #expect(units.map(\.bytes) == [header.bytes + picture.stored])
            #expect(units.map(\.time.nanoseconds) == [UInt64(timestamp)])
        }
    }

    @Test func allLayersAreKept() throws {
        var depacketizer = AV1Depacketizer()
        let layers = [frame(key: true, layer: 0, size: 50), frame(key: false, layer: 1, size: 500)]
        let units = try depacketizer.take(all: packets([sequenceHeader] + layers, limit: 100))
        #expect(units.map(\.bytes) == [sequenceHeader.stored + layers[0].stored + layers[1].stored] && units[0].isKeyframe)
    }

    @Test func onlyAShownKeyFrameWithItsSequenceHeaderIsAKeyframe() throws {
        var depacketizer = AV1Depacketizer()
        let hidden = Unit(type: 6, content: [0x00, 1])
        let rows: [([Unit], Bool)] = [
            ([sequenceHeader, frame(key: true, size: 9)], true), ([frame(key: true, size: 9)], false),
            ([sequenceHeader, frame(key: false, size: 9)], false), ([sequenceHeader, hidden], false), ([sequenceHeader], false),
            ([sequenceHeader, Unit(type: 3, content: [0x10]), Unit(type: 4, content: [1])], true),
        ]
        for (index, row) in rows.enumerated() {
            let units = try depacketizer.take(all: packets(row.0, limit: 100), timestamp: UInt32(index))
            #expect(units.map(\.isKeyframe) == [row.1], "row \(index)")
        }
    }

    @Test func aUnitWithoutMarkerEndsWhereTheNextBegins() throws {
        var depacketizer = AV1Depacketizer()
        let unit = frame(key: false, size: 20)
        #expect(try depacketizer.take([0x10] + unit.bytes, timestamp: 1) == [])
        #expect(try depacketizer.take([], timestamp: 2) == [])
        let units = try depacketizer.take([0x10] + unit.bytes, timestamp: 3, marker: true)
        #expect(units.map(\.time.nanoseconds) == [1, 3])
    }

    @Test func aUnitThatLacksAPacketIsDroppedAndTheNextIsNot() throws {
        let whole = packets(keyUnit, limit: 100)
        for lost in whole.indices.dropFirst(2).dropLast() {
            var depacketizer = AV1Depacketizer()
            #expect(try depacketizer.take(all: whole, timestamp: 1, lost: lost) == [], "without packet \(lost)")
            #expect(try depacketizer.take(all: whole, timestamp: 2).count == 1)
        }
        // The end of one unit and the beginning of the next are missing: neither can be shown.
        var depacketizer = AV1Depacketizer()
        for packet in whole.dropLast() { #expect(try depacketizer.take(packet, timestamp: 1) == []) }
        #expect(try depacketizer.take(whole[4], timestamp: 2, isAfterGap: true) == [])
        #expect(try depacketizer.take(whole[whole.count - 1], timestamp: 2, marker: true) == [])
    }

    @Test(
        arguments: [
            ("header alone", [0x10]), ("a sequence that begins in the middle", [0x98, 1]), ("a length past the end", [0x20, 9, 0x30, 1]),
            ("a length that never ends", [0x00, 0x80, 0x80, 0x80, 0x80, 1]), ("fewer elements than counted", [0x30, 1, 0x30]),
            ("an empty element", [0x00, 0]), ("the forbidden bit", [0x10, 0xB0, 1]),
            ("an extension that is missing", [0x10, 0x34]), ("an OBU longer than its element", [0x10, 0x32, 9, 1]),
            ("an OBU whose length is cut", [0x10, 0x32, 0x80]),
        ] as [(String, [UInt8])])
    func malformedPacketsAreNamedAndCostTheirUnit(what: String, payload: [UInt8]) throws {
        var depacketizer = AV1Depacketizer()
        #expect(throws: AV1Depacketizer.Failure.malformed) { try depacketizer.take(payload, timestamp: 1) }
        #expect(try depacketizer.take([0x10] + frame(key: false, size: 9).bytes, timestamp: 1, marker: true) == [])
        #expect(try depacketizer.take([0x10] + frame(key: false, size: 9).bytes, timestamp: 2, marker: true).count == 1)
    }

    @Test func unitsWithoutEndAreGivenUp() throws {
        var depacketizer = AV1Depacketizer()
        let piece = [UInt8](repeating: 0x30, count: 1 << 20)
        var failure: AV1Depacketizer.Failure?
        for index in 0..<20 where failure == nil {
            do {
                _ = try depacketizer.take([index == 0 ? 0x50 : 0xD0] + piece)
            } catch {
                failure = error as? AV1Depacketizer.Failure
            }
        }
        #expect(failure == .tooLarge)
    }

    @Test func randomPacketsNeverTrap() {
        var random = SeededRandom(seed: 7)
        var depacketizer = AV1Depacketizer()
        for round in 0..<20_000 {
            let payload = random.bytes(upTo: 40)
            let units = try? depacketizer.take(
                payload, timestamp: UInt32(round / 3), marker: round % 3 == 2, isAfterGap: round % 7 == 0)
            for unit in units ?? [] { #expect(!unit.bytes.isEmpty) }
        }
    }

    @Test(
        arguments: [
            ("0a0b0000000cc4ff6736be4010", [0x81, 0x01, 0x0C, 0x00]), ("0a0b00000042abbfc3732be501", [0x81, 0x08, 0x4C, 0x00]),
            ("0a0a200000043d07c4daf902", [0x81, 0x20, 0x00, 0x00]),
        ] as [(String, [UInt8])])
    func aSequenceHeaderMakesTheRecordOfItsTrack(hex: String, expected: [UInt8]) throws {
        let unit = hexBytes(hex)
        let header = try #require(unit.withUnsafeBytes { AV1SequenceHeader(reading: $0) })
        #expect(header.configurationRecord(with: unit) == expected + unit)
    }
}
