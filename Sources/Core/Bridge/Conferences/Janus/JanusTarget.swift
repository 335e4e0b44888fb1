package import BridgeModel

/// A room of the VideoRoom plug-in of somebody else's Janus server, spoken to over its REST transport.
package struct JanusTarget: Sendable, Equatable {
    /// What the room is called: servers number their rooms or, with `string_ids`, name them.
    package enum Room: Sendable, Equatable {
        case number(Int64)
        case name(String)
    }

    /// The base path of the REST transport, for instance `https://meet.example.com:8089/janus`.
    package var url: DeliveryURL
    package var room: Room
    /// The participant's name there; nil for none.
    package var display: String?
    /// That the room wants; nil where it wants none.
    package var pin: Redacted<String>?
    /// For servers with stored tokens, and for rooms that admit tokens.
    package var token: Redacted<String>?
    /// For servers with an API secret.
    package var apiSecret: Redacted<String>?
    /// The stream of this bridge that the others are heard in; nil: nobody hears them.
    package var returnStream: StreamID?

    package init(url: DeliveryURL, room: Room) {
        self.url = url
        self.room = room
    }

    /// Bytes of a name and of a pin.
    private static let textLimit = 256
    /// Numbers that JSON carries exactly wherever it is read.
    private static let roomNumbers: ClosedRange<Int> = 1...(1 << 53)

    /// Reads the members `url`, `room`, `display`, `pin`, `token`, `api_secret` and `return_stream` of an order.
    package init(reading order: JSONValue, rules: AddressRules) throws(FieldFault) {
        url = try order.conferenceURL(rules: rules)
        // Sessions and handles become parts of its path.
        guard !url.target.revealed.contains("?") else { throw FieldFault("url", "the server's base path, without a query") }
        room = try Self.room(in: order)
        display = try order.conferenceText("display", limit: Self.textLimit)
        pin = try order.conferenceText("pin", limit: Self.textLimit).map { Redacted($0) }
        token = try order.conferenceSecret("token")
        apiSecret = try order.conferenceSecret("api_secret")
        returnStream = try order.conferenceStream("return_stream")
    }

    private static func room(in order: JSONValue) throws(FieldFault) -> Room {
        guard let member = order["room"], !member.isNull else { throw .missing("room") }
        if let number = member.integer, roomNumbers.contains(number) { return .number(Int64(number)) }
        guard member.string != nil, let name = try order.conferenceText("room", limit: textLimit) else {
            throw FieldFault("room", "a whole number from 1, or a name")
        }
        return .name(name)
    }

    /// What its order said.
    var order: [JSONText.Member] {
        [
            .init("url", .string(url.text.revealed)), .init("room", room.json), .init("display", .optional(display)),
            .init("pin", .optional(pin?.revealed)), .init("token", .optional(token?.revealed)),
            .init("api_secret", .optional(apiSecret?.revealed)), .init("return_stream", .optional(returnStream?.rawValue)),
        ]
    }
}

extension JanusTarget.Room {
    /// As the order and the server spell it.
    var json: JSONText {
        switch self {
        case .number(let number): .integer(number)
        case .name(let name): .string(name)
        }
    }
}
