internal import Bridge
internal import BridgeModel

/// The sockets at a room's door, and who is in by which. Pure.
struct RoomSockets {
    private var sockets: [RoomSocketID: RoomSocket] = [:]
    private var people: [ParticipantID: RoomSocketID] = [:]

    var count: Int { sockets.count }
    /// In the order in which they came.
    var all: [RoomSocketID] { sockets.keys.sorted() }

    subscript(_ socket: RoomSocketID) -> RoomSocket? { sockets[socket] }

    mutating func open(_ id: RoomSocketID, _ socket: RoomSocket) { sockets[id] = socket }

    /// Nothing is told by this socket any more. False when it was not there.
    mutating func forget(_ id: RoomSocketID) -> Bool {
        guard let socket = sockets.removeValue(forKey: id) else { return false }
        leave(socket.grant.participant, id)
        return true
    }

    /// Takes note of who is in. A socket that is closed is told so in its turn, and nobody is in by it from now on.
    mutating func note(_ effect: RoomMachine.Effect) {
        switch effect {
        case .tell(let sockets, .welcome(let snapshot)): people[snapshot.you] = sockets.first
        case .closeSocket(let id, _): if let socket = sockets[id] { leave(socket.grant.participant, id) }
        default: break
        }
    }

    /// The socket by which somebody is in; nil when they are not, or their socket is lost.
    func socket(of participant: ParticipantID) -> RoomSocketID? { people[participant] }

    /// Who is in by this socket; nil when nobody is.
    func participant(of id: RoomSocketID) -> ParticipantID? {
        guard let participant = sockets[id]?.grant.participant, people[participant] == id else { return nil }
        return participant
    }

    private mutating func leave(_ participant: ParticipantID, _ id: RoomSocketID) {
        if people[participant] == id { people[participant] = nil }
    }
}
