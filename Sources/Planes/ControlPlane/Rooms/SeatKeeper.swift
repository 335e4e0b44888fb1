internal import Bridge
internal import BridgeModel
internal import Logging

/// What one seat has to do with its camera's agent, one thing after another and beside all else in the room: the camera is told to send for as long as
/// the seat lasts, and to play what the others say while it is there.
final class SeatKeeper: Sendable {
    /// Only the newest counts: a mix takes a while to begin.
    private let wishes: AsyncStream<Bool>.Continuation

    init(
        _ seat: RoomSeat, room: RoomID, account: AccountID, cameras: (any SeatedCameras)?, mixes: (any RoomMixes)?, logger: Logger
    ) {
        let (stream, wishes) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(1))
        self.wishes = wishes
        guard let cameras else { return }
        let work = SeatWork(seat, room: room, account: account, cameras: cameras, mixes: mixes, logger: logger)
        Task {
            await work.begin()
            for await talks in stream { await work.setTalk(talks) }
            await work.end()
        }
    }

    /// Whether it is there, and can play what the others say.
    func setTalk(_ talks: Bool) { wishes.yield(talks) }

    /// The seat is over; nothing follows.
    func end() { wishes.finish() }
}

/// Its calls come one after another.
private actor SeatWork {
    private let (seat, room, account): (RoomSeat, RoomID, AccountID)
    private let cameras: any SeatedCameras
    private let mixes: (any RoomMixes)?
    private let logger: Logger
    private var talk: StreamID?

    init(
        _ seat: RoomSeat, room: RoomID, account: AccountID, cameras: any SeatedCameras, mixes: (any RoomMixes)?, logger: Logger
    ) {
        (self.seat, self.room, self.account) = (seat, room, account)
        self.cameras = cameras
        self.mixes = mixes
        self.logger = logger
    }

    func begin() async { if isDirected { await tell(need) } }

    func setTalk(_ talks: Bool) async {
        guard let mixes, talks != (talk != nil) else { return }
        guard talks else { return await endTalk(mixes) }
        do throws(BridgeError) {
            talk = try await mixes.mix(of: room, without: seat.participant)
            await tell(need)
        } catch {
            logger.notice(
                "a camera cannot be given the voices of its room", metadata: ["room": "\(room)", "error": "\(error.description)"])
        }
    }

    func end() async {
        if talk != nil || isDirected { await tell(nil) }
        if talk != nil { await mixes?.endMix(of: room, without: seat.participant) }
    }

    private func endTalk(_ mixes: any RoomMixes) async {
        talk = nil
        await tell(isDirected ? need : nil)
        await mixes.endMix(of: room, without: seat.participant)
    }

    /// A stream that is seated comes by itself.
    private var isDirected: Bool { if case .camera = seat.order.source { true } else { false } }

    private var need: CameraNeed { CameraNeed(publishes: isDirected, greatestHeight: seat.order.greatestHeight, talk: talk) }

    private func tell(_ need: CameraNeed?) async {
        await cameras.set(need, by: CameraHold(room: room, seat: seat.id), of: ClientID(seat.order.stream.rawValue), of: account)
    }
}
