import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Testing

func request(
    _ method: HTTPRequest.Method = .get, _ path: String, fields: HTTPFields = [:], authority: String? = "bridge.example",
    isSecure: Bool = false
) -> APIRequest {
    let head = HTTPRequest(method: method, scheme: "http", authority: authority, path: path, headerFields: fields)
    return APIRequest(head: head, remoteAddress: "127.0.0.1", isSecure: isSecure, requestID: "r-1") { _ throws(APIBodyError) in [] }
}

@Suite struct RequestTargetTests {
    @Test(
        arguments: [
            ("/", []), ("/a", ["a"]), ("/a/", ["a"]), ("/a/b?x=/c", ["a", "b"]), ("/a%2Fb/c", ["a/b", "c"]), ("/J%C3%B6rg", ["Jörg"]),
            ("/100%2525", ["100%25"]), ("/a+b", ["a+b"]), ("/?", []),
        ] as [(String, [String])]) func segmentsAreDecodedOnce(_ path: String, _ expected: [String])
    {
        #expect(request(.get, path).segments == expected)
    }

    @Test(arguments: ["/%", "/%2", "/%zz", "/%ff", "/a/%C3", "/%00", "/..", "/a/../b", "/%2e%2e/x", "/.", "//", "/a//b", "", "x", "*"])
    func whatIsNoPathHasNoSegments(_ path: String) {
        #expect(request(.get, path).segments == nil)
    }

    @Test func queryMembersAreDecodedAndTheLastOfANameCounts() {
        let query = request(.get, "/x?a=1&b=two+words&c=%26%3D&a=3&d&=e&%ff=1&g=%ff").query
        #expect(query["a"] == "3" && query["b"] == "two words" && query["c"] == "&=" && query["d"] == "")
        #expect(query["g"] == nil && query["z"] == nil)
    }

    @Test func encodingIsTheReverseOfDecoding() {
        let text = "a b/ü%~"
        let encoded = PercentEncoding.encode(text, where: PercentEncoding.isUnreserved)
        #expect(encoded == "a%20b%2F%C3%BC%25~")
        #expect(PercentEncoding.decode(encoded[...]) == text)
    }

    @Test(
        arguments: [
            (nil, BearerToken.missing), ("", .missing), ("Basic eA==", .missing), ("Bearer", .malformed), ("Bearer ", .malformed),
            ("Bearer a b", .malformed), ("Bearer ä", .malformed), ("bearer a.b-c_d", .token(Redacted("a.b-c_d"))),
            ("BEARER  x", .token(Redacted("x"))),
        ] as [(String?, BearerToken)]) func bearerTokensAreRead(_ field: String?, _ expected: BearerToken)
    {
        #expect(BearerToken(field) == expected)
    }

    @Test func aSocketsTokenMustBeTheSameInBothPlaces() throws {
        let both: HTTPFields = [.authorization: "Bearer abc"]
        #expect(try SocketToken.read(request(.get, "/io?auth_token=abc", fields: both)).revealed == "abc")
        #expect(try SocketToken.read(request(.get, "/io", fields: both)).revealed == "abc")
        #expect(throws: AccessError.invalid) { try SocketToken.read(request(.get, "/io?auth_token=other", fields: both)) }
        #expect(throws: AccessError.missing) { try SocketToken.read(request(.get, "/io?auth_token=")) }
        #expect(throws: AccessError.missing) { try SocketToken.read(request(.get, "/io")) }
    }

    @Test func originsComeFromTheConfigurationOrTheRequest() {
        let plain = request(.get, "/", authority: "127.0.0.1:8080")
        #expect(PublicOrigin(base: "", request: plain)?.webSocket == "ws://127.0.0.1:8080")
        #expect(PublicOrigin(base: "", request: request(.get, "/", isSecure: true))?.webSocket == "wss://bridge.example")
        #expect(PublicOrigin(base: "https://public.example/", request: plain)?.webSocket == "wss://public.example")
        for host in ["", "a/b", "a b", "a@b", "a\"b", nil] {
            #expect(PublicOrigin(base: "", request: request(.get, "/", authority: host)) == nil)
        }
    }
}

@Suite struct JSONTests {
    private func object(_ text: String) throws(JSONBodyError) -> JSONValue { try JSONBody.object(Array(text.utf8)) }

    @Test func objectsAreReadWhateverStandsBeforeAndTwice() throws {
        #expect(try object("{}") == [:])
        #expect(try object("\u{FEFF}{\"a\":1}") == ["a": 1])
        #expect(try object("{\"a\":1,\"b\":null,\"a\":\"last\"}")["a"] == "last")
        #expect(try object(" {\"n\":60.0}\n")["n"]?.integer == 60)
        #expect(try object("{\"s\":\"[[[[\\\"\"}")["s"] == "[[[[\"")
    }

    @Test(arguments: [
        "", " ", "{", "}", "{\"a\"}", "{'a':1}", "{\"a\":1}x", "nul", "{\"a\":01}", "{\"a\":\"\u{1}\"}", "{\"a\":\"\\ud800\"}", "a=b",
        "\u{0}",
    ])
    func otherTextIsMalformed(_ text: String) {
        #expect(throws: JSONBodyError.malformed) { try object(text) }
    }

    @Test(arguments: ["[]", "[1]", "1", "\"x\"", "null", "true"]) func otherValuesAreNoObject(_ text: String) {
        #expect(throws: JSONBodyError.notAnObject) { try object(text) }
    }

    @Test func bytesThatAreNoTextAreMalformed() {
        #expect(throws: JSONBodyError.malformed) { try JSONBody.object([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]) }
    }

    @Test func deepNestingIsRefusedBeforeItIsRead() throws {
        let deep = { (levels: Int) in String(repeating: "{\"a\":", count: levels) + "1" + String(repeating: "}", count: levels) }
        _ = try object(deep(32))
        #expect(throws: JSONBodyError.malformed) { try object(deep(33)) }
        #expect(throws: JSONBodyError.malformed) { try object(String(repeating: "[", count: 60_000)) }
    }
}

@Suite struct PageRequestTests {
    @Test func limitsHaveADefault() throws {
        #expect(try PageRequest(QueryParameters("")).limit == 100)
        let page = try PageRequest(QueryParameters("limit=7&after=x"))
        #expect(page.limit == 7 && page.after == "x")
    }

    @Test(arguments: ["0", "-1", "1001", "", "x", "1e2", "+5", "99999999999999999999"]) func otherLimitsAreRefused(_ text: String) {
        #expect(throws: Problem.self) { try PageRequest(QueryParameters("limit=\(text)")) }
    }
}
