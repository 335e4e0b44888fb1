import Testing

@testable import WebServerKit

@Suite struct BodyDecoderTests {
    private func decode(_ text: String, _ framing: BodyFraming = .chunked) throws -> (content: String, isDone: Bool, rest: String) {
        var decoder = BodyDecoder(framing, trailerBytes: 64)
        var input = Array(text.utf8)[...]
        let content = try decoder.decode(&input)
        return (String(decoding: content, as: UTF8.self), decoder.isDone, String(decoding: input, as: UTF8.self))
    }

    @Test func aLengthEndsWhereItSays() throws {
        #expect(try decode("abcdef", .length(4)) == ("abcd", true, "ef"))
        #expect(try decode("abc", .length(4)) == ("abc", false, ""))
        #expect(try decode("abc", .none) == ("", true, "abc"))
    }

    @Test(arguments: [
        ("3\r\nabc\r\n0\r\n\r\nrest", "abc", "rest"),
        ("3;name=value\r\nabc\r\nA\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\n", "abc0123456789", ""),
        ("3 ;x\r\nabc\r\n0\r\n\r\n", "abc", ""),
    ]) func chunksAreJoinedAndTrailersDropped(text: String, content: String, rest: String) throws {
        #expect(try decode(text) == (content, true, rest))
    }

    @Test func chunksMayComeByteByByte() throws {
        var decoder = BodyDecoder(.chunked, trailerBytes: 64)
        var content: [UInt8] = []
        var pending: [UInt8] = []
        for octet in "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nT: t\r\n\r\n".utf8 {
            #expect(!decoder.isDone)
            pending.append(octet)
            var input = pending[...]
            content += try decoder.decode(&input)
            pending = Array(input)
        }
        #expect(decoder.isDone && pending.isEmpty && content == Array("hello!".utf8))
    }

    @Test(arguments: [
        "\r\nabc", "g\r\n", "-1\r\n", "0x3\r\nabc", "3 \r\nabc", " 3\r\nabc", "3\nabc", "3\r\nabcd\r\n", "3\r\nabc\n0\r\n\r\n",
        "ffffffffffffffff\r\n", "3;\u{0}\r\nabc", "3;" + String(repeating: "x", count: 300), String(repeating: "0", count: 300),
        "0\r\nX: " + String(repeating: "y", count: 70), "0\r\nBad\u{1}\r\n\r\n",
    ]) func malformedChunksAreFaults(text: String) {
        #expect(throws: RequestFault.badRequest) { try decode(text) }
    }

    @Test func randomlyDamagedChunksNeverTrap() {
        var random = SeededGenerator(seed: 2)
        let sound = Array("5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nT: t\r\n\r\n".utf8)
        for _ in 0..<5000 {
            var decoder = BodyDecoder(.chunked, trailerBytes: 64)
            var input = random.damage(sound)[...]
            if let content = try? decoder.decode(&input) { #expect(content.count <= sound.count + 4) }
        }
    }
}
