internal import Bridge
internal import BridgeModel

/// The cameras that have seats in a room, and by which stream the bridge has brought them. Pure.
///
/// A camera is brought by the stream that has its name, which its agent begins when it is told to. One that comes by a link of its seat needs no stream.
struct RoomCameras {
    private var seats: [SeatID: RoomSeat] = [:]
    private var streams: [ParticipantID: StreamID] = [:]
    private var heights: [RoomTrackID: Int] = [:]
    private var keepers: [SeatID: SeatKeeper] = [:]

    /// A camera and a stream of one name are the same picture: once in a room.
    func check(_ order: SeatOrder, in seats: [RoomSeat]) throws(RoomError) {
        guard let seated = seats.first(where: { $0.order.stream == order.stream }) else { return }
        throw RoomError(.alreadySeated, "the camera has seat \(seated.id) of this room already; end that one first")
    }

    mutating func seated(_ seat: RoomSeat, keptBy keeper: SeatKeeper) {
        seats[seat.id] = seat
        keepers[seat.id] = keeper
    }

    /// Who talks to the agent of a seat's camera.
    func keeper(of id: SeatID) -> SeatKeeper? { keepers[id] }

    mutating func released(_ id: SeatID) {
        went(id)
        seats[id] = nil
        keepers.removeValue(forKey: id)?.end()
    }

    /// The seats that wait for this stream, or have it.
    func seats(of stream: StreamID) -> [RoomSeat] { seats.values.filter { $0.order.stream == stream } }

    mutating func came(_ id: SeatID, by stream: LiveStream) { streams[.camera(of: id)] = stream.id }

    /// Whether its stream is in the room.
    func isHere(_ id: SeatID) -> Bool { streams[.camera(of: id)] != nil }

    mutating func went(_ id: SeatID) { streams[.camera(of: id)] = nil }

    /// What there is to do of an effect; nil for nothing. `hasSocket`: whether somebody is in by a socket, and has peers of their own.
    mutating func work(for effect: RoomMachine.Effect, hasSocket: (ParticipantID) -> Bool) -> RoomWork? {
        switch effect {
        case .seatCamera, .releaseCamera: return nil
        case .openTrack(let track):
            let seat = seats.values.first { $0.participant == track.owner }
            heights[track.id] = track.kind.media == .video ? seat?.order.greatestHeight : nil
            if let stream = streams[track.owner], !hasSocket(track.owner) { return .openSeated(track, stream) }
        case .dropTrack(let track): heights[track] = nil
        case .subscribe(let participant, let update):
            // Nobody is at a stream's other end who could answer an offer.
            if streams[participant] != nil, !hasSocket(participant) { return nil }
            return .effect(.subscribe(participant, bounded(update)))
        default: break
        }
        return .effect(effect)
    }

    /// As high as a seat's order allows.
    private func bounded(_ update: SubscriptionUpdate) -> SubscriptionUpdate {
        guard !heights.isEmpty else { return update }
        var update = update
        update.added = update.added.map(bounded)
        update.changed = update.changed.map(bounded)
        return update
    }

    private func bounded(_ subscription: RoomSubscription) -> RoomSubscription {
        guard let height = heights[subscription.track] else { return subscription }
        var subscription = subscription
        subscription.bounds.height = min(height, subscription.bounds.height ?? height)
        return subscription
    }
}

extension SeatTrack {
    /// A stream's track, by its place in the stream.
    init(_ track: TrackDescription) { self.init(track.kind == .audio ? .microphone : .camera, mid: String(track.index)) }
}
