import Testing

@testable import WebServerKit

/// Builds frames bit by bit, right and wrong ones.
enum Frame {
    static let mask: UInt32 = 0x1234_5678

    /// A masked frame, as a client sends it.
    static func masked(_ opcode: UInt8, _ payload: [UInt8] = [], final: Bool = true, reserved: UInt8 = 0) -> [UInt8] {
        var frame: [UInt8] = [(final ? 0x80 : 0) | reserved | opcode]
        frame += lengthBytes(payload.count, maskBit: 0x80)
        frame += [0x12, 0x34, 0x56, 0x78]
        for (index, octet) in payload.enumerated() { frame.append(octet ^ WebSocketMask.octet(of: mask, at: index)) }
        return frame
    }

    static func text(_ text: String, final: Bool = true) -> [UInt8] { masked(1, Array(text.utf8), final: final) }

    static func close(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] { masked(8, [UInt8(code >> 8), UInt8(code & 0xFF)] + reason) }

    private static func lengthBytes(_ count: Int, maskBit: UInt8) -> [UInt8] {
        switch count {
        case 0...125: [maskBit | UInt8(count)]
        case 126...0xFFFF: [maskBit | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
        default: [maskBit | 127, 0, 0, 0, 0] + (0..<4).reversed().map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        }
    }

    /// Frames that end a connection, with the code that they end it with. The limit for messages is 1000 bytes.
    static let malformed: [(name: String, bytes: [UInt8], code: UInt16)] = [
        ("unmasked", [0x81, 0x01, 0x61], 1002),
        ("first reserved bit", masked(1, [0x61], reserved: 0x40), 1002),
        ("second reserved bit", masked(1, [0x61], reserved: 0x20), 1002),
        ("third reserved bit", masked(1, [0x61], reserved: 0x10), 1002),
        ("reserved data opcode", masked(3, [0x61]), 1002),
        ("reserved control opcode", masked(0xB), 1002),
        ("continuation without start", masked(0, [0x61]), 1002),
        ("start inside a message", masked(1, [0x61], final: false) + masked(1, [0x62]), 1002),
        ("fragmented ping", masked(9, [0x61], final: false), 1002),
        ("ping of 126 bytes", masked(9, [UInt8](repeating: 0x61, count: 126)), 1002),
        ("close of one byte", masked(8, [3]), 1002),
        ("close code 999", close(999), 1002),
        ("close code 1004", close(1004), 1002),
        ("close code 1005", close(1005), 1002),
        ("close code 1006", close(1006), 1002),
        ("close code 1015", close(1015), 1002),
        ("close code 2999", close(2999), 1002),
        ("close code 5000", close(5000), 1002),
        ("close reason that is no UTF-8", close(1000, [0xFF]), 1007),
        ("length longer than needed, 16 bits", [0x81, 0xFE, 0x00, 0x7D, 0, 0, 0, 0], 1002),
        ("length longer than needed, 64 bits", [0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0], 1002),
        ("length with its highest bit set", [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1002),
        ("length of half the address space", [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], 1009),
        ("message above the limit", masked(1, [UInt8](repeating: 0x61, count: 1001)), 1009),
        (
            "fragments above the limit",
            masked(2, [UInt8](repeating: 0, count: 900), final: false) + masked(0, [UInt8](repeating: 0, count: 101)), 1009
        ),
        ("text that is no UTF-8", masked(1, [0xC3, 0x28]), 1007),
        ("text with a surrogate", masked(1, [0xED, 0xA0, 0x80]), 1007),
        ("text cut in a character", masked(1, [0xE2, 0x82]), 1007),
        ("fragments that are no UTF-8", masked(1, [0xE2], final: false) + masked(0, [0x28]), 1007),
    ]
}

@Suite struct WebSocketFrameParserTests {
    private func parse(_ bytes: [UInt8], side: WebSocketSide = .server) throws -> [WebSocketInput] {
        var parser = WebSocketFrameParser(side: side, messageLimit: 1000)
        parser.append(bytes)
        var inputs: [WebSocketInput] = []
        while let input = try parser.next() { inputs.append(input) }
        return inputs
    }

    @Test func messagesFragmentsAndControlFramesAreTold() throws {
        let bytes =
            Frame.text("one") + Frame.text("tw", final: false) + Frame.masked(9, [7]) + Frame.masked(0, Array("o".utf8))
            + Frame.masked(2, [1, 2])
            + Frame.masked(10) + Frame.text("") + Frame.close(4000, Array("why".utf8))
        #expect(try parse(bytes) == [.text("one"), .ping([7]), .text("two"), .binary([1, 2]), .pong, .text(""), .close(4000)])
        #expect(try parse(Frame.masked(8)) == [.close(nil)])
    }

    @Test func framesMayComeByteByByte() throws {
        var parser = WebSocketFrameParser(side: .server, messageLimit: 1000)
        var inputs: [WebSocketInput] = []
        let long = String(repeating: "é", count: 200)
        for octet in Frame.text(long) + Frame.close(1000) {
            parser.append([octet])
            while let input = try parser.next() { inputs.append(input) }
        }
        #expect(inputs == [.text(long), .close(1000)])
    }

    @Test(arguments: [0, 1, 125, 126, 127, 500, 0xFFFF, 0x10000]) func bothSidesReadWhatTheOtherWrites(length: Int) throws {
        let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for (mask, side) in [(UInt32(0xDEAD_BEEF), WebSocketSide.server), (nil, .client)] as [(UInt32?, WebSocketSide)] {
            var frame: [UInt8] = []
            WebSocketFrameEncoder.append(.binary, payload, mask: mask, to: &frame)
            var parser = WebSocketFrameParser(side: side, messageLimit: 1 << 20)
            parser.append(frame)
            #expect(try parser.next() == .binary(payload))
            #expect(try parser.next() == nil)
        }
    }

    @Test(arguments: Frame.malformed) func malformedFramesAreFaults(name: String, bytes: [UInt8], code: UInt16) throws {
        let fault = #expect(throws: WebSocketFault.self, "\(name)") { try parse(bytes) }
        #expect(fault?.closeCode == code, "\(name)")
    }

    @Test func aClientRefusesMaskedFrames() {
        #expect(throws: WebSocketFault.protocolError) { try parse(Frame.text("x"), side: .client) }
    }

    @Test func randomlyDamagedFramesNeverTrap() {
        var random = SeededGenerator(seed: 3)
        let sound = Frame.text("hello", final: false) + Frame.masked(9, [1]) + Frame.masked(0, [0x21]) + Frame.close(1000)
        for _ in 0..<5000 { _ = try? parse(random.damage(sound)) }
    }

    @Test func closeReasonsAreCutBetweenCharacters() {
        let payload = WebSocketFrameEncoder.closePayload(code: 1000, reason: String(repeating: "é", count: 100))
        #expect(payload.count == 124 && String(validating: payload[2...], as: UTF8.self) != nil)
    }

    @Test func theKeyIsAnsweredAsInTheStandard() {
        #expect(WebSocketHandshake.accept(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(WebSocketHandshake.makeKey().utf8.count == 24)
    }

    @Test func tooManyFramesCloseTheOutbox() {
        var outbox = WebSocketOutbox(frameLimit: 2, byteLimit: 100)
        #expect(outbox.append(.text, [1]) == (true, true))
        #expect(outbox.append(.text, [2]) == (true, false))
        #expect(outbox.append(.text, [3]) == (false, false))
        #expect(outbox.append(.text, [4]) == (false, false))
        let last = outbox.take()
        #expect(last?.closeCode == 1013 && outbox.take() == nil)
    }

    @Test func tooManyBytesCloseTheOutbox() {
        var outbox = WebSocketOutbox(frameLimit: 100, byteLimit: 10)
        // A frame for which nothing waits is taken, however long.
        #expect(outbox.append(.text, [UInt8](repeating: 1, count: 50)) == (true, true))
        #expect(outbox.take()?.payload.count == 50)
        for _ in 0..<10 { #expect(outbox.append(.text, [1]).isAccepted) }
        _ = outbox.take()
        #expect(outbox.append(.text, [1]).isAccepted)
        #expect(!outbox.append(.text, [1]).isAccepted)
        #expect(outbox.take()?.closeCode == 1013 && outbox.take() == nil)
    }
}
