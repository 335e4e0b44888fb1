import BridgeModel
import Testing

@Suite struct JSONTextTests {
    @Test func documentsAreWrittenInOrderAndEscaped() {
        let document = JSONText.object([
            .init("b", .string("q\"\\\n\r\t\u{1}/ü")), .init("a", .array([.null, .bool(true), .integer(-1), .number(1.5), .number(.nan)])),
            .init("c", .object([])),
        ])
        #expect(document.text == "{\"b\":\"q\\\"\\\\\\n\\r\\t\\u0001/ü\",\"a\":[null,true,-1,1.5,null],\"c\":{}}")
    }

    @Test func valuesAreWrittenWithSortedMembers() {
        let value: JSONValue = ["b": [1, nil, true], "a": ["d": "x", "c": .number(0.5)], "": [:]]
        #expect(value.text == #"{"":{},"a":{"c":0.5,"d":"x"},"b":[1,null,true]}"#)
    }

    @Test(
        arguments: [
            (0, "0"), (-0.0, "0"), (60.0, "60"), (9_007_199_254_740_992, "9007199254740992"), (-1.25, "-1.25"), (1e21, "1e+21"),
            (.leastNonzeroMagnitude, "5e-324"), (.infinity, "null"),
        ] as [(Double, String)]) func numbersAreWrittenAsJSON(_ number: Double, _ text: String)
    {
        #expect(JSONValue.number(number).text == text)
    }

    @Test func whatIsWrittenReadsAsItWas() throws {
        let value: JSONValue = [
            "text": .string(String(String.UnicodeScalarView((0..<0x300).compactMap(Unicode.Scalar.init(_:)))) + "🎥"),
            "numbers": [.number(1e308), .number(-2.5e-300), .number(0.1), 42], "empty": [nil, [:], [], ""],
        ]
        #expect(try JSONValue.read(value.text.utf8) == value)
    }
}
