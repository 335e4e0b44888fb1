import Bridge
import BridgeModel
import Synchronization

/// Rows in memory, and the transactions that wrote them.
final class MemoryLedger: Ledger {
    static let failure = BridgeError(.unavailable, "The database is locked.")

    private struct State {
        var transactions: [[LedgerChange]] = []
        var sessions: [SessionID: SessionRow] = [:]
        var recordings: [RecordingID: RecordingRow] = [:]
        var failuresLeft = 0
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
        try access { state in
            state.transactions.append(changes)
            for change in changes {
                switch change {
                case .session(let row): state.sessions[row.context.session] = row
                case .recording(let row): state.recordings[row.id] = row
                case .delivery: break
                }
            }
        }
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

    func dueDeliveries(at now: WallTime, limit: Int, excluding: Set<DeliveryID>) async throws(BridgeError) -> [DeliveryRow] { [] }

    func nextDeliveryDue() async throws(BridgeError) -> WallTime? { try access { _ in nil } }
}
