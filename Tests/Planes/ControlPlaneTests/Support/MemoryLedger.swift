import Bridge
import BridgeModel
import BridgeTesting
import Synchronization

/// Rows in memory, and the transactions that wrote them.
final class MemoryLedger: Ledger, SegmentLedger, SidecarLedger, RetentionLedger, EventLog {
    static let failure = BridgeError(.unavailable, "The database is locked.")

    private struct State {
        var transactions: [[LedgerChange]] = []
        var sessions: [SessionID: SessionRow] = [:]
        var recordings: [RecordingID: RecordingRow] = [:]
        var segments: [RecordingID: [Int: SegmentRow]] = [:]
        var rules: [StreamID: RetentionRule] = [:]
        var failuresLeft = 0
        var afterLook: (@Sendable () async -> Void)?

        mutating func take(_ changes: [LedgerChange]) {
            transactions.append(changes)
            for change in changes {
                switch change {
                case .session(let row): sessions[row.context.session] = row
                case .recording(let row): recordings[row.id] = row
                case .digest(let id, let number, let sha256): segments[id]?[number]?.sha256 = sha256
                case .segment(let row), .progress(let row): segments[row.recording, default: [:]][row.number] = row
                case .hold(let id, let hold): recordings[id]?.hold = hold
                case .deletion(let id, let deletion): recordings[id]?.deletion = deletion
                case .delivery, .event, .streamEvent, .audit, .roomRecording, .roomRecordingGone: break
                }
            }
        }
    }

    private let state = Mutex(State())
    /// Holds commits up while it is closed.
    let gate = Gate()

    /// Every committed transaction, in order.
    var transactions: [[LedgerChange]] { state.withLock { $0.transactions } }

    /// Every outbox row, in order of its commit.
    var deliveries: [DeliveryRow] {
        transactions.flatMap { $0 }.compactMap { change in
            guard case .delivery(let row) = change else { return nil }
            return row
        }
    }

    func sidecarUploads(of recording: RecordingID) async throws(BridgeError) -> [DeliveryRow] {
        deliveries.filter { $0.sidecar != nil }
    }

    /// Every event, in order of its commit.
    var events: [EventDraft] {
        transactions.flatMap { $0 }.compactMap { change in
            guard case .event(let draft, _) = change else { return nil }
            return draft
        }
    }

    /// The first transaction that brings a recording into this state.
    func transaction(thatMakes state: RecordingState) -> [LedgerChange]? {
        transactions.first { changes in
            changes.contains { change in
                guard case .recording(let row) = change else { return false }
                return row.state == state
            }
        }
    }

    /// The states that were committed of recordings, in order.
    var recordingStates: [RecordingState] {
        transactions.flatMap { $0 }.compactMap { change in
            guard case .recording(let row) = change else { return nil }
            return row.state
        }
    }

    /// The next accesses, as many as this, are refused.
    func fail(_ count: Int) { state.withLock { $0.failuresLeft = count } }

    private func access<Value>(_ body: (inout State) -> Value) throws(BridgeError) -> Value {
        let value: Value? = state.withLock { state in
            guard state.failuresLeft == 0 else {
                state.failuresLeft -= 1
                return nil
            }
            return body(&state)
        }
        guard let value else { throw Self.failure }
        return value
    }

    func commit(_ changes: [LedgerChange]) async throws(BridgeError) {
        await gate.pass()
        try access { $0.take(changes) }
    }

    func segments(of recording: RecordingID) async throws(BridgeError) -> [SegmentRow] {
        try access { state in (state.segments[recording] ?? [:]).values.sorted { $0.number < $1.number } }
    }

    func segments(of stream: StreamID, from: WallTime, to: WallTime, limit: Int) async throws(BridgeError) -> [SegmentRow] {
        try access { state in
            state.segments.values.flatMap(\.values).filter { row in
                guard row.stream == stream, let start = row.startedAt, let end = row.endsAt else { return false }
                return start < to && (end > from || [.recording, .closing].contains(row.state))
            }
        }
    }

    func segments(in states: Set<SegmentState>, limit: Int) async throws(BridgeError) -> [SegmentRow] {
        try access { state in state.segments.values.flatMap(\.values).filter { states.contains($0.state) } }
    }

    func settle(
        _ recording: RecordingID, _ decide: @escaping @Sendable (RecordingRow, [SegmentRow]) -> [LedgerChange]
    ) async throws(BridgeError) -> [LedgerChange] {
        await gate.pass()
        return try access { state in
            guard let row = state.recordings[recording] else { return [] }
            let changes = decide(row, (state.segments[recording] ?? [:]).values.sorted { $0.number < $1.number })
            state.take(changes)
            return changes
        }
    }

    func retentionRules() async throws(BridgeError) -> [StreamID: RetentionRule] { try access { $0.rules } }
    func retentionRule(of stream: StreamID) async throws(BridgeError) -> RetentionRule? { try access { $0.rules[stream] } }
    func setRetentionRule(_ rule: RetentionRule?, of stream: StreamID) async throws(BridgeError) {
        try access { $0.rules[stream] = rule }
    }

    func recordedStreams() async throws(BridgeError) -> [StreamID] {
        try access { state in Set(state.recordings.values.map(\.context.stream)).sorted { $0.rawValue < $1.rawValue } }
    }

    /// What happens between a look at what remains and the next transaction.
    func afterLook(_ deed: @escaping @Sendable () async -> Void) { state.withLock { $0.afterLook = deed } }

    func remaining(of stream: StreamID, delivered: Bool) async throws(BridgeError) -> [(row: RecordingRow, localBytes: Int64)] {
        let (found, deed) = try access { state in
            let rows = state.recordings.values.filter { $0.context.stream == stream && $0.deletion == nil }
            let found = rows.map { row in
                let files = (state.segments[row.id] ?? [:]).values.filter { $0.state != .removed }
                return (row: row, localBytes: files.reduce(0) { $0 + $1.sizeBytes })
            }
            defer { state.afterLook = nil }
            return (found.filter { $0.localBytes > 0 || (delivered && $0.row.state == .delivered) }, state.afterLook)
        }
        await deed?()
        return found
    }

    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow? { try access { $0.recordings[id] } }

    func recordings(in states: Set<RecordingState>) async throws(BridgeError) -> [RecordingRow] {
        try access { $0.recordings.values.filter { states.contains($0.state) }.sorted { $0.startedAt < $1.startedAt } }
    }

    func recentRecordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow] {
        try access { Array($0.recordings.values.filter { $0.id != after }.sorted { $0.startedAt > $1.startedAt }.prefix(limit)) }
    }

    func session(_ id: SessionID) async throws(BridgeError) -> SessionRow? { try access { $0.sessions[id] } }

    func sessions(in states: Set<SessionRow.State>) async throws(BridgeError) -> [SessionRow] {
        try access { state in
            state.sessions.values.filter { states.contains($0.state) }.sorted { $0.context.session.rawValue < $1.context.session.rawValue }
        }
    }

    func events(after: Int64, limit: Int, session: SessionID?) async throws(BridgeError) -> EventPage {
        EventPage(events: [], hasMore: false, oldest: nil)
    }

    func openFacts() async throws(BridgeError) -> [OpenFact] {
        try access { _ in () }
        return events.reduce(into: []) { open, draft in
            guard let pairing = draft.pairing else { return }
            open.removeAll { $0.subject == pairing.subject }
            if let fact = EventPairs.open(after: draft) { open.append(fact) }
        }
    }

    func nextDeliveryDue() async throws(BridgeError) -> WallTime? {
        try access { _ in () }
        return deliveries.map(\.dueAt).min()
    }
}
