import Bridge

/// What the event streams of one viewer know: facts come in, and only what is new goes out.
struct WHEPNews: Sendable, Equatable {
    private var isActive: Bool?
    private var viewers: Int?
    private var layers: [WHEPEvent.SectionLayers]?

    /// What a reader that has just come is told: an initial `inactive` is not sent (draft-ietf-wish-whep, inactive event).
    var snapshot: [WHEPEvent] {
        (isActive == true ? [.active] : []) + (layers.map { [.layers($0)] } ?? []) + (viewers.map { [.viewerCount($0)] } ?? [])
    }

    /// The events that this fact makes.
    mutating func note(isActive: Bool) -> [WHEPEvent] {
        defer { self.isActive = isActive }
        guard isActive != self.isActive, isActive || self.isActive != nil else { return [] }
        return [isActive ? .active : .inactive]
    }

    /// The events that this fact makes.
    mutating func note(viewers: Int) -> [WHEPEvent] {
        defer { self.viewers = viewers }
        return viewers == self.viewers ? [] : [.viewerCount(viewers)]
    }

    /// The events that this fact makes.
    mutating func note(layers: [WHEPEvent.SectionLayers]) -> [WHEPEvent] {
        defer { self.layers = layers }
        return layers == self.layers ? [] : [.layers(layers)]
    }
}

/// The event streams of one viewer, and who reads them.
struct WHEPEventStreams: Sendable {
    private struct Entry {
        let kinds: Set<WHEPEvent.Kind>
        var reader: AsyncStream<WHEPEvent>.Continuation?
    }

    /// One page has one; a few more survive reloads.
    private static let limit = 8
    /// Events that may wait for a slow reader; when there are more, the oldest go, since each event replaces the one before of its kind.
    private static let backlog = 32

    private var news = WHEPNews()
    private var entries: [WHEPEventStreamID: Entry] = [:]
    /// Of those who come without a stream of their own.
    private static let common = WHEPEventStreamID("")

    /// Whether anybody listens.
    var hasReaders: Bool { entries.values.contains { $0.reader != nil } }

    /// Throws `tooMany`.
    mutating func open(_ kinds: Set<WHEPEvent.Kind>) throws(WHIPError) -> WHEPEventStreamID {
        guard entries.count < Self.limit else { throw .tooMany("The session has \(Self.limit) event streams.") }
        let id = WHEPEventStreamID(RandomName.make())
        entries[id] = Entry(kinds: kinds)
        return id
    }

    /// The events from now on. Throws `notFound`.
    mutating func read(_ id: WHEPEventStreamID?) throws(WHIPError) -> AsyncStream<WHEPEvent> {
        let id = id ?? Self.common
        if id == Self.common, entries[id] == nil { entries[id] = Entry(kinds: Set(WHEPEvent.Kind.allCases)) }
        guard let entry = entries[id] else { throw .notFound }
        entry.reader?.finish()
        let (stream, reader) = AsyncStream.makeStream(of: WHEPEvent.self, bufferingPolicy: .bufferingNewest(Self.backlog))
        entries[id]?.reader = reader
        for event in news.snapshot where entry.kinds.contains(event.kind) { reader.yield(event) }
        return stream
    }

    /// Throws `notFound`.
    mutating func close(_ id: WHEPEventStreamID) throws(WHIPError) {
        guard let entry = entries.removeValue(forKey: id) else { throw .notFound }
        entry.reader?.finish()
    }

    mutating func closeAll() {
        for entry in entries.values { entry.reader?.finish() }
        entries = [:]
    }

    mutating func note(isActive: Bool) { tell(news.note(isActive: isActive)) }
    mutating func note(viewers: Int) { tell(news.note(viewers: viewers)) }
    mutating func note(layers: [WHEPEvent.SectionLayers]) { tell(news.note(layers: layers)) }

    private mutating func tell(_ events: [WHEPEvent]) {
        for event in events {
            for (id, entry) in entries where entry.kinds.contains(event.kind) {
                if case .terminated? = entry.reader?.yield(event) { entries[id]?.reader = nil }
            }
        }
    }
}

/// Names that are hard to guess (RFC 9725 section 5): 128 bits of the system's generator in hexadecimal.
enum RandomName {
    static func make() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(UInt64.random(in: .min ... .max, using: &random), radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}
