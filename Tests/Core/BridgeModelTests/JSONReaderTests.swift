import BridgeModel
import Testing

@Suite struct JSONReaderTests {
    private func read(_ text: String) throws(JSONValue.ReadError) -> JSONValue { try JSONValue.read(text.utf8) }

    @Test(
        arguments: [
            ("null", JSONValue.null), (" true ", true), ("false", false), ("0", 0), ("-0", 0), ("60.0", 60), ("-1.5e+3", -1500),
            ("1E2", 100),
            ("\"\"", ""), (#""\"\\\/\b\f\n\r\t\u00e9\uD83C\uDFA5""#, "\"\\/\u{8}\u{C}\n\r\té🎥"), ("\"é🎥\u{7F}\"", "é🎥\u{7F}"), ("[]", []),
            ("[ 1 , [2] ]", [1, [2]]),
            ("{}", [:]), (" {\"a\" : {\"b\":[null]} } ", ["a": ["b": [nil]]]), ("\u{FEFF}{}", [:]),
            ("{\"a\":1,\"b\":2,\"a\":3}", ["a": 3, "b": 2]),
        ] as [(String, JSONValue)])
    func documentsAreRead(_ text: String, _ expected: JSONValue) throws {
        #expect(try read(text) == expected)
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "+1", "01", "-", ".5", "1.", "1e", "1e+", "0x1", "1e999", "NaN", "\"", "\"\\\"", "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"",
        "\"\\u+123\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\n\"", "\"\u{0}\"", "[", "[1", "[1,", "[1,]",
        "[,1]", "[1 2]", "]", "{", "{\"a\"",
        "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{}{}", "1 2", "'a'", "// c\n1", "\u{FEFF}\u{FEFF}1", "\u{A0}1",
    ]) func otherTextIsMalformed(_ text: String) {
        #expect(throws: JSONValue.ReadError.malformed) { try read(text) }
    }

    @Test(arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xEF, 0xBB]] as [[UInt8]])
    func bytesThatAreNoTextAreMalformed(_ bytes: [UInt8]) {
        #expect(throws: JSONValue.ReadError.malformed) { try JSONValue.read(bytes) }
    }

    @Test func nestingIsBounded() throws {
        let limit = JSONValue.depthLimit
        _ = try read(String(repeating: "[", count: limit) + String(repeating: "]", count: limit))
        #expect(throws: JSONValue.ReadError.tooDeep) { try read(String(repeating: "[", count: limit + 2)) }
        #expect(throws: JSONValue.ReadError.tooDeep) { try read(String(repeating: "{\"a\":", count: 100_000)) }
    }

    @Test func everyPrefixOfADocumentIsReadOrRefused() throws {
        let text = Array(#"{"a":[1,-2.5e3,"\u00e9\ud83c\udfa5",true,null],"b":{"c":"x"}}"#.utf8)
        for length in 0..<text.count { #expect(throws: JSONValue.ReadError.self) { try JSONValue.read(text[..<length]) } }
        _ = try JSONValue.read(text)
    }
}
