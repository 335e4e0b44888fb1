internal import Bridge
internal import BridgeModel

/// Which of the participants' peers are meant now: news of one that was closed or replaced is no news any more. Pure.
struct RoomPeerBook {
    /// A participant's peer.
    struct Key: Hashable {
        var participant: ParticipantID
        var kind: RoomPeerKind
    }

    private var current: [Key: Int] = [:]
    private var unanswered: [ParticipantID: RoomSocketEvent] = [:]
    private var last = 0

    /// A number for a peer that is to be made.
    mutating func next() -> Int {
        last += 1
        return last
    }

    /// The number of the peer that there is; nil when there is none.
    func number(_ key: Key) -> Int? { current[key] }

    /// There is a new peer. Whether it took another one's place.
    mutating func enter(_ key: Key, _ number: Int) -> Bool { current.updateValue(number, forKey: key) != nil }

    /// There is none any more.
    mutating func remove(_ key: Key) {
        current[key] = nil
        if key.kind == .subscribe { unanswered[key.participant] = nil }
    }

    /// The newest offer of a subscribing peer, kept until it is answered: who returns by another socket is sent it again.
    mutating func keep(_ offer: RoomSocketEvent, for participant: ParticipantID) { unanswered[participant] = offer }

    mutating func answered(_ participant: ParticipantID) { unanswered[participant] = nil }

    func unansweredOffer(to participant: ParticipantID) -> RoomSocketEvent? { unanswered[participant] }
}
