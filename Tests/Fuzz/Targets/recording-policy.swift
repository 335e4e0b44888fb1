import Bridge
import BridgeModel

/// A recording policy, with its schedule's windows, as JSON.
func fuzzRecordingPolicy(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.read(Array(bytes)), let policy = try? RecordingPolicy(reading: value) else { return }
    // What is stored means the same when it is read again.
    let again = try? RecordingPolicy(reading: JSONValue.read(Array(policy.json.text.utf8)))
    precondition(again == policy)
    guard case .schedule(let schedule) = policy.trigger else { return }
    let local = Int64(bytes.count) * 7919 - 300_000
    let wait = schedule.nextLook(local: local, limit: 60)
    precondition((1...60).contains(wait) && schedule.isOpen(local: local) == schedule.isOpen(local: local + wait - 1))
}
