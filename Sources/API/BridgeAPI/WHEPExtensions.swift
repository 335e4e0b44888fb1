import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// What a viewer's session offers besides media (draft-ietf-wish-whep, protocol extensions): server-sent events, and the choice of a layer.
struct WHEPExtensions: Sendable {
    let access: WHIPAccess
    let sessions: any WHIPSessions
    let addresses: WHIPAddresses

    /// `POST .../sse`: a stream of the events that the body names, all without one. Names that are not known are passed over.
    @Sendable func open(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let session = try await access.session(request)
        let kinds = try await kinds(request)
        do throws(WHIPError) {
            let stream = try await sessions.openEvents(of: session.context.session, kinds)
            return APIResponse(status: .created).with(.location, addresses.session(session.context, "/sse/\(stream.rawValue)"))
        } catch {
            throw Problem(error)
        }
    }

    private func kinds(_ request: APIRequest) async throws(Problem) -> Set<WHEPEvent.Kind> {
        let all = Set(WHEPEvent.Kind.allCases)
        guard let body = try await request.json() else { return all }
        guard case .array(let items) = body, items.allSatisfy({ $0.string != nil }) else {
            throw Problem(.badRequest, "invalid_field", "The body must be an array of event names.")
        }
        return all.intersection(items.compactMap { $0.string.flatMap(WHEPEvent.Kind.init) })
    }

    /// `GET .../sse` and `.../sse/{events}`: the events as they come.
    @Sendable func read(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let session = try await access.listener(request)
        guard Self.eventStream.isAccepted(by: request.head.headerFields[.accept]) else {
            throw Problem(.notAcceptable, "not_acceptable", "The answer is text/event-stream, which the Accept field excludes.")
        }
        do throws(WHIPError) {
            let stream = request.parameters["events"].map { WHEPEventStreamID($0) }
            let events = try await sessions.events(of: session.context.session, stream: stream)
            let parts = AsyncStream<[UInt8]>(unfolding: {
                for await event in events { return Array(event.text.utf8) }
                return nil
            })
            return APIResponse(status: .ok, fields: [.contentType: Self.eventStream.name], body: .stream(parts))
        } catch {
            throw Problem(error)
        }
    }

    private static let eventStream = MediaType("text/event-stream")

    /// `DELETE .../sse/{events}`: ends a stream of events.
    @Sendable func close(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let session = try await access.session(request)
        do throws(WHIPError) {
            try await sessions.closeEvents(WHEPEventStreamID(request.parameters["events"] ?? ""), of: session.context.session)
        } catch {
            throw Problem(error)
        }
        return APIResponse(status: .ok)
    }

    /// `POST .../layer`: what the viewer wants to be sent; an empty object leaves it to the bridge again.
    @Sendable func selectLayer(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let session = try await access.session(request)
        guard !session.isOver else { throw .noSuchSession }
        guard let body = try await request.json(), case .object = body else {
            throw Problem(.badRequest, "not_an_object", "The body must be a JSON object.")
        }
        let (choice, section) = try Self.choice(body)
        do throws(WHIPError) {
            try await sessions.selectLayer(choice, section: section, for: session.context.session)
        } catch {
            throw Problem(error)
        }
        return APIResponse(status: .ok)
    }

    private static func choice(_ body: JSONValue) throws(Problem) -> (LayerChoice, section: Int?) {
        var choice = LayerChoice()
        choice.rid = try body.optionalText("rid")
        choice.spatialID = try body.optionalCount("spatialLayerId")
        choice.temporalID = try body.optionalCount("temporalLayerId")
        choice.highestSpatialID = try body.optionalCount("maxSpatialLayerId")
        choice.highestTemporalID = try body.optionalCount("maxTemporalLayerId")
        choice.greatestWidth = try body.optionalCount("maxWidth")
        choice.greatestHeight = try body.optionalCount("maxHeight")
        guard let place = try body.optionalText("mediaId") else { return (choice, nil) }
        guard let section = Int(place), (0...127).contains(section) else {
            throw .invalidField("mediaId", "the place of a media section, as a string")
        }
        return (choice, section)
    }
}

extension APIRequest {
    /// Bodies of the extensions are small.
    private static let jsonLimit = 4 * 1024

    /// The body as JSON; nil when there is none.
    fileprivate func json() async throws(Problem) -> JSONValue? {
        let bytes: [UInt8]
        do throws(APIBodyError) {
            bytes = try await body(upTo: Self.jsonLimit)
        } catch {
            throw error == .tooLarge
                ? Problem(.contentTooLarge, "body_too_large", "The body is longer than \(Self.jsonLimit) bytes.")
                : Problem(.badRequest, "malformed_json", "The body broke off.")
        }
        guard !bytes.isEmpty else { return nil }
        guard MediaType(field: head.headerFields[.contentType]) == .json else {
            throw Problem(.unsupportedMediaType, "unsupported_media_type", "The body must be application/json.")
        }
        do throws(JSONValue.ReadError) {
            return try JSONValue.read(bytes)
        } catch {
            throw Problem(.badRequest, "malformed_json", "The body is not JSON.")
        }
    }
}

extension JSONValue {
    /// An optional member that counts something; null counts as absent.
    fileprivate func optionalCount(_ name: String) throws(Problem) -> Int? {
        guard let value = self[name], !value.isNull else { return nil }
        guard let number = value.integer, (0...65_535).contains(number) else { throw .invalidField(name, "an integer from 0 to 65535") }
        return number
    }
}

extension WHEPEvent {
    /// One event on the wire, its data in one line (WHATWG HTML section 9.2).
    fileprivate var text: String { "event: \(kind.rawValue)\ndata: \(json.text)\n\n" }

    private var json: JSONText {
        switch self {
        case .active, .inactive: .object([])
        case .layers(let sections):
            .object(sections.map { .init(String($0.section), .array($0.layers.map(Self.layer))) })
        case .viewerCount(let count): .object([.init("viewercount", .integer(Int64(count)))])
        }
    }

    private static func layer(_ layer: VideoLayer) -> JSONText {
        var members: [JSONText.Member] = layer.rid.map { [.init("rid", .string($0))] } ?? []
        members += [
            .init("spatialLayerId", .integer(Int64(layer.spatialID))), .init("temporalLayerId", .integer(Int64(layer.temporalID))),
            .init("bitrate", .integer(layer.bitrate)),
        ]
        if let width = layer.width { members.append(.init("width", .integer(Int64(width)))) }
        if let height = layer.height { members.append(.init("height", .integer(Int64(height)))) }
        return .object(members)
    }
}
