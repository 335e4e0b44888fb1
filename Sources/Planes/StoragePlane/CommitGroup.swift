internal import GRDB
internal import Synchronization

/// Makes transactions that come while another is being written to the disk into one: each is a savepoint of its own, that fails alone, and all
/// wait for the same fsync. A disk that does some hundred of them a second carries thousands of transactions so, and one that comes alone waits for
/// nobody. Order is that of the calls.
final class CommitGroup: Sendable {
    /// Transactions in one write, so that the first does not wait for too many.
    private static let longest = 256

    private struct State {
        var waiting: [GroupedWrite] = []
        var isWriting = false
    }

    private let state = Mutex(State())

    init() {}

    /// Puts a transaction behind those that wait.
    func add(_ write: GroupedWrite, to pool: DatabasePool) {
        let begins = state.withLock { state in
            state.waiting.append(write)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        guard begins else { return }
        pool.asyncWriteWithoutTransaction { [self] database in
            while let group = next() { commit(group, database) }
        }
    }

    private func next() -> ArraySlice<GroupedWrite>? {
        state.withLock { state in
            let group = state.waiting.prefix(Self.longest)
            state.waiting.removeFirst(group.count)
            state.isWriting = !group.isEmpty
            return group.isEmpty ? nil : group
        }
    }

    private func commit(_ group: ArraySlice<GroupedWrite>, _ database: Database) {
        do {
            try database.inTransaction(.immediate) {
                for write in group { write.attempt(database) }
                return .commit
            }
            for write in group { write.finish() }
        } catch {
            guard group.count > 1 else {
                for write in group { write.fail(error) }
                return
            }
            // What is checked at the end only, such as a reference, is one transaction's fault: each by itself.
            for write in group { commit([write], database) }
        }
    }
}

/// One transaction on its way through a group. Used by the writer's queue alone, after it was made.
final class GroupedWrite: Sendable {
    private let body: @Sendable (Database) throws -> @Sendable () -> Void
    private let failed: @Sendable (any Error) -> Void
    private let outcome = Mutex<Result<@Sendable () -> Void, any Error>?>(nil)

    /// `completion` is called once, when the transaction is on disk or has failed.
    init<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value, completion: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        self.body = { database in
            let value = try body(database)
            return { completion(.success(value)) }
        }
        failed = { completion(.failure($0)) }
    }

    /// Runs in a savepoint; the outcome is kept for `finish`.
    func attempt(_ database: Database) {
        let result = Result {
            var done: (@Sendable () -> Void)?
            try database.inSavepoint {
                done = try body(database)
                return .commit
            }
            return done ?? {}
        }
        outcome.withLock { $0 = result }
    }

    /// Tells the outcome, when the transaction around it is on disk.
    func finish() {
        switch outcome.withLock({ $0 }) {
        case .success(let done): done()
        case .failure(let error): failed(error)
        case nil: failed(DatabaseError(resultCode: .SQLITE_ABORT))
        }
    }

    /// The transaction around it failed. An error of its own says more.
    func fail(_ error: any Error) {
        if case .failure(let own) = outcome.withLock({ $0 }) { return failed(own) }
        failed(error)
    }
}
