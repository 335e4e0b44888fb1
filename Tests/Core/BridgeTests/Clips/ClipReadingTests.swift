import Bridge
import BridgeModel
import Playback
import Testing

@Suite struct ClipReadingTests {
    private static let plain: [String: JSONValue] = ["stream": "gate 3", "from": 1_700_000_000_000, "to": "2023-11-14T22:13:25Z"]

    private func order(_ changes: [String: JSONValue]) throws -> ClipOrder {
        try ClipOrder(reading: .object(Self.plain.merging(changes) { $1 }))
    }

    @Test func anOrderIsRead() throws {
        let order = try order(["title": "Gate", "tags": ["b", "a", "b"]])
        #expect(order.stream == StreamID("gate 3") && order.range.length == .seconds(5))
        #expect(order.title == "Gate" && order.tags == ["a", "b"])
        #expect(try self.order(["title": nil, "tags": nil]).tags.isEmpty)
        #expect(try self.order(["to": 1_700_003_600_000]).range.length == .seconds(3600))
    }

    @Test(
        arguments: [
            (["stream": nil], "stream", true), (["from": nil], "from", true), (["to": nil], "to", true), (["stream": ""], "stream", false),
            (["stream": 5], "stream", false), (["stream": "a\u{0}"], "stream", false), (["stream": "a\u{2028}b"], "stream", false),
            (["stream": .string(String(repeating: "x", count: 129))], "stream", false),
            (["stream": .string("a" + String(repeating: "\u{301}", count: 64))], "stream", false),
            (["from": true], "from", false), (["from": []], "from", false), (["from": ""], "from", false), (["from": "x"], "from", false),
            (["from": -1], "from", false), (["from": .number(0.5)], "from", false), (["from": .number(1e300)], "from", false),
            (["from": .number(.infinity)], "from", false), (["from": .number(.nan)], "from", false),
            (["from": 9_223_372_036_854_774_784], "from", false), (["from": "253402300800000"], "from", false),
            (["to": "2023-11-14T22:13:20Z"], "to", false), (["to": "2023-11-14T22:13:19Z"], "to", false),
            (["to": 1_700_003_600_001], "to", false), (["to": "2199-12-31T23:59:59Z"], "to", false),
            (["to": "2200-01-01T00:00:00Z"], "to", false), (["title": 5], "title", false), (["title": "a\nb"], "title", false),
            (["title": .string(String(repeating: "x", count: 201))], "title", false),
            (["title": .string("a" + String(repeating: "\u{301}", count: 100))], "title", false), (["tags": "a"], "tags", false),
            (["tags": [""]], "tags", false), (["tags": [5]], "tags", false), (["tags": [nil]], "tags", false),
            (["tags": ["\u{7F}"]], "tags", false), (["tags": [.string(String(repeating: "x", count: 65))]], "tags", false),
            (["tags": .array((0..<33).map { .string("\($0)") })], "tags", false),
        ] as [([String: JSONValue], String, Bool)])
    func malformedOrdersNameTheirMember(changes: [String: JSONValue], field: String, isMissing: Bool) throws {
        let fault = try #require(throws: FieldFault.self) { _ = try order(changes) }
        #expect(fault.field == field && fault.isMissing == isMissing && !fault.rule.isEmpty)
    }

    @Test(arguments: [JSONValue.null, [], "cam", 5, [:]])
    func whatIsNoOrderHasNoStream(value: JSONValue) {
        #expect(throws: FieldFault.missing("stream")) { try ClipOrder(reading: value) }
    }

    @Test(
        arguments: [("x", nil, "from"), (nil, "x", "to"), ("", nil, "from"), ("-1", nil, "from"), ("1", "1e3", "to")]
            as [(String?, String?, String)])
    func malformedQueriesNameTheirMember(from: String?, to: String?, field: String) throws {
        let fault = try #require(throws: FieldFault.self) {
            _ = try ClipQuery(limit: 1, after: nil, stream: nil, tag: nil, within: (from, to))
        }
        #expect(fault.field == field)
    }

    @Test func aQueryIsRead() throws {
        let query = try ClipQuery(limit: 7, after: "c", stream: "s", tag: "t", within: ("5", "1970-01-01T00:00:01Z"))
        #expect(query.limit == 7 && query.after == ClipID("c") && query.stream == StreamID("s") && query.tag == "t")
        #expect(query.from?.milliseconds == 5 && query.to?.milliseconds == 1000)
    }
}
