import Bridge
import BridgeModel
import Synchronization

/// Keeps one recording, `r-1`, and remembers what was asked.
final class FakeKeeper: RecordingKeeping {
    struct Memory {
        var row = FakeBridge.row("r-1")
        var failure: BridgeError?
        var orders: [DeletionOrder] = []
        var redelivered: [DestinationName?] = []
        var rules: [StreamID: RetentionRule] = [:]
        var entries: [AuditEntry] = []
    }

    let memory = Mutex(Memory())

    private func change(_ id: RecordingID, _ body: (inout Memory) -> Void) throws(BridgeError) -> RecordingRow {
        if let failure = memory.withLock({ $0.failure }) { throw failure }
        guard id.rawValue == "r-1" else { throw BridgeError(.notFound, "There is no recording with this id.") }
        return memory.withLock { memory in
            body(&memory)
            return memory.row
        }
    }

    func hold(_ id: RecordingID, reason: String, by actor: AuditActor) async throws(BridgeError) -> RecordingRow {
        try change(id) { $0.row.hold = RecordingHold(reason: reason, by: actor, placedAt: WallTime(milliseconds: 1_700_000_000_000)) }
    }

    func release(_ id: RecordingID, by actor: AuditActor) async throws(BridgeError) -> RecordingRow { try change(id) { $0.row.hold = nil } }

    func delete(_ id: RecordingID, _ order: DeletionOrder) async throws(BridgeError) -> RecordingRow {
        try change(id) { memory in
            memory.orders.append(order)
            memory.row.deletion = Deletion(order, at: WallTime(milliseconds: 1_700_000_000_000))
        }
    }

    func redeliver(_ id: RecordingID, to name: DestinationName?, by actor: AuditActor) async throws(BridgeError) -> RecordingRow {
        try change(id) { $0.redelivered.append(name) }
    }

    func audit(after: Int64, limit: Int, recording: RecordingID?) async throws(BridgeError) -> [AuditEntry] {
        memory.withLock { memory in
            Array(memory.entries.filter { $0.sequence > after && (recording == nil || $0.draft.recording == recording) }.prefix(limit))
        }
    }

    func retention(of stream: StreamID) async throws(BridgeError) -> (rule: RetentionRule, isOwn: Bool) {
        let own = memory.withLock { $0.rules[stream] }
        return (own ?? RetentionRule(age: .seconds(86_400)), own != nil)
    }

    func setRetention(_ rule: RetentionRule?, of stream: StreamID) async throws(BridgeError) { memory.withLock { $0.rules[stream] = rule } }
}
