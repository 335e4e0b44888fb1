import Bridge
import BridgeModel
import Testing

/// What retention gives up, on recordings that end at the hours of one day.
@Suite struct RetentionRuleTests {
    private static let midnight = WallTime(milliseconds: 1_700_000_000_000)
    private static let noon = hour(12)

    private static func hour(_ number: Int) -> WallTime { midnight.advanced(by: .seconds(number * 3600)) }

    /// Ends at this hour; its name says so, too.
    private static func recording(_ hour: Int, _ standing: RetainedRecording.Standing = .complete, bytes: Int64 = 10) -> RetainedRecording {
        RetainedRecording(
            id: RecordingID("r\(hour < 10 ? "0" : "")\(hour)"), endedAt: standing == .busy ? nil : Self.hour(hour), bytes: bytes,
            standing: standing)
    }

    struct Case: Sendable {
        var name: String
        var rule: RetentionRule
        var recordings: [RetainedRecording]
        var goes: [String]
    }

    private static func undelivered(_ rule: RetentionRule) -> RetentionRule {
        var rule = rule
        rule.includesUndelivered = true
        return rule
    }

    private static let cases = [
        Case(name: "no limit", rule: RetentionRule(), recordings: [recording(0), recording(1)], goes: []),
        Case(
            name: "age, to the second", rule: RetentionRule(age: .seconds(10 * 3600)),
            recordings: [recording(3), recording(2), recording(1)],
            goes: ["r01 age", "r02 age"]),
        Case(name: "the newest goes by its age", rule: RetentionRule(age: .seconds(1)), recordings: [recording(1)], goes: ["r01 age"]),
        Case(
            name: "count, oldest first", rule: RetentionRule(count: 2),
            recordings: [recording(1), recording(4), recording(2), recording(3)],
            goes: ["r01 count", "r02 count"]),
        Case(
            name: "size, oldest first", rule: RetentionRule(bytes: 25), recordings: [recording(1), recording(2), recording(3)],
            goes: ["r01 size"]),
        Case(
            name: "size, exactly full", rule: RetentionRule(bytes: 30), recordings: [recording(1), recording(2), recording(3)], goes: []),
        Case(
            name: "the newest stays although it alone is too large", rule: RetentionRule(bytes: 5),
            recordings: [recording(1), recording(2, bytes: 100)], goes: ["r01 size"]),
        Case(
            name: "one that runs is the newest, and never goes", rule: RetentionRule(age: .zero, bytes: 1, count: 1),
            recordings: [recording(1, .busy), recording(2)], goes: ["r02 age"]),
        Case(
            name: "one that is held stays and displaces nothing", rule: RetentionRule(age: .seconds(11 * 3600), bytes: 10, count: 1),
            recordings: [recording(1, .held), recording(5, .held, bytes: 1000), recording(4)], goes: []),
        Case(
            name: "what is not delivered stays", rule: RetentionRule(age: .seconds(1), bytes: 1, count: 1),
            recordings: [recording(1, .undelivered), recording(2, .undelivered)], goes: []),
        Case(
            name: "unless the rule says so", rule: undelivered(RetentionRule(count: 1)),
            recordings: [recording(1, .undelivered), recording(2, .undelivered)], goes: ["r01 count"]),
        Case(
            name: "older ones that stay make no newer one go", rule: RetentionRule(bytes: 20, count: 2),
            recordings: [recording(1, .undelivered), recording(2, .undelivered), recording(3, .undelivered), recording(8), recording(9)],
            goes: []),
    ]

    @Test(arguments: cases)
    func aRuleGivesUp(one: Case) {
        let verdicts = one.rule.verdicts(on: one.recordings, now: Self.noon)
        #expect(verdicts.map { "\($0.id) \($0.cause.rawValue)" } == one.goes, "\(one.name)")
    }

    /// Whatever stands there: nothing goes that must stay, no more than the limits ask for, and what is left asks for nothing more.
    @Test(arguments: 0..<200)
    func aSecondLookFindsNothing(seed: UInt64) {
        var random = SplitMix(state: seed)
        var rule = RetentionRule(
            age: Bool.random(using: &random) ? .seconds(Int.random(in: 0...24, using: &random) * 3600) : nil,
            bytes: Bool.random(using: &random) ? Int64.random(in: 1...200, using: &random) : nil,
            count: Bool.random(using: &random) ? Int.random(in: 1...8, using: &random) : nil)
        rule.includesUndelivered = Bool.random(using: &random)
        let standings: [RetainedRecording.Standing] = [.busy, .held, .undelivered, .complete, .complete]
        let all = (0..<12).map { hour in
            Self.recording(hour, standings.randomElement(using: &random) ?? .held, bytes: Int64.random(in: 0...50, using: &random))
        }
        let gone = rule.verdicts(on: all, now: Self.noon)
        let names = Set(gone.map(\.id))
        for one in all where names.contains(one.id) {
            #expect(one.standing == .complete || rule.includesUndelivered && one.standing == .undelivered)
        }
        #expect(gone.map(\.id.rawValue) == gone.map(\.id.rawValue).sorted(), "the oldest first")
        #expect(rule.verdicts(on: all.filter { !names.contains($0.id) }, now: Self.noon).isEmpty)
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
