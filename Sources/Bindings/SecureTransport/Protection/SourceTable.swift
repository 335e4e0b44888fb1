/// The state of one synchronisation source.
protocol Source {
    var ssrc: UInt32 { get }
}

/// The sources of one direction: a handful as a rule, so they lie in a row, and where one was found last is looked at first. No source is ever forgotten,
/// since one that comes back with its first sequence numbers would use its key stream again, or be open to replay.
struct SourceTable<State: Source> {
    private var sources: [State] = []
    /// Where sources were found, by the last bits of their numbers: those of a room's people take turns.
    private var found = InlineArray<16, UInt16>(repeating: 0)
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// Whether one more may be added.
    var hasRoom: Bool { sources.count < capacity }

    /// Where a source is.
    mutating func position(of ssrc: UInt32) -> Int? {
        let hint = Int(found[Self.place(of: ssrc)])
        if hint < sources.count, sources[hint].ssrc == ssrc { return hint }
        guard let position = sources.firstIndex(where: { $0.ssrc == ssrc }) else { return nil }
        note(position, of: ssrc)
        return position
    }

    /// Adds a source that is not there; throws `tooManySources` when there is no room.
    mutating func append(_ source: State) throws(ProtectionError) -> Int {
        guard hasRoom else { throw .tooManySources }
        sources.append(source)
        note(sources.count - 1, of: source.ssrc)
        return sources.count - 1
    }

    private mutating func note(_ position: Int, of ssrc: UInt32) { found[Self.place(of: ssrc)] = UInt16(truncatingIfNeeded: position) }

    private static func place(of ssrc: UInt32) -> Int { Int(ssrc & 15) }

    subscript(position: Int) -> State {
        get { sources[position] }
        set { sources[position] = newValue }
        _modify { yield &sources[position] }
    }
}
