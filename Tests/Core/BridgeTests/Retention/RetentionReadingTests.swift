import Bridge
import BridgeModel
import Testing

@Suite struct RetentionReadingTests {
    private func fault(of text: String) throws -> FieldFault {
        try #require(throws: FieldFault.self) { _ = try RetentionRule(reading: JSONValue.read(text.utf8)) }
    }

    @Test(
        arguments: [
            ("{}", RetentionRule()), (#"{"age_seconds":null,"bytes":null,"recordings":null,"destination":null}"#, RetentionRule()),
            (#"{"age_seconds":60.0}"#, RetentionRule(age: .seconds(60))), (#"{"age_seconds":6e1}"#, RetentionRule(age: .seconds(60))),
            (
                #"{"age_seconds":3162240000,"bytes":1125899906842624,"recordings":1000000}"#,
                RetentionRule(age: .seconds(3_162_240_000), bytes: 1 << 50, count: 1_000_000)
            ),
        ] as [(String, RetentionRule)])
    func rulesAreReadAndShownTheSame(text: String, rule: RetentionRule) throws {
        let read = try RetentionRule(reading: JSONValue.read(text.utf8))
        #expect(read == rule)
        #expect(try RetentionRule(reading: JSONValue.read(JSONText.object(read.json).text.utf8)) == rule)
    }

    @Test func theFlagsAreApart() throws {
        let rule = try RetentionRule(reading: JSONValue.read(#"{"destination":true,"undelivered":false}"#.utf8))
        #expect(rule.includesDestination && !rule.includesUndelivered && !rule.isLimiting)
        #expect(try RetentionRule(reading: ["undelivered": true]).includesUndelivered)
    }

    @Test(
        arguments: [
            (#"[]"#, "retention"), (#"null"#, "retention"), (#""30d""#, "retention"), (#"{"age":3600}"#, "age"),
            (#"{"age_seconds ":1}"#, "age_seconds "), (#"{"Bytes":1}"#, "Bytes"), (#"{"":1}"#, ""), (#"{"age_seconds":0}"#, "age_seconds"),
            (#"{"age_seconds":-0}"#, "age_seconds"), (#"{"age_seconds":-1}"#, "age_seconds"), (#"{"age_seconds":0.5}"#, "age_seconds"),
            (#"{"age_seconds":3162240001}"#, "age_seconds"), (#"{"age_seconds":1e308}"#, "age_seconds"),
            (#"{"age_seconds":9223372036854775808}"#, "age_seconds"), (#"{"age_seconds":"1d"}"#, "age_seconds"),
            (#"{"age_seconds":true}"#, "age_seconds"), (#"{"age_seconds":[1]}"#, "age_seconds"), (#"{"bytes":0}"#, "bytes"),
            (#"{"bytes":1125899906842625}"#, "bytes"), (#"{"bytes":1.5}"#, "bytes"), (#"{"bytes":{}}"#, "bytes"),
            (#"{"recordings":0}"#, "recordings"), (#"{"recordings":1000001}"#, "recordings"), (#"{"recordings":"5"}"#, "recordings"),
            (#"{"destination":"yes"}"#, "destination"), (#"{"destination":1}"#, "destination"), (#"{"undelivered":0}"#, "undelivered"),
            (#"{"undelivered":{}}"#, "undelivered"), (#"{"age_seconds":1,"age_seconds":0}"#, "age_seconds"),
        ])
    func othersAreRefused(text: String, field: String) throws {
        let fault = try fault(of: text)
        #expect(fault.field == field && !fault.rule.isEmpty)
    }

    @Test(arguments: [#"{"reason":"case 4711, until released"}"#, #"{"reason":"\#(String(repeating: "é", count: 500))"}"#])
    func aReasonIsRead(text: String) throws {
        #expect(try !RecordingHold.reason(reading: JSONValue.read(text.utf8)).isEmpty)
    }

    /// The last ones are one character each for who looks at them: a letter with a hill of accents, and a family of 168 heads.
    @Test(arguments: [
        "{}", "[]", #"{"reason":""}"#, #"{"reason":null}"#, #"{"reason":7}"#, #"{"reason":["x"]}"#, #"{"reason":"two\nlines"}"#,
        #"{"reason":"two\u2028lines"}"#, #"{"reason":"two\u2029lines"}"#, #"{"reason":"\u0000"}"#, #"{"reason":"\u0085"}"#,
        #"{"reason":"\#(String(repeating: "x", count: 501))"}"#, #"{"reason":"a\#(String(repeating: "\u{301}", count: 500))"}"#,
        #"{"reason":"👩\#(String(repeating: "\u{200D}👩", count: 250))"}"#,
    ])
    func whatIsNoReasonIsRefused(text: String) throws {
        let value = try JSONValue.read(text.utf8)
        #expect(throws: FieldFault.self) { try RecordingHold.reason(reading: value) }
    }
}
