import Bridge
import BridgeModel

/// A rule of retention as JSON, and what it makes of recordings at the ends of time.
func fuzzRetentionRule(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.read(Array(bytes)), let rule = try? RetentionRule(reading: value) else { return }
    // What is shown means the same when it is read again.
    let again = try? RetentionRule(reading: JSONValue.read(Array(JSONText.object(rule.json).text.utf8)))
    precondition(again == rule)
    let now = WallTime(milliseconds: 7_258_118_399_999)
    let ends: [WallTime?] = [nil, now, WallTime(milliseconds: 0), WallTime(milliseconds: Int64(bytes.count) << 32)]
    let recordings = ends.enumerated().map { index, end in
        RetainedRecording(
            id: RecordingID("r\(index)"), endedAt: end, bytes: .max >> index, standing: [.busy, .complete, .undelivered, .held][index])
    }
    let gone = rule.verdicts(on: recordings, now: now).map(\.id.rawValue)
    precondition(!gone.contains("r0") && !gone.contains("r3") && (rule.includesUndelivered || !gone.contains("r2")))
    precondition(rule.isLimiting || gone.isEmpty)
}
