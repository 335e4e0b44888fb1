package import BridgeModel

/// A participant, as everybody in the room knows them.
package struct RoomParticipant: Sendable, Equatable {
    package let id: ParticipantID
    package let role: RoomRole
    package var name: String
    package var presence = Presence.here
    /// Their place among the raised hands: the lowest was raised first. nil: it is down.
    package var hand: Int?
    /// Words of the application; at most `RoomText.metadataBytes`.
    package var metadata: [String: String] = [:]

    /// Somebody who is there.
    package init(id: ParticipantID, role: RoomRole, name: String) {
        self.id = id
        self.role = role
        self.name = name
    }

    /// Whether they are there.
    package enum Presence: String, Sendable, CaseIterable {
        case here
        /// Their socket or camera was lost; their place is kept.
        case away
    }
}

/// A participant with what the room keeps of them for itself.
struct RoomMember: Sendable {
    var info: RoomParticipant
    /// The link that they came by.
    var link: String
    /// The seat that they sit on, for cameras.
    let seat: SeatID?
    /// nil: it was lost, or the bridge joins this camera itself.
    var socket: RoomSocketID?
    /// When their place is given up, or a camera's tracks are.
    var awayUntil: MonotonicTime?
    /// What they take.
    var receives: Set<MediaKind> = [.audio, .video]
    /// Whether there is a way to send to them.
    var canReceive = true
    var pins: [RoomTrackID] = []
    var views: [RoomTrackID: TrackView] = [:]
    /// Where everybody sees their pointer.
    var pointsAt: RoomTrackID?
    /// Whether they take the room as one picture and one sound.
    var single = RoomSingle.off
    /// What the media plane was told last.
    var subscriptions: [RoomSubscription] = []
    /// What there was no room for, as they were told last.
    var unsent: [RoomTrackID] = []
    var renewals = SubscriberRenewals()
    var rates: RoomRates

    var id: ParticipantID { info.id }
}

/// The room as one picture and one sound, for whom a picture of each is too much.
enum RoomSingle: Sendable {
    case off
    /// It is being made; until then they are sent all tracks.
    case awaited
    case on
}

/// When the peer that a participant is sent by is made anew: soon after a loss, and ever later while one loss follows the other, as when the engine is
/// full or a page's transport never comes up.
struct SubscriberRenewals: Sendable {
    private static let first = Duration.milliseconds(50)
    private static let longest = Duration.seconds(5)
    /// A peer that lived so long was no failure.
    private static let steady = Duration.seconds(10)

    private var pause = first
    private var lastLoss: MonotonicTime?
    /// Until then nothing is sent; nil: now.
    private(set) var until: MonotonicTime?

    mutating func lost(now: MonotonicTime) {
        let isSteady = lastLoss.map { now.duration(since: $0) >= Self.steady } ?? true
        pause = isSteady ? Self.first : min(pause * 2, Self.longest)
        lastLoss = now
        until = now.advanced(by: pause)
    }

    /// Whether it is time; from then on it is.
    mutating func isDue(now: MonotonicTime) -> Bool {
        guard let until, now < until else {
            until = nil
            return true
        }
        return false
    }
}

/// One participant's budgets.
struct RoomRates: Sendable {
    var chat: RateLimit
    var pointer: RateLimit
    var drawing: RateLimit
    var orders: RateLimit
    var changes: RateLimit

    init(_ limits: RoomLimits) {
        chat = RateLimit(limits.chat)
        pointer = RateLimit(limits.pointer)
        drawing = RateLimit(limits.drawing)
        orders = RateLimit(limits.orders)
        changes = RateLimit(limits.changes)
    }
}

/// Somebody who waits to be let in.
struct RoomKnock: Sendable {
    var request: RoomJoin
    var until: MonotonicTime

    var id: ParticipantID { request.grant.participant }
}

/// Bounds of what people write.
package enum RoomText {
    /// Bytes of a name.
    package static let nameBytes = 128
    /// Bytes of a chat message.
    package static let chatBytes = 2000
    /// Bytes of a text on a board.
    package static let labelBytes = 280
    /// Members of the metadata.
    package static let metadataMembers = 16
    /// Bytes of all names and values of the metadata.
    package static let metadataBytes = 2048

    /// Why this cannot be a name; nil when it can.
    package static func nameFault(_ text: String) -> RoomError? {
        guard (1...nameBytes).contains(text.utf8.count), text.isOneLine else {
            return RoomError(.invalidField, "a name has 1 to \(nameBytes) bytes and no control characters")
        }
        return nil
    }

    /// Why this cannot be metadata; nil when it can.
    package static func metadataFault(_ metadata: [String: String]) -> RoomError? {
        let bytes = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard metadata.count <= metadataMembers, bytes <= metadataBytes, metadata.keys.allSatisfy({ !$0.isEmpty }) else {
            return RoomError(.invalidField, "metadata has at most \(metadataMembers) named members and \(metadataBytes) bytes")
        }
        return nil
    }
}
