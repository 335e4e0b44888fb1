package import BridgeModel

/// Tells the guests of one composite apart.
package struct CompositeGuestID: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One of those whom a composite shows or lets be heard.
package struct CompositeGuest: Sendable, Equatable {
    package var id: CompositeGuestID
    /// For people.
    package var name: String
    /// Of a room; nil for a stream.
    package var participant: ParticipantID?
    /// It is what the participant shows, not they themselves.
    package var isScreen = false
    /// Nil when nothing comes now.
    package var source: Source?
    /// Its name is seen, not its picture.
    package var isCovered = false
    /// Its sound is not heard.
    package var isSilenced = false

    /// What is taken of a stream of the hub.
    package struct Source: Sendable, Equatable {
        package var stream: StreamID
        package var tracks: [TrackDescription]
        /// Another one's packets are others, though all else is the same.
        package var generation: [RoomTrackID] = []

        package init(stream: StreamID, tracks: [TrackDescription]) {
            self.stream = stream
            self.tracks = tracks
        }
    }

    package init(id: CompositeGuestID, name: String, source: Source?) {
        self.id = id
        self.name = name
        self.source = source
    }
}

/// Who is in a composite, and who has the large place. Pure.
package struct CompositeCast: Sendable, Equatable {
    /// Each once.
    package var guests: [CompositeGuest]
    /// Nil leaves the place to whoever has it.
    package var focus: CompositeGuestID?

    /// Of streams, there or not yet.
    package init(_ content: CompositeContent, live: [StreamID: [TrackDescription]]) {
        guests = content.inputs.map { input in
            let source = live[input.stream].map { CompositeGuest.Source(stream: input.stream, tracks: CompositeInput.usable(of: $0)) }
            return CompositeGuest(id: CompositeGuestID(input.stream.rawValue), name: input.name, source: source)
        }
        focus = content.focus.map { CompositeGuestID($0.rawValue) }
    }

    /// Of a room: everybody who publishes a camera or a microphone, and every screen. `isPicture`: false leaves out whom one cannot hear.
    package init(_ view: RoomView, without left: Set<ParticipantID>, layout: CompositeLayout, isPicture: Bool) {
        let names = Dictionary(view.people.map { ($0.id, Self.shortened($0.name)) }, uniquingKeysWith: { first, _ in first })
        let tracks = view.tracks.filter { !left.contains($0.track.owner) }
        let people = view.people.compactMap { person -> CompositeGuest? in
            let own = tracks.filter { $0.track.owner == person.id && $0.track.kind != .screen }
            return CompositeGuest(person.id, name: names[person.id] ?? "", own)
        }
        let screens = tracks.filter { $0.track.kind == .screen }.map { CompositeGuest(screen: $0, name: names[$0.track.owner] ?? "") }
        guests = isPicture ? screens + people : people.filter { $0.source?.tracks.contains { $0.kind == .audio } ?? false }
        guard isPicture else {
            // Whoever cannot be heard now takes nobody's place.
            guests = guests.filter { !$0.isSilenced } + guests.filter(\.isSilenced)
            limit()
            return
        }
        focus = Self.focus(of: view, tracks, layout.arrangement)
        limit()
    }

    /// Whoever has the large place is among those who are left.
    private mutating func limit() {
        guard guests.count > CompositeLayout.mostInputs else { return }
        if let index = guests.firstIndex(where: { $0.id == focus }) { guests.swapAt(0, index) }
        guests.removeLast(guests.count - CompositeLayout.mostInputs)
    }

    private static func shortened(_ name: String) -> String { String(name.prefix(64)) }

    /// What a host put into the light; else a screen, but where speakers are what it is about; else who speaks. A grid has no large place.
    private static func focus(
        of view: RoomView, _ tracks: [RoomView.Track], _ arrangement: CompositeLayout.Arrangement
    ) -> CompositeGuestID? {
        if arrangement == .grid { return nil }
        let screens = tracks.filter { $0.track.kind == .screen && !$0.track.isMuted }.map(\.track)
        let light = view.spotlight.compactMap { id in tracks.first { $0.track.id == id }?.track }
        let screen = arrangement == .speaker ? nil : screens.last { view.spotlight.contains($0.id) } ?? screens.last
        let track = arrangement == .presentation ? screen ?? light.first : light.first ?? screen
        if let track { return CompositeGuestID(track) }
        guard let speaker = view.speaker, tracks.contains(where: { $0.track.owner == speaker }) else { return nil }
        return CompositeGuestID(face: speaker)
    }
}

extension CompositeGuestID {
    fileprivate init(face participant: ParticipantID) { self.init("person:\(participant)") }

    /// Whose place shows the track.
    fileprivate init(_ track: RoomTrack) {
        if track.kind == .screen { self.init("screen:\(track.id)") } else { self.init(face: track.owner) }
    }
}

extension CompositeGuest {
    /// A participant by their camera and microphone; nil for one who publishes neither.
    fileprivate init?(_ participant: ParticipantID, name: String, _ tracks: [RoomView.Track]) {
        guard !tracks.isEmpty else { return nil }
        let camera = tracks.first { $0.track.kind == .camera && $0.source != nil }
        let microphone = tracks.first { $0.track.kind == .microphone && $0.source != nil }
        self.init(id: CompositeGuestID(face: participant), name: name, source: Source([camera, microphone]))
        self.participant = participant
        isCovered = camera?.track.isMuted ?? true
        isSilenced = microphone?.track.isMuted ?? true
    }

    fileprivate init(screen: RoomView.Track, name: String) {
        self.init(id: CompositeGuestID(screen.track), name: name, source: Source([screen]))
        participant = screen.track.owner
        isScreen = true
        isCovered = screen.track.isMuted || screen.source == nil
        isSilenced = true
    }
}

extension CompositeGuest.Source {
    /// Of tracks that one stream carries, since they have one clock; nil where there is nothing that can be decoded.
    fileprivate init?(_ candidates: [RoomView.Track?]) {
        let all = candidates.compactMap { $0 }
        guard let stream = all.first?.source?.stream else { return nil }
        let own = all.filter { $0.source?.stream == stream }
        let tracks = CompositeInput.usable(of: own.compactMap { $0.source?.description })
        guard !tracks.isEmpty else { return nil }
        self.init(stream: stream, tracks: tracks)
        generation = own.map(\.track.id)
    }
}
