import BridgeModel

/// The validated 5-tuples of one peer and which of them is selected: the rules of ICE for a lite agent, without a word about DTLS.
struct PathSet: Equatable {
    /// An open path with its number.
    struct Numbered: Equatable {
        var id: PathID
        var path: Path
    }

    private(set) var policy: TransportPolicy
    /// By number. It grows to the limit of paths and no further.
    private var slots: [Path?] = []
    /// The pair that media is sent on (RFC 8445 section 8.2 for lite agents: a nominated one).
    private(set) var selected: PathID?

    init(policy: TransportPolicy) {
        self.policy = policy
        self.policy.consentLimit = min(policy.consentLimit, TransportPolicy.longestConsent)
    }

    /// The path of this number; nil when it is not open.
    subscript(id: PathID) -> Path? { isOpen(id) ? slots[Int(id.number)] : nil }

    /// True when a path of this number is open.
    @inline(__always)
    func isOpen(_ id: PathID) -> Bool { Int(id.number) < slots.count && slots[Int(id.number)] != nil }

    /// The path that is selected.
    var selectedPath: Path? { selected.flatMap { self[$0] } }

    /// All open paths.
    var open: [Numbered] {
        slots.indices.compactMap { number in slots[number].map { Numbered(id: PathID(UInt8(number)), path: $0) } }
    }

    /// The number of this 5-tuple's path.
    func id(of tuple: FiveTuple) -> PathID? {
        slots.firstIndex { $0?.tuple == tuple }.map { PathID(UInt8($0)) }
    }

    /// The open path that the peer ranks highest.
    var highestPriority: PathID? { best(where: { _, _ in true }, by: { $0.priority > $1.priority }) }

    /// The first open path among the candidates that no other one beats. It allocates nothing.
    private func best(where isCandidate: (PathID, Path) -> Bool, by isBetter: (Path, Path) -> Bool) -> PathID? {
        var best: (id: PathID, path: Path)?
        for number in slots.indices {
            let id = PathID(UInt8(number))
            guard let path = slots[number], isCandidate(id, path) else { continue }
            if let best, !isBetter(path, best.path) { continue }
            best = (id, path)
        }
        return best?.id
    }

    // MARK: Opening and closing

    /// Opens a path for a verified check. `evicted` is the path that had to go for it: the one heard of longest ago, never the selected one.
    mutating func open(_ tuple: FiveTuple, priority: UInt32, now: MonotonicTime) -> (id: PathID, evicted: Numbered?) {
        let evicted = slots.count { $0 != nil } < policy.pathLimit ? nil : evictStalest()
        let path = Path(tuple: tuple, priority: priority, checkedAt: now, heardAt: now)
        guard let number = slots.firstIndex(where: { $0 == nil }) else {
            slots.append(path)
            return (PathID(UInt8(slots.count - 1)), evicted)
        }
        slots[number] = path
        return (PathID(UInt8(number)), evicted)
    }

    private mutating func evictStalest() -> Numbered? {
        guard let id = best(where: { id, _ in id != selected }, by: { $0.heardAt < $1.heardAt }), let path = self[id] else { return nil }
        slots[Int(id.number)] = nil
        return Numbered(id: id, path: path)
    }

    /// Closes a path. Another one that was nominated takes its place if it was the selected one.
    mutating func close(_ id: PathID) -> Numbered? {
        guard let path = self[id] else { return nil }
        slots[Int(id.number)] = nil
        if selected == id { selected = best(where: { $1.nominatedAt != nil }, by: { Self.isLater($0.nominatedAt, than: $1.nominatedAt) }) }
        return Numbered(id: id, path: path)
    }

    /// The first path whose consent has run out.
    func expired(now: MonotonicTime) -> PathID? {
        best(where: { now >= consentEnd(of: $1) }, by: { _, _ in false })
    }

    // MARK: Hearing

    /// A verified check renews the consent.
    mutating func checked(_ id: PathID, now: MonotonicTime) {
        guard let path = self[id] else { return }
        slots[Int(id.number)]?.checkedAt = now
        slots[Int(id.number)]?.heardAt = now
        guard id != selected, let current = selectedPath, path.isRebinding(of: current),
            now.duration(since: current.heardAt) >= policy.disconnectAfter
        else { return }
        slots[Int(id.number)]?.nominatedAt = now
        selected = id
    }

    /// An authenticated packet came: from another path than the selected one it moves the selection when that one is silent. True when it moved.
    @inline(__always)
    mutating func heard(_ id: PathID, now: MonotonicTime) -> Bool {
        guard isOpen(id) else { return false }
        slots[Int(id.number)]?.heardAt = now
        return id != selected && replaceSilent(by: id, now: now)
    }

    private mutating func replaceSilent(by id: PathID, now: MonotonicTime) -> Bool {
        guard let path = selectedPath, now.duration(since: path.heardAt) >= policy.silenceOfReplacedPath, hasConsent(id, now: now) else {
            return false
        }
        selected = id
        return true
    }

    /// An authenticated packet renews the consent of its path, if it has not run out. False when it has.
    mutating func renew(_ id: PathID, now: MonotonicTime) -> Bool {
        guard hasConsent(id, now: now) else { return false }
        slots[Int(id.number)]?.checkedAt = now
        return true
    }

    // MARK: Nomination

    /// USE-CANDIDATE came on this path (RFC 8445 section 7.3.2). `nomination` counts the peer's nominations, if it does.
    mutating func nominate(_ id: PathID, nomination: UInt32?, now: MonotonicTime) {
        guard let path = self[id] else { return }
        let latest = selectedPath?.nomination
        // A late copy of an earlier nomination says nothing.
        if let nomination, let latest, nomination < latest { return }
        let isRenomination = nomination.map { $0 > latest ?? 0 } ?? false
        slots[Int(id.number)]?.nominatedAt = now
        if let nomination { slots[Int(id.number)]?.nomination = max(nomination, path.nomination ?? 0) }
        guard let current = selectedPath, current.nominatedAt != nil else {
            selected = id
            return
        }
        if isRenomination || path.priority > current.priority { selected = id }
        settle(now: now)
    }

    /// The first nomination with the credentials of an ICE restart: it selects its path, and those before it count no longer.
    mutating func nominateAfterRestart(_ id: PathID, nomination: UInt32?, now: MonotonicTime) {
        guard isOpen(id) else { return }
        for number in slots.indices {
            slots[number]?.nominatedAt = nil
            slots[number]?.nomination = nil
        }
        slots[Int(id.number)]?.nominatedAt = now
        slots[Int(id.number)]?.nomination = nomination
        selected = id
    }

    /// Selects a path that was nominated later than the selected one, if that one was not nominated again for a while.
    mutating func settle(now: MonotonicTime) {
        guard let challenge, now >= challenge.at else { return }
        selected = challenge.id
    }

    /// The path that is to be selected at a time unless the selected one is nominated again before.
    private var challenge: (id: PathID, at: MonotonicTime)? {
        guard let current = selectedPath, let nominatedAt = current.nominatedAt else { return nil }
        let latest = best(
            where: { Self.isLater($1.nominatedAt, than: nominatedAt) }, by: { Self.isLater($0.nominatedAt, than: $1.nominatedAt) })
        return latest.map { ($0, nominatedAt.advanced(by: policy.nominationSettling)) }
    }

    /// A nomination is later than none.
    private static func isLater(_ one: MonotonicTime?, than other: MonotonicTime?) -> Bool {
        guard let one else { return false }
        return other.map { one > $0 } ?? true
    }

    // MARK: Time

    /// True when the path is open and its consent has not run out.
    private func hasConsent(_ id: PathID, now: MonotonicTime) -> Bool { self[id].map { now < consentEnd(of: $0) } ?? false }

    /// When sending on this path has to stop.
    func consentEnd(of path: Path) -> MonotonicTime { path.checkedAt.advanced(by: policy.consentLimit) }

    /// When a path expires or a later nomination takes over.
    var deadline: MonotonicTime? {
        let oldest = best(where: { _, _ in true }, by: { $0.checkedAt < $1.checkedAt })
        guard let expiry = oldest.flatMap({ self[$0] }).map(consentEnd) else { return nil }
        return challenge.map { min($0.at, expiry) } ?? expiry
    }
}
