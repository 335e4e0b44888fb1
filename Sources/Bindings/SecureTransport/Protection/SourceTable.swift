/// The state of one synchronisation source.
protocol Source {
    var ssrc: UInt32 { get }
}

/// The sources of one direction: a handful as a rule, so they lie in a row, and the one that was found last is tried first. No source is ever forgotten,
/// since one that comes back with its first sequence numbers would use its key stream again, or be open to replay.
struct SourceTable<State: Source> {
    private var sources: [State] = []
    private var lastFound = 0
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// Whether one more may be added.
    var hasRoom: Bool { sources.count < capacity }

    /// Where a source is.
    mutating func position(of ssrc: UInt32) -> Int? {
        if lastFound < sources.count, sources[lastFound].ssrc == ssrc { return lastFound }
        guard let position = sources.firstIndex(where: { $0.ssrc == ssrc }) else { return nil }
        lastFound = position
        return position
    }

    /// Adds a source that is not there; throws `tooManySources` when there is no room.
    mutating func append(_ source: State) throws(ProtectionError) -> Int {
        guard hasRoom else { throw .tooManySources }
        sources.append(source)
        lastFound = sources.count - 1
        return lastFound
    }

    subscript(position: Int) -> State {
        get { sources[position] }
        set { sources[position] = newValue }
        _modify { yield &sources[position] }
    }
}
