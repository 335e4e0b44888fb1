import BridgeModel

/// The validated 5-tuples of one peer and which of them is selected: the rules of ICE for a lite agent, without a word about DTLS.
struct PathSet: Equatable {
    /// An open path with its number.
    struct Numbered: Equatable {
        var id: PathID
        var path: Path
    }

    private let policy: TransportPolicy
    /// By number. It grows to the limit of paths and no further.
    private var slots: [Path?] = []
    /// The pair that media is sent on (RFC 8445 section 8.2 for lite agents: a nominated one).
    private(set) var selected: PathID?

    init(policy: TransportPolicy) { self.policy = policy }

    /// The path of this number; nil when it is not open.
    subscript(id: PathID) -> Path? {
        get { Int(id.number) < slots.count ? slots[Int(id.number)] : nil }
        _modify {
            var none: Path?
            if Int(id.number) < slots.count { yield &slots[Int(id.number)] } else { yield &none }
        }
    }

    /// True when a path of this number is open.
    @inline(__always)
    func isOpen(_ id: PathID) -> Bool { Int(id.number) < slots.count && slots[Int(id.number)] != nil }

    /// The path that is selected.
    var selectedPath: Path? { selected.flatMap { self[$0] } }

    /// All open paths.
    var open: [Numbered] {
        slots.indices.compactMap { number in slots[number].map { Numbered(id: PathID(UInt8(number)), path: $0) } }
    }

    var isEmpty: Bool { slots.allSatisfy { $0 == nil } }

    /// The number of this 5-tuple's path.
    func id(of tuple: FiveTuple) -> PathID? {
        slots.firstIndex { $0?.tuple == tuple }.map { PathID(UInt8($0)) }
    }

    /// The open path that the peer ranks highest.
    var highestPriority: PathID? { open.max { $0.path.priority < $1.path.priority }?.id }

    // MARK: Opening and closing

    /// Opens a path for a verified check. `evicted` is the path that had to go for it: the one heard of longest ago, never the selected one.
    mutating func open(_ tuple: FiveTuple, priority: UInt32, now: MonotonicTime) -> (id: PathID, evicted: Numbered?) {
        var evicted: Numbered?
        if open.count >= policy.pathLimit, let victim = open.filter({ $0.id != selected }).min(by: { $0.path.heardAt < $1.path.heardAt }) {
            evicted = victim
            slots[Int(victim.id.number)] = nil
        }
        let path = Path(tuple: tuple, priority: priority, checkedAt: now, heardAt: now)
        guard let number = slots.firstIndex(where: { $0 == nil }) else {
            slots.append(path)
            return (PathID(UInt8(slots.count - 1)), evicted)
        }
        slots[number] = path
        return (PathID(UInt8(number)), evicted)
    }

    /// Closes a path. Another one that was nominated takes its place if it was the selected one.
    mutating func close(_ id: PathID) -> Numbered? {
        guard let path = self[id] else { return nil }
        self[id] = nil
        if selected == id {
            selected = open.filter { $0.path.nominatedAt != nil }.max { Self.isEarlier($0.path.nominatedAt, $1.path.nominatedAt) }?.id
        }
        return Numbered(id: id, path: path)
    }

    /// The first path whose consent has run out.
    func expired(now: MonotonicTime) -> PathID? {
        open.first { now >= consentEnd(of: $0.path) }?.id
    }

    // MARK: Hearing

    /// A verified check renews the consent.
    mutating func checked(_ id: PathID, now: MonotonicTime) {
        self[id]?.checkedAt = now
        self[id]?.heardAt = now
    }

    /// An authenticated packet came: from another path than the selected one it moves the selection when that one is silent. True when it moved.
    @inline(__always)
    mutating func heard(_ id: PathID, now: MonotonicTime) -> Bool {
        guard isOpen(id) else { return false }
        slots[Int(id.number)]?.heardAt = now
        if policy.consentRenewal == .checksAndPackets { slots[Int(id.number)]?.checkedAt = now }
        return id != selected && replaceSilent(by: id, now: now)
    }

    private mutating func replaceSilent(by id: PathID, now: MonotonicTime) -> Bool {
        guard let path = selectedPath, now.duration(since: path.heardAt) >= policy.silenceOfReplacedPath else { return false }
        selected = id
        return true
    }

    // MARK: Nomination

    /// USE-CANDIDATE came on this path (RFC 8445 section 7.3.2).
    mutating func nominate(_ id: PathID, nomination: UInt32?, now: MonotonicTime) {
        guard let path = self[id] else { return }
        let isRenomination = isRenomination(path, nomination)
        self[id]?.nominatedAt = now
        if let nomination { self[id]?.nomination = max(nomination, path.nomination ?? 0) }
        guard let current = selectedPath, current.nominatedAt != nil else {
            selected = id
            return
        }
        if isRenomination || path.priority > current.priority { selected = id }
        settle(now: now)
    }

    /// The first nomination with the credentials of an ICE restart: it selects its path, and those before it count no longer.
    mutating func nominateAfterRestart(_ id: PathID, nomination: UInt32?, now: MonotonicTime) {
        for number in slots.indices {
            slots[number]?.nominatedAt = nil
            slots[number]?.nomination = nil
        }
        self[id]?.nominatedAt = now
        self[id]?.nomination = nomination
        selected = id
    }

    /// Selects a path that was nominated later than the selected one, if that one was not nominated again for a while.
    mutating func settle(now: MonotonicTime) {
        guard let challenge, now >= challenge.at else { return }
        selected = challenge.id
    }

    /// A counter of its own says which nomination is the latest.
    private func isRenomination(_ path: Path, _ nomination: UInt32?) -> Bool {
        guard let nomination else { return false }
        return nomination > (selectedPath?.nomination ?? 0)
    }

    /// The path that is to be selected at a time unless the selected one is nominated again before.
    private var challenge: (id: PathID, at: MonotonicTime)? {
        guard let current = selectedPath, let nominatedAt = current.nominatedAt else { return nil }
        let later = open.filter { $0.id != selected && Self.isEarlier(nominatedAt, $0.path.nominatedAt) }
        guard let latest = later.max(by: { Self.isEarlier($0.path.nominatedAt, $1.path.nominatedAt) }) else { return nil }
        return (latest.id, nominatedAt.advanced(by: policy.nominationSettling))
    }

    private static func isEarlier(_ one: MonotonicTime?, _ other: MonotonicTime?) -> Bool {
        guard let other else { return false }
        guard let one else { return true }
        return one < other
    }

    // MARK: Time

    /// When sending on this path has to stop.
    func consentEnd(of path: Path) -> MonotonicTime { path.checkedAt.advanced(by: policy.consentLimit) }

    /// When a path expires or a later nomination takes over.
    var deadline: MonotonicTime? {
        let expiry = open.map { consentEnd(of: $0.path) }.min()
        guard let challenge else { return expiry }
        return expiry.map { min($0, challenge.at) } ?? challenge.at
    }
}
