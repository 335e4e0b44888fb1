import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Signaling

/// Rooms: the operator's. Who comes into them has a link, and talks to them over a socket.
struct RoomOperations: Sendable {
    let access: NativeAccess
    let rooms: any RoomCommands
    let links: any RoomLinks
    let publicBase: String
    /// Reads what a room's recordings are to be.
    let recordings: RecordingOperations

    /// 201, or 200 for a room that is open already and is as ordered.
    @Sendable func open(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.operatorGrant(request)
        let body = try await request.object()
        var settings = try Problem.reading { () throws(FieldFault) in try RoomSettings(reading: body) }
        settings.recording = try recordings.order(body)
        guard let text = try body.optionalText("id") else { throw .missingField("id") }
        guard let id = RoomID(named: text) else { throw .invalidField("id", RoomID.rule) }
        let order = RoomOrder(id: id, account: grant.account, settings: settings)
        let opened: (status: RoomStatus, isNew: Bool)
        do throws(BridgeError) {
            opened = try await rooms.open(order)
        } catch {
            throw Problem(error)
        }
        guard opened.status.order == order else { throw Self.exists }
        let response = APIResponse.json(opened.isNew ? .created : .ok, .room(opened.status))
        return opened.isNew ? response.with(.location, "/bridge/v1/rooms/\(id)") : response
    }

    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        let rest = await rooms.rooms().filter { room in page.after.map { $0 < room.order.id.rawValue } ?? true }
        let shown = rest.prefix(page.limit)
        let next = rest.count > page.limit ? shown.last?.order.id.rawValue : nil
        return .json(.ok, .object([.init("rooms", .array(shown.map(JSONText.room))), .init("next", .optional(next))]))
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse { .json(.ok, .room(try await room(request))) }

    /// Returns when everybody was told.
    @Sendable func close(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await administer(.close, request)
        return APIResponse(status: .noContent)
    }

    // MARK: - Links

    /// The token stands in the page's fragment, which browsers never send.
    @Sendable func makeLink(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let room = try await room(request)
        let body = try await request.object()
        let order = try Problem.reading { () throws(FieldFault) in
            try RoomLinkOrder(reading: body, in: room.order.id, of: room.order.account, seats: room.seats)
        }
        guard let origin = PublicOrigin(base: publicBase, request: request) else {
            throw Problem(.badRequest, "invalid_field", "The Host field names no host.", field: "host")
        }
        do throws(AccessError) {
            return .json(.created, .roomLink(try await links.makeLink(order), origin))
        } catch {
            throw .token(error)
        }
    }

    /// Also for a link that nobody has used, and in a room that is over by now.
    @Sendable func revokeLink(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let id = request.parameters["link"] ?? ""
        guard (1...64).contains(id.utf8.count), id.isOneLine else { throw .invalidField("link", "the id of a link") }
        do throws(AccessError) {
            try await links.revokeLink(id)
        } catch {
            throw .token(error)
        }
        await rooms.linkRevoked(id, in: self.id(request))
        return APIResponse(status: .noContent)
    }

    // MARK: - Participants

    @Sendable func admit(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await administer(.admit(participant(request)), request)
        return APIResponse(status: .noContent)
    }

    @Sendable func deny(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await administer(.deny(participant(request)), request)
        return APIResponse(status: .noContent)
    }

    /// They cannot come back, and their link is worth nothing any more.
    @Sendable func remove(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await administer(.remove(participant(request)), request)
        return APIResponse(status: .noContent)
    }

    /// Holds for what they publish later, too.
    @Sendable func mute(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let body = try await request.object()
        guard let member = body["muted"], !member.isNull else { throw .missingField("muted") }
        guard let isMuted = member.bool else { throw .invalidField("muted", "true or false") }
        let words = RoomTrackKind.allCases.map(\.rawValue).joined(separator: ", ")
        var kinds = Set(RoomTrackKind.allCases)
        if let word = try body.optionalText("kind") {
            guard let kind = RoomTrackKind(rawValue: word) else { throw .invalidField("kind", "one of \(words)") }
            kinds = [kind]
        }
        do throws(RoomError) {
            try await rooms.mute(participant(request), kinds, isMuted: isMuted, in: id(request))
        } catch {
            throw Problem(error)
        }
        return APIResponse(status: .noContent)
    }

    // MARK: - Cameras

    /// 201, or 200 for an order that holds already.
    @Sendable func seat(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let body = try await request.object()
        let order: SeatOrder
        do throws(RTMError) {
            order = try RoomForm.seatOrder(in: body)
        } catch {
            throw Problem(error)
        }
        do throws(RoomError) {
            let (seat, isNew) = try await rooms.seat(order, in: id(request))
            let response = APIResponse.json(isNew ? .created : .ok, JSONText(RoomMessage.value(seat)))
            return isNew ? response.with(.location, "/bridge/v1/rooms/\(id(request))/cameras/\(seat.id)") : response
        } catch {
            throw Problem(error)
        }
    }

    @Sendable func seats(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let seats = try await room(request).seats.map { JSONText(RoomMessage.value($0)) }
        return .json(.ok, .object([.init("cameras", .array(seats))]))
    }

    @Sendable func unseat(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await administer(.unseat(SeatID(request.parameters["seat"] ?? "")), request)
        return APIResponse(status: .noContent)
    }

    // MARK: - Pieces

    private static let exists = Problem(
        .conflict, "room_exists", "A room of this name is open with other settings; close it first, or take another name.")

    private func id(_ request: APIRequest) -> RoomID { RoomID(request.parameters["room"] ?? "") }

    private func participant(_ request: APIRequest) -> ParticipantID { ParticipantID(request.parameters["participant"] ?? "") }

    private func room(_ request: APIRequest) async throws(Problem) -> RoomStatus {
        try await access.operatorGrant(request)
        guard let status = await rooms.room(id(request)) else {
            throw Problem(.notFound, "room_closed", "There is no such room, or it is over; list those that are open.")
        }
        return status
    }

    private func administer(_ command: RoomCommand, _ request: APIRequest) async throws(Problem) {
        try await access.operatorGrant(request)
        do throws(RoomError) {
            try await rooms.administer(command, in: id(request))
        } catch {
            throw Problem(error)
        }
    }
}

extension Problem {
    /// A room's refusal, put into HTTP.
    init(_ error: RoomError) {
        let status: HTTPResponse.Status =
            switch error.code {
            case .invalidField: .badRequest
            case .notFound, .roomClosed: .notFound
            case .alreadySeated, .alreadyPublished, .alreadyJoined, .seatEnded, .notJoined, .notRecorded, .recordingUnavailable: .conflict
            case .limitReached, .roomFull, .accountFull, .rateLimited: .tooManyRequests
            case .linkExpired, .linkRevoked, .wrongRoom, .removed, .denied, .knockTimeout, .forbidden: .forbidden
            }
        self.init(status, error.code.rawValue, error.message, retryAfter: status == .tooManyRequests ? 5 : nil)
    }

    /// What is wrong with a member that sockets send, too.
    init(_ error: RTMError) { self.init(.badRequest, error.code.rawValue, error.message, field: error.field) }
}
