package import BridgeModel

/// Members that orders of several kinds have.
extension JSONValue {
    /// Bytes of a secret of HTTP.
    private static let secretLimit = 4096

    /// The member `url` of an order for a conference.
    package func conferenceURL(rules: AddressRules) throws(FieldFault) -> DeliveryURL {
        guard let member = self["url"], !member.isNull else { throw .missing("url") }
        guard let text = member.string else { throw FieldFault("url", "a string") }
        do throws(BridgeError) {
            return try DeliveryURL(parsing: Redacted(text), rules: rules)
        } catch {
            throw FieldFault("url", "an absolute https URL with a public host and an ordinary port")
        }
    }

    /// A member with a secret, of what a field of HTTP may carry (RFC 6750 section 2.1 allows less); nil without it.
    package func conferenceSecret(_ name: String) throws(FieldFault) -> Redacted<String>? {
        guard let member = self[name], !member.isNull else { return nil }
        guard let text = member.string, (1...Self.secretLimit).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw FieldFault(name, "1 to \(Self.secretLimit) visible ASCII characters")
        }
        return Redacted(text)
    }

    /// A member with a stream's name; nil without it.
    package func conferenceStream(_ name: String) throws(FieldFault) -> StreamID? {
        guard let member = self[name], !member.isNull else { return nil }
        guard let stream = member.string.flatMap(StreamID.init(named:)) else { throw FieldFault(name, StreamID.rule) }
        return stream
    }

    /// A member with a text for people, of at most `limit` bytes and without control characters; nil without it.
    package func conferenceText(_ name: String, limit: Int) throws(FieldFault) -> String? {
        guard let member = self[name], !member.isNull else { return nil }
        guard let text = member.string, (1...limit).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw FieldFault(name, "1 to \(limit) bytes without control characters")
        }
        return text
    }
}

extension ConferenceTarget {
    /// Reads an order for a conference of this kind.
    package init(_ kind: Kind, reading order: JSONValue, rules: AddressRules) throws(FieldFault) {
        switch kind {
        case .whip: self = .whip(try WHIPTarget(reading: order, rules: rules))
        case .janusVideoRoom: self = .janusVideoRoom(try JanusTarget(reading: order, rules: rules))
        case .rtmp, .rtmps, .srt: self = .push(try PushTarget(reading: order, rules: rules))
        }
    }

    /// The order that makes this target again. It holds secrets: for sealing only.
    package var order: Redacted<String> {
        switch self {
        case .whip(let target): Redacted(JSONText.object(target.order).text)
        case .janusVideoRoom(let target): Redacted(JSONText.object(target.order).text)
        case .push(let target): Redacted(JSONText.object([.init("url", .string(target.url.revealed))]).text)
        }
    }
}
