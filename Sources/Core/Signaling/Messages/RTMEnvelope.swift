package import BridgeModel

/// The outer members of an inbound frame, read before it is known which session they name (streamrec contract, 6.2).
package struct RTMEnvelope: Sendable, Equatable {
    package var kind: RTMRequest.Kind
    /// nil: the frame does not say, so the socket's session is meant.
    package var session: SessionID?
    /// `{}` when absent.
    package var data: JSONValue

    package init(kind: RTMRequest.Kind, session: SessionID?, data: JSONValue) {
        self.kind = kind
        self.session = session
        self.data = data
    }

    /// Reads a frame that a socket of `client` brought by `path`; `frame` is nil when the text was no JSON.
    ///
    /// Unknown members are ignored (section 2 rule 3).
    package init(frame: JSONValue?, client: ClientID, path: RTMPath) throws(RTMFault) {
        guard let frame, case .object(let members) = frame else {
            throw RTMFault(RTMError(.malformedJSON, "frame is not a JSON object"), inReplyTo: nil, isBadMessage: true)
        }
        let type = try Self.type(in: members)
        guard let kind = RTMRequest.Kind(rawValue: type), kind.isKnown(on: path) else {
            throw RTMFault(RTMError(.unknownType, "no such message type", field: "type"), inReplyTo: Self.echo(type))
        }
        let sender = try Self.identifier("client_id", in: members, kind: kind)
        guard sender == nil || sender == client.rawValue else {
            let error = RTMError(.clientMismatch, "client_id is not the token's", field: "client_id")
            throw RTMFault(error, inReplyTo: kind.rawValue, close: .forbidden)
        }
        self.kind = kind
        session = try Self.identifier("session_id", in: members, kind: kind).map(SessionID.init)
        data = try Self.data(in: members, kind: kind)
    }

    private static func type(in members: [String: JSONValue]) throws(RTMFault) -> String {
        guard let member = members["type"], !member.isNull else {
            throw RTMFault(RTMError(.missingField, "type is missing", field: "type"), inReplyTo: nil, isBadMessage: true)
        }
        guard let text = member.string else {
            throw RTMFault(RTMError(.invalidField, "type must be a string", field: "type"), inReplyTo: nil, isBadMessage: true)
        }
        return text
    }

    private static func identifier(
        _ name: String, in members: [String: JSONValue], kind: RTMRequest.Kind
    ) throws(RTMFault) -> String? {
        guard let member = members[name], !member.isNull else { return nil }
        guard let text = member.string else {
            throw RTMFault(
                RTMError(.invalidField, "\(name) must be a string", field: name), inReplyTo: kind.rawValue, isBadMessage: true)
        }
        return text
    }

    private static func data(in members: [String: JSONValue], kind: RTMRequest.Kind) throws(RTMFault) -> JSONValue {
        guard let data = members["data"], !data.isNull else { return [:] }
        guard case .object = data else {
            throw RTMFault(
                RTMError(.invalidField, "data must be an object", field: "data"), inReplyTo: kind.rawValue, isBadMessage: true)
        }
        return data
    }

    /// An unknown type is sent back only as far as a known one could be long: a frame must not make a long reply.
    private static func echo(_ type: String) -> String { String(type.prefix(64)) }
}
