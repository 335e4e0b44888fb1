package import Bridge
package import BridgeModel
internal import Logging

/// The rooms that are open. They live in memory: with the process that holds them they are over.
package actor RoomDirectory {
    /// What an account may have; nil: no limit.
    package struct Limits: Sendable {
        package var roomsOfAccount: Int?
        /// In all its rooms.
        package var participantsOfAccount: Int?

        package init(roomsOfAccount: Int? = nil, participantsOfAccount: Int? = nil) {
            self.roomsOfAccount = roomsOfAccount
            self.participantsOfAccount = participantsOfAccount
        }
    }

    private let services: RoomServices
    private let limits: Limits
    private let surroundings = RoomSurroundings()
    private var directors: [RoomID: RoomDirector] = [:]
    private var sockets: [RoomSocketID: RoomDirector] = [:]
    private var lastSocket: UInt64 = 0
    private var isShutDown = false

    package init(_ services: RoomServices, limits: Limits) {
        self.services = services
        self.limits = limits
    }

    /// Tells the rooms what happens to streams; call it in the order of the changes.
    package func streamChanged(_ change: StreamTable.Change) async {
        let stream = surroundings.take(change)
        for director in directors.values { await director.streamChanged(stream) }
    }

    /// Tells the rooms what happens to the agents of cameras; call it in the order of the changes.
    package func cameraChanged(_ change: CameraRegistry.Change) async {
        surroundings.take(change.camera, of: change.account)
        let stream = StreamID(change.camera.id.rawValue)
        for director in directors.values where director.account == change.account { await director.cameraChanged(stream) }
    }

    /// Ends all rooms and returns when everybody was told. No event follows: `RoomJournal.finish` may be called.
    package func shutDown() async {
        isShutDown = true
        for director in directors.values { try? await director.administer(.close) }
    }

    private func retired(_ room: RoomID) {
        services.logger.info("room ended", metadata: ["room": "\(room)"])
        if let director = directors.removeValue(forKey: room) { sockets = sockets.filter { $0.value !== director } }
    }
}

extension RoomDirectory: RoomCommands {
    package func open(_ order: RoomOrder) async throws(BridgeError) -> (status: RoomStatus, isNew: Bool) {
        guard !isShutDown else { throw BridgeError(.unavailable, "The bridge shuts down; try again when it is back.") }
        if let known = directors[order.id] { return (await known.status, false) }
        if let mode = order.settings.record, let fault = services.recorder?.fault(mode) {
            throw BridgeError(.invalidField, "The room cannot be opened: \(fault.message).")
        }
        let others = directors.values.count { $0.account == order.account }
        if let most = limits.roomsOfAccount, others >= most {
            throw BridgeError(.limitReached, "The account has \(others) rooms, as many as it may; close one of them first.")
        }
        let director = RoomDirector(order, services: services, surroundings: surroundings) { [weak self] in
            await self?.retired(order.id)
        }
        directors[order.id] = director
        await director.begin()
        services.logger.info("room started", metadata: ["room": "\(order.id)"])
        return (await director.status, true)
    }

    package func rooms() async -> [RoomStatus] {
        var all: [RoomStatus] = []
        for director in directors.values { all.append(await director.status) }
        return all.sorted { $0.order.id.rawValue < $1.order.id.rawValue }
    }

    package func room(_ id: RoomID) async -> RoomStatus? { await directors[id]?.status }

    package func administer(_ command: RoomCommand, in room: RoomID) async throws(RoomError) {
        try await director(room).administer(command)
    }

    package func seat(_ order: SeatOrder, in room: RoomID) async throws(RoomError) -> (seat: RoomSeat, isNew: Bool) {
        try await director(room).seat(order)
    }

    package func mute(
        _ participant: ParticipantID, _ kinds: Set<RoomTrackKind>, isMuted: Bool, in room: RoomID
    ) async throws(RoomError) {
        try await director(room).mute(participant, kinds, isMuted: isMuted)
    }

    package func linkRevoked(_ id: String, in room: RoomID) async { await directors[room]?.revoked(id) }

    func director(of room: RoomID) -> RoomDirector? { directors[room] }

    private func director(_ room: RoomID) throws(RoomError) -> RoomDirector {
        guard let director = directors[room] else {
            throw RoomError(.roomClosed, "there is no such room, or it is over; list those that are open")
        }
        return director
    }
}

extension RoomDirectory: RoomDoor {
    package func open(
        _ room: RoomID, token: String, tell: @escaping @Sendable (RoomSocketEvent) -> Void
    ) async throws(BridgeError) -> RoomSocketID {
        let grant = try await grant(of: token)
        // Who has no link to a room does not learn whether it is open.
        guard grant.room == room else { throw Self.otherRoom }
        guard let director = directors[room] else { throw RoomDirector.gone }
        guard grant.account == director.account else { throw Self.otherRoom }
        lastSocket += 1
        let socket = RoomSocketID(lastSocket)
        sockets[socket] = director
        do throws(BridgeError) {
            try await director.enter(socket, RoomSocket(grant: grant, tell: tell))
        } catch {
            sockets[socket] = nil
            throw error
        }
        return socket
    }

    package func receive(_ message: RoomSocketMessage, from socket: RoomSocketID) async {
        guard let director = sockets[socket] else { return }
        let headroom = limits.participantsOfAccount.map { $0 - surroundings.people(of: director.account) }
        await director.receive(message, from: socket, headroom: headroom)
    }

    package func direct(_ order: CameraOrder, _ seat: SeatID, from socket: RoomSocketID) async -> RoomSocketEvent? {
        await sockets[socket]?.direct(order, seat, from: socket)
    }

    package func lost(_ socket: RoomSocketID) async { await sockets.removeValue(forKey: socket)?.lost(socket) }

    private static let otherRoom = BridgeError(
        .forbidden, "The link is for another room; ask whoever runs this room for a link to it.")

    private func grant(of token: String) async throws(BridgeError) -> RoomGrant {
        do throws(AccessError) {
            return try await services.links.grant(of: Redacted(token))
        } catch {
            throw Self.refusal(error)
        }
    }

    private static func refusal(_ error: AccessError) -> BridgeError {
        switch error {
        case .missing, .invalid: BridgeError(.forbidden, "This is no link to a room of this bridge; ask whoever sent it for another one.")
        case .expired: BridgeError(.forbidden, "The link to the room has expired; ask whoever sent it for a new one.")
        case .revoked: BridgeError(.forbidden, "The link to the room was taken back; ask whoever sent it for a new one.")
        case .suspended: BridgeError(.forbidden, "The room's account is disabled; ask whoever runs the bridge.")
        case .unavailable: BridgeError(.unavailable, "Links cannot be checked now; try again in a few seconds.")
        }
    }
}
