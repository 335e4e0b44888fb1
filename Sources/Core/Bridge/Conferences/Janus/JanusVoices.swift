package import BridgeModel

/// Who is heard of a Janus room: one subscriber for each of the others who send sound. Pure: what is heard in, what is to be said out.
///
/// Each has a handle and a transport of their own, which are thrown away whole: webrtcbin 1.22 cannot take sections in and out while it runs, and so
/// nobody's sound breaks off because somebody else comes or goes. Who could not be heard is tried again for as long as they publish, after pauses that
/// double, and has no place meanwhile.
package struct JanusVoices: Sendable {
    /// What is to be said to the server.
    package enum Request: Sendable, Equatable {
        /// A handle for this voice; to be answered with `attached` or `lost`.
        case attach(VoiceNumber)
        /// Subscribes; to be answered with `taken` or `lost`. What comes of it is heard.
        case join(VoiceNumber, handle: Int, feed: JanusFeed, mid: String, privateID: Int?)
        /// To be answered with `taken` or `lost`.
        case start(VoiceNumber, handle: Int, sdp: String)
        case detach(handle: Int)
    }

    /// What follows.
    package enum Effect: Sendable, Equatable {
        case ask(Request)
        /// Somebody's complete offer, to be answered.
        case offered(VoiceNumber, sdp: String)
        /// It is over at the server, or is given up.
        case ended(VoiceNumber)
    }

    private enum Phase: Equatable {
        case attaching
        case joining(handle: Int, JanusDescription)
        case offered(handle: Int)
        case listening(handle: Int)

        var handle: Int? {
            switch self {
            case .attaching: nil
            case .joining(let handle, _), .offered(let handle), .listening(let handle): handle
            }
        }
    }

    private struct Voice {
        var feed: JanusFeed
        var mid: String
        var phase = Phase.attaching
        /// When it is given up unless something comes of it; nil where somebody here has to say something first.
        var until: MonotonicTime?
        var isHeard = false
    }

    /// Of a publisher who could not be heard.
    private struct Rest {
        var failures = 0
        /// When they are tried again; nil while they are.
        var until: MonotonicTime?
    }

    /// A transport each: who comes later is heard when somebody leaves.
    package static let most = 16
    /// How long the server may take for an offer, and a transport to come up.
    package static let patience = Duration.seconds(15)
    /// Between attempts at one publisher: the first pause, each twice as long, and the longest.
    package static let (firstPause, longestPause) = (Duration.seconds(1), Duration.seconds(60))
    /// Publishers that are remembered.
    private static let mostPublishers = 1024

    /// The others who send sound, in the order in which they came.
    private var publishers: [(feed: JanusFeed, mid: String)] = []
    private var rests: [JanusFeed: Rest] = [:]
    private var voices: [VoiceNumber: Voice] = [:]
    private var last: VoiceNumber = 0
    private var own: (feed: JanusFeed?, privateID: Int?)

    package init() {}

    /// When `expire` is to be called.
    package var deadline: MonotonicTime? { (voices.values.compactMap(\.until) + rests.values.compactMap(\.until)).min() }

    // MARK: - What is heard

    /// What the room says to our publisher: who is there, comes and goes.
    package mutating func hear(_ event: JanusEvent) -> [Effect] {
        if let feed = event.ownFeed { own = (feed, event.privateID) }
        var effects: [Effect] = []
        for publisher in event.publishers where publisher.feed != own.feed { effects += note(publisher) }
        if let gone = event.goneFeed { effects += forget(gone) }
        return effects + arrange()
    }

    /// What is said about a handle that is not our publisher's.
    package mutating func hear(_ content: JanusMessage.Content, of handle: Int, now: MonotonicTime) -> [Effect] {
        guard let (number, voice) = voices.first(where: { $0.value.phase.handle == handle }) else { return [] }
        switch content {
        case .event(let event):
            if event.errorCode != nil || event.isKicked { return lost(number, now: now) }
            guard let offer = event.offer else { return [] }
            // Another offer for one that is heard: its sections have changed, and a new subscriber takes its place.
            guard case .joining(_, var description) = voice.phase else { return renewed(number) }
            description.sdp = offer
            return offered(number, handle, description)
        case .candidate(let candidate):
            guard case .joining(_, var description) = voice.phase else { return [] }
            description.add(candidate)
            return offered(number, handle, description)
        case .hangup, .detached, .failure: return lost(number, now: now)
        case .success, .acknowledged, .timeout, .notice: return []
        }
    }

    private mutating func offered(_ number: VoiceNumber, _ handle: Int, _ description: JanusDescription) -> [Effect] {
        guard let sdp = description.complete else {
            voices[number]?.phase = .joining(handle: handle, description)
            return []
        }
        voices[number]?.phase = .offered(handle: handle)
        voices[number]?.until = nil
        return [.offered(number, sdp: sdp)]
    }

    // MARK: - What came of requests, and of voices here

    /// The server made a handle.
    package mutating func attached(_ number: VoiceNumber, handle: Int) -> [Effect] {
        guard let voice = voices[number], voice.phase == .attaching else { return [.ask(.detach(handle: handle))] }
        voices[number]?.phase = .joining(handle: handle, JanusDescription())
        return [.ask(.join(number, handle: handle, feed: voice.feed, mid: voice.mid, privateID: own.privateID))]
    }

    /// The server has taken what was asked last of it, and something has to come of that.
    package mutating func taken(_ number: VoiceNumber, now: MonotonicTime) -> [Effect] {
        switch voices[number]?.phase {
        // No handle came with it.
        case .attaching: return lost(number, now: now)
        case .joining: voices[number]?.until = now.advanced(by: Self.patience)
        case .listening where voices[number]?.isHeard == false: voices[number]?.until = now.advanced(by: Self.patience)
        case .offered, .listening, nil: break
        }
        return []
    }

    /// Our answer to its offer.
    package mutating func answered(_ number: VoiceNumber, sdp: String) -> [Effect] {
        guard case .offered(let handle) = voices[number]?.phase else { return [] }
        voices[number]?.phase = .listening(handle: handle)
        return [.ask(.start(number, handle: handle, sdp: sdp))]
    }

    /// It is heard.
    package mutating func connected(_ number: VoiceNumber) {
        guard let feed = voices[number]?.feed else { return }
        rests[feed] = nil
        voices[number]?.isHeard = true
        voices[number]?.until = nil
    }

    /// A request for it failed, or its transport did: it is tried again after a pause.
    package mutating func lost(_ number: VoiceNumber, now: MonotonicTime) -> [Effect] {
        if let feed = voices[number]?.feed {
            var rest = rests[feed] ?? Rest()
            rest.until = now.advanced(by: min(Self.longestPause, Self.firstPause * (1 << min(rest.failures, 16))))
            rest.failures += 1
            rests[feed] = rest
        }
        return renewed(number)
    }

    /// `deadline` has come: who is waited for in vain is given up for now, and who rested is tried.
    package mutating func expire(now: MonotonicTime) -> [Effect] {
        for (feed, rest) in rests where rest.until.map({ $0 <= now }) == true { rests[feed]?.until = nil }
        let late = voices.filter { $0.value.until.map { $0 <= now } == true }.keys.sorted()
        return late.flatMap { lost($0, now: now) } + arrange()
    }

    /// Nothing is left of them here: all are subscribed anew.
    package mutating func restart() -> [Effect] {
        rests = [:]
        return voices.keys.sorted().flatMap { end($0) } + arrange()
    }

    private mutating func renewed(_ number: VoiceNumber) -> [Effect] { end(number) + arrange() }

    // MARK: - Who is heard

    private mutating func note(_ publisher: JanusEvent.Publisher) -> [Effect] {
        rests[publisher.feed] = nil
        guard let mid = publisher.sound else { return forget(publisher.feed) }
        guard let place = publishers.firstIndex(where: { $0.feed == publisher.feed }) else {
            if publishers.count < Self.mostPublishers { publishers.append((publisher.feed, mid)) }
            return []
        }
        guard publishers[place].mid != mid else { return [] }
        publishers[place].mid = mid
        return endVoice(of: publisher.feed)
    }

    private mutating func forget(_ feed: JanusFeed) -> [Effect] {
        publishers.removeAll { $0.feed == feed }
        rests[feed] = nil
        return endVoice(of: feed)
    }

    private mutating func endVoice(of feed: JanusFeed) -> [Effect] {
        voices.first { $0.value.feed == feed }.map { end($0.key) } ?? []
    }

    private mutating func end(_ number: VoiceNumber) -> [Effect] {
        guard let voice = voices.removeValue(forKey: number) else { return [] }
        return (voice.phase.handle.map { [.ask(.detach(handle: $0))] } ?? []) + [.ended(number)]
    }

    /// Begins with those who are not heard yet, as many as there is room for.
    private mutating func arrange() -> [Effect] {
        let heard = Set(voices.values.map(\.feed))
        let waiting = publishers.filter { !heard.contains($0.feed) && rests[$0.feed]?.until == nil }
        return waiting.prefix(Self.most - voices.count).map { publisher in
            last += 1
            voices[last] = Voice(feed: publisher.feed, mid: publisher.mid)
            return .ask(.attach(last))
        }
    }
}
