import Bridge
import BridgeModel

extension SessionMachine {
    /// NEGOTIATING, ACTIVE and DETACHED are one shape: they differ in whether the peer is connected and a socket attached.
    enum State: Sendable {
        case unstarted(Unstarted)
        case running(Running)
        case ending(Ending)
        case terminated
    }

    /// NEW: nothing outside knows of the session yet.
    struct Unstarted: Sendable {
        var expiresAt: MonotonicTime
        /// Candidates that came before the offer was accepted (6.4 rule 5).
        var candidates: [IceCandidate] = []
        var opening: Opening?
        /// Asked for while an opening was under way; acted on when its outcome is known.
        var endRequested: TerminationCause?
    }

    /// An offer that is being accepted.
    struct Opening: Sendable {
        var peer: Peer
        var webhookURL: Redacted<String>?
    }

    struct Running: Sendable {
        var current: Peer
        /// A second peer that takes over from `current` (6.4 rule 6).
        var successor: Peer?
        /// When `current` is released although its successor is not connected.
        var releaseAt: MonotonicTime?
        var startedAt: MonotonicTime
        var disconnectedAt: MonotonicTime?
        var detachedAt: MonotonicTime?
        /// When the client broke the media of `current` off.
        var brokenOffAt: MonotonicTime?
        var recording = RecordingSlot()
        var layers = LayerNews()

        /// The peer that the client's newest offer made.
        var newest: Peer {
            get { successor ?? current }
            set { if successor == nil { current = newValue } else { successor = newValue } }
        }

        /// The successor becomes the only peer.
        mutating func promote() {
            guard let successor else { return }
            current = successor
            self.successor = nil
            releaseAt = nil
            disconnectedAt = nil
            brokenOffAt = nil
            // A choice is a peer's.
            layers.choice = LayerChoice()
            layers.told = nil
        }

        /// The successor is gone: `current` goes on alone.
        mutating func dropSuccessor() {
            successor = nil
            releaseAt = nil
        }
    }

    /// ENDING: the end is on its way into the outbox.
    struct Ending: Sendable {
        var cause: TerminationCause
        var message: String
        var peers: [PeerID]
        /// When the socket is closed without waiting longer; nil once it was.
        var giveUpAt: MonotonicTime?
    }

    struct Peer: Sendable {
        let slot: PeerSlot
        /// The socket that brought the offer.
        let socket: SocketID
        let offer: String
        /// The offer of its newest ICE restart.
        var restartOffer: String?
        let openedAt: MonotonicTime
        /// nil until `openPeer` has returned.
        var id: PeerID?
        var answer: String?
        /// Candidates of ours that were found before the answer could be sent.
        var unsentCandidates: [IceCandidate] = []
        var isConnected = false
        /// Set when it ended before its session was recorded, or waits for its client's last word.
        var end: PeerEnd?
    }

    struct PeerEnd: Sendable {
        var error: BridgeError?
    }

    /// The one recording that the client controls; finished ones only report.
    struct RecordingSlot: Sendable {
        var active: RecordingID?
        var isStarting = false
        /// A recording that was over before `startRecording` returned.
        var overBeforeStart: RecordingID?
    }
}

extension SessionMachine {
    /// What a viewer knows of its layers.
    struct LayerNews: Sendable {
        /// In force for the current peer.
        var choice = LayerChoice()
        /// What the owner was told last; nil: nothing yet.
        var told: [VideoLayer]?
        /// When to look again; nil while a look is under way, and before the media is up.
        var lookAt: MonotonicTime?
    }
}

/// Replies leave in the order of their requests (6.4 rule 3): while one waits for the bridge, later messages wait here.
struct MessageLine: Sendable {
    enum Item: Sendable, Equatable {
        case request(RTMRequest, from: SocketID)
        case fault(RTMFault, from: SocketID)
        /// Kept from before the offer, counted already.
        case buffered(IceCandidate)
    }

    /// What the line waits for.
    enum Hold: Sendable, Equatable {
        /// The outcome of the call that this message made.
        case outcome(of: RTMRequest.Kind, from: SocketID?)
        case answer(PeerSlot)
    }

    private var items: [Item] = []
    var hold: Hold?
    let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// False when the line is full.
    mutating func append(_ item: Item) -> Bool {
        guard items.count < capacity else { return false }
        items.append(item)
        return true
    }

    /// Puts the candidates from before the offer first.
    mutating func prepend(_ candidates: [IceCandidate]) { items.insert(contentsOf: candidates.map(Item.buffered), at: 0) }

    /// The next message whose turn has come; nil while the line is held or empty.
    mutating func next() -> Item? { hold == nil && !items.isEmpty ? items.removeFirst() : nil }

    /// Drops everything: the session is over.
    mutating func clear() {
        items = []
        hold = nil
    }
}
