import BridgeModel
import RTP
import Testing

@Suite struct HeaderExtensionTests {
    private static let map = ExtensionMap([
        .mid: 4, .streamID: 10, .repairedStreamID: 11, .absoluteSendTime: 2, .transportSequence: 3, .audioLevel: 1,
        .videoOrientation: 13, .absoluteCaptureTime: 8,
    ])

    private func elements(_ bytes: [UInt8]) -> [String]? {
        withPacket(bytes) { packet in
            HeaderExtensionElements(packet).map { "\($0.identifier):" + $0.value.map { String($0) }.joined(separator: ",") }
        }
    }

    private func values(_ content: [UInt8], profile: UInt16 = 0xBEDE, map: ExtensionMap = Self.map) -> ExtensionValues? {
        withPacket(packet(profile: profile, extension: content)) { ExtensionValues($0, map: map) }
    }

    @Test func aiortcsBlocksAreRead() throws {
        for (expected, profile, content) in AiortcVectors.extensions {
            let bytes = packet(profile: profile, extension: hexBytes(content))
            let texts = expected.map { "\($0.0):" + hexBytes($0.1).map { String($0) }.joined(separator: ",") }
            #expect(elements(bytes) == texts)
        }
    }

    @Test func aiortcsBlocksAreWritten() throws {
        for (elements, profile, content) in AiortcVectors.extensions {
            let form = try #require(HeaderExtensionElements.Form(profile: profile))
            var block = [UInt8](repeating: 0xEE, count: 100)
            let size = block.withUnsafeMutableBytes { buffer in
                var writer = ExtensionWriter(buffer, form: form)
                for (identifier, value) in elements {
                    let offset = hexBytes(value).withUnsafeBytes { writer.append(identifier, $0) }
                    #expect(offset != nil)
                }
                return writer.finish()
            }
            #expect(Array(block[4..<size]) == hexBytes(content))
            #expect(UInt16(block[0]) << 8 | UInt16(block[1]) == profile)
            #expect(Int(block[2]) << 8 | Int(block[3]) == size / 4 - 1)
        }
    }

    @Test func everyKindIsReadFromOnePacket() throws {
        let content: [UInt8] =
            [0x22, 0xAB, 0xCD, 0xEF] + [0x31, 0x12, 0x34] + [0x10, 0x85] + [0xD0, 0x03]
            + [0x87, 1, 2, 3, 4, 5, 6, 7, 8] + [0x40, 0x30] + [0xA3, 0x68, 0x69, 0x67, 0x68] + [0xB0, 0x6C]
        var expected = ExtensionValues()
        expected.absoluteSendTime = 0xABCDEF
        expected.transportSequence = 0x1234
        expected.audioLevel = ExtensionValues.AudioLevel(level: 5, hasVoice: true)
        expected.videoOrientation = 3
        expected.captureTime = ExtensionValues.CaptureTime(ntp: 0x0102_0304_0506_0708)
        #expect(values(content) == expected)
        let identity = withPacket(packet(profile: 0xBEDE, extension: content)) { ExtensionIdentity($0, map: Self.map) }
        #expect(
            identity == ExtensionIdentity(mid: ExtensionToken("0"), rid: ExtensionToken("high"), repairedRID: ExtensionToken("l")))
    }

    @Test func aCaptureTimeMayCarryAClockOffset() {
        let long: [UInt8] = [0x8F] + [0, 0, 0, 1, 0, 0, 0, 0] + [0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 0]
        #expect(values(long)?.captureTime == ExtensionValues.CaptureTime(ntp: 1 << 32, clockOffset: -1 << 31))
    }

    @Test func identifiersAboveFourteenAreReadInTheTwoByteForm() {
        let map = ExtensionMap([.transportSequence: 200, .mid: 16])
        #expect(values([200, 2, 0, 7], profile: 0x1000, map: map)?.transportSequence == 7)
        #expect(values([200, 2, 0, 7], profile: 0x100F, map: map)?.transportSequence == 7)
    }

    @Test func aMapRefusesContradictionsAndReservedIdentifiers() {
        var map = ExtensionMap()
        #expect(map.isEmpty)
        // A kind has one identifier, an identifier one kind; 0 and 15 are nobody's.
        let pairs: [(HeaderExtensionKind, UInt8)] = [
            (.mid, 1), (.mid, 2), (.streamID, 1), (.streamID, 0), (.streamID, 15), (.streamID, 255),
        ]
        #expect(pairs.map { map.insert($0, $1) } == [true, false, false, false, false, true])
        #expect(map.kind(of: 255) == .streamID && map[.streamID] == 255)
        #expect(map.kind(of: 15) == nil && map.kind(of: 0) == nil && map[.audioLevel] == nil)
        #expect(map.needsTwoByteForm)
    }

    @Test func tokensCompareByTheirText() {
        #expect(ExtensionToken("high") == ([0x68, 0x69, 0x67, 0x68] as [UInt8]).withUnsafeBytes { ExtensionToken($0) })
        #expect(ExtensionToken("a")?.description == "a")
        #expect(ExtensionToken("") == nil && ExtensionToken("12345678901234567") == nil)
        #expect(ExtensionToken("1234567890123456")?.description == "1234567890123456")
    }

    struct Row: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var bytes: [UInt8]
        var elements: [String]

        init(_ what: String, _ profile: UInt16, _ content: [UInt8], _ elements: [String]) {
            testDescription = what
            bytes = packet(profile: profile, extension: content)
            self.elements = elements
        }
    }

    static let malformed = [
        Row("another profile", 0x1010, [0x10, 1, 0, 0], []),
        Row("no content", 0xBEDE, [], []),
        Row("padding alone", 0xBEDE, [0, 0, 0, 0], []),
        Row("padding before, between and behind", 0xBEDE, [0, 0x10, 1, 0, 0, 0x20, 2, 0], ["1:1", "2:2"]),
        Row("a value over the end", 0xBEDE, [0x10, 1, 0x2F, 2], ["1:1"]),
        Row("a header at the end", 0xBEDE, [0x12, 1, 2, 3, 0, 0, 0, 0x20], ["1:1,2,3"]),
        Row("identifier 15 ends it", 0xBEDE, [0x10, 1, 0xF0, 2, 0x20, 3], ["1:1"]),
        Row("identifier 0 with a length ends it", 0xBEDE, [0x10, 1, 0x03, 2, 0x20, 3], ["1:1"]),
        Row("two bytes: a value over the end", 0x1000, [1, 1, 1, 2, 200, 2], ["1:1"]),
        Row("two bytes: an identifier at the end", 0x1000, [1, 1, 1, 2], ["1:1"]),
        Row("two bytes: empty values", 0x1000, [1, 0, 2, 0, 0, 3, 1, 9], ["1:", "2:", "3:9"]),
    ]

    @Test(arguments: malformed) func whatDoesNotFitEndsTheElements(row: Row) {
        #expect(elements(row.bytes) == row.elements)
    }

    @Test func valuesOfAWrongSizeAreAsIfTheyWereNotThere() {
        // Send time of two bytes, sequence of one, capture time of nine.
        let content: [UInt8] = [0x21, 1, 2] + [0x30, 1] + [0x88, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        #expect(values(content) == ExtensionValues())
    }

    @Test func randomContentNeverTraps() {
        var random = SeededRandom(seed: 11)
        var found = 0
        for round in 0..<20_000 {
            let bytes = packet(profile: round % 2 == 0 ? 0xBEDE : 0x1000, extension: random.bytes(upTo: 40))
            found += elements(bytes)?.count ?? 0
            _ = withPacket(bytes) { ExtensionValues($0, map: Self.map) }
        }
        #expect(found > 10_000, "the test must reach the elements")
    }
}
