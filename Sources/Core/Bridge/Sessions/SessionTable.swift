package import BridgeModel

/// Which sessions exist, from the REST call that makes one to its end, and how many there may be.
package struct SessionTable: Sendable {
    /// The bounds of the configuration; the defaults are those of the Eyeson contract, section 10.
    package struct Limits: Sendable, Equatable {
        /// How long a session may wait for its `session_start`.
        package var unusedLifetime: Duration
        /// Sessions that one client may have without having started them; the oldest is discarded.
        package var unusedPerClient: Int
        package var runningPerAccount: Int

        package init(unusedLifetime: Duration = .seconds(120), unusedPerClient: Int = 3, runningPerAccount: Int = 1000) {
            self.unusedLifetime = unusedLifetime
            self.unusedPerClient = unusedPerClient
            self.runningPerAccount = runningPerAccount
        }
    }

    private enum Phase: Equatable {
        case created(MonotonicTime)
        case running
    }

    private struct Entry {
        var context: SessionContext
        var phase: Phase
        /// Order of creation.
        var number: UInt64

        var isUnused: Bool { phase != .running }

        func isStale(after lifetime: Duration, now: MonotonicTime) -> Bool {
            guard case .created(let at) = phase else { return false }
            return now.duration(since: at) >= lifetime
        }
    }

    private let limits: Limits
    private var entries: [SessionID: Entry] = [:]
    private var created: UInt64 = 0

    package init(limits: Limits) { self.limits = limits }

    /// Makes room for a new session and enters it. Throws `limit_reached` when the account runs as many as it may.
    package mutating func create(_ context: SessionContext, now: MonotonicTime) throws(BridgeError) {
        dropUnused(now: now)
        guard runningCount(of: context.account) < limits.runningPerAccount else {
            throw BridgeError(.limitReached, "The account runs \(limits.runningPerAccount) sessions already; end one first.")
        }
        let waiting = entries.values.filter { $0.isUnused && $0.context.isOfSameClient(as: context) }.sorted { $0.number < $1.number }
        for entry in waiting.dropLast(max(0, limits.unusedPerClient - 1)) { entries[entry.context.session] = nil }
        created += 1
        entries[context.session] = Entry(context: context, phase: .created(now), number: created)
    }

    /// The session, unless it is unknown, over, or was never started in time.
    package func context(of id: SessionID, now: MonotonicTime) -> SessionContext? {
        guard let entry = entries[id], !entry.isStale(after: limits.unusedLifetime, now: now) else { return nil }
        return entry.context
    }

    /// The session's `session_start` was accepted. Returns the running publishing sessions of the same client that it replaces.
    package mutating func start(_ id: SessionID) -> [SessionID] {
        guard let entry = entries[id] else { return [] }
        entries[id]?.phase = .running
        guard entry.context.direction == .publish else { return [] }
        return entries.values
            .filter { $0.phase == .running && $0.context.session != id && $0.context.direction == .publish }
            .filter { $0.context.isOfSameClient(as: entry.context) }
            .sorted { $0.number < $1.number }.map(\.context.session)
    }

    /// The session is over.
    package mutating func end(_ id: SessionID) { entries[id] = nil }

    /// Running sessions that watch this stream.
    package func watching(_ stream: StreamID) -> [SessionID] {
        entries.values.filter { $0.phase == .running && $0.context.direction == .watch && $0.context.stream == stream }
            .map(\.context.session)
    }

    package var running: [SessionContext] { entries.values.filter { $0.phase == .running }.map(\.context) }

    private func runningCount(of account: AccountID) -> Int {
        entries.values.count { $0.phase == .running && $0.context.account == account }
    }

    private mutating func dropUnused(now: MonotonicTime) {
        // Rarely is there one, and a thousand viewers are not to be entered anew for each that comes.
        guard entries.values.contains(where: { $0.isStale(after: limits.unusedLifetime, now: now) }) else { return }
        entries = entries.filter { !$0.value.isStale(after: limits.unusedLifetime, now: now) }
    }
}

extension SessionContext {
    /// One client that publishes several streams, or watches several, does so in sessions that leave each other alone.
    fileprivate func isOfSameClient(as other: SessionContext) -> Bool {
        account == other.account && client == other.client && direction == other.direction && stream == other.stream
    }
}
