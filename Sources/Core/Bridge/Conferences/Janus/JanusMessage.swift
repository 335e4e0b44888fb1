import BridgeModel

/// Why bytes are no message of a Janus server.
package enum JanusError: Error, Sendable, Equatable {
    case notJSON
    /// No object, or more of them than one poll asks for.
    case notMessages
    /// The object has no `janus`, so that nobody knows what it is.
    case nameless
    /// A message of this kind lacks a member, or has it in another form.
    case missing(kind: String, member: String)
}

/// One message of a Janus server: the reply to a request, or something that it says by itself.
package struct JanusMessage: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        /// Done; with what was made.
        case success(id: Int?)
        /// Taken; what comes of it comes later.
        case acknowledged
        /// Refused, with a code of Janus's core.
        case failure(code: Int)
        case event(JanusEvent)
        /// One of the server's candidates; nil when there are no more.
        case candidate(String?)
        /// The transport of a handle is gone.
        case hangup
        /// A handle is gone.
        case detached
        /// The session is gone.
        case timeout
        /// What nothing depends on: `keepalive`, `webrtcup`, `media`, `slowlink`, and what later versions may say.
        case notice
    }

    package var content: Content
    /// What the request that it answers was called; nil when it answers none.
    package var transaction: String?
    /// The handle that it is about; nil when it is about none.
    package var sender: Int?

    /// Messages that a poll brings at most.
    package static let most = 32

    /// Reads one message, or the array of them that a long poll brings.
    package static func read(_ bytes: [UInt8]) throws(JanusError) -> [JanusMessage] {
        let document: JSONValue
        do throws(JSONValue.ReadError) { document = try JSONValue.read(bytes) } catch { throw .notJSON }
        guard case .array(let items) = document else { return [try JanusMessage(document)] }
        guard items.count <= most else { throw .notMessages }
        var messages: [JanusMessage] = []
        for item in items { messages.append(try JanusMessage(item)) }
        return messages
    }

    private init(_ item: JSONValue) throws(JanusError) {
        guard case .object = item else { throw .notMessages }
        guard let kind = item["janus"]?.string else { throw .nameless }
        transaction = item["transaction"]?.string
        sender = item["sender"]?.id
        content = try Self.content(of: kind, item)
    }

    private static func content(of kind: String, _ item: JSONValue) throws(JanusError) -> Content {
        switch kind {
        case "success":
            guard let data = item["data"] else { return .success(id: nil) }
            guard let id = data["id"]?.id else { throw .missing(kind: kind, member: "data.id") }
            return .success(id: id)
        case "ack": return .acknowledged
        case "error":
            guard let code = item["error"]?["code"]?.integer else { throw .missing(kind: kind, member: "error.code") }
            return .failure(code: code)
        case "event": return .event(try JanusEvent(item))
        case "trickle": return .candidate(try candidate(in: item))
        case "hangup": return .hangup
        case "detached": return .detached
        case "timeout": return .timeout
        default: return .notice
        }
    }

    private static func candidate(in item: JSONValue) throws(JanusError) -> String? {
        if item["candidate"]?["completed"]?.bool == true { return nil }
        guard let text = item["candidate"]?["candidate"]?.string, text.hasPrefix("candidate:"), !text.contains(where: \.isNewline) else {
            throw .missing(kind: "trickle", member: "candidate")
        }
        return text
    }
}

/// A participant of a room, as the server calls them: by a number or, with `string_ids`, by a name.
package enum JanusFeed: Sendable, Hashable {
    case number(Int)
    case name(String)

    fileprivate init?(_ value: JSONValue?) {
        if let number = value?.id { self = .number(number) } else if let name = value?.string { self = .name(name) } else { return nil }
    }
}

/// What the VideoRoom plug-in says.
package struct JanusEvent: Sendable, Equatable {
    /// Somebody who publishes.
    package struct Publisher: Sendable, Equatable {
        package var feed: JanusFeed
        /// The section of their sound; nil when there is none that the bridge hears.
        package var sound: String?
    }

    /// The answer to an offer.
    package var answer: String?
    /// Somebody's offer, to a subscriber.
    package var offer: String?
    /// What we are called, and what shows other handles to be ours; both come when a publisher has joined.
    package var ownFeed: JanusFeed?
    package var privateID: Int?
    /// Those who publish, or publish something else now.
    package var publishers: [Publisher]
    /// Somebody who does not publish any more.
    package var goneFeed: JanusFeed?
    /// Set when the plug-in refuses, with a code of its own.
    package var errorCode: Int?
    /// The room is no more.
    package var isRoomClosed: Bool
    /// Somebody there has put us out.
    package var isKicked: Bool

    fileprivate init(_ item: JSONValue) throws(JanusError) {
        guard let data = item["plugindata"]?["data"], case .object = data else {
            throw .missing(kind: "event", member: "plugindata.data")
        }
        errorCode = data["error_code"]?.integer
        isRoomClosed = data["videoroom"] == "destroyed"
        isKicked = data["leaving"] == "ok" && data["reason"] == "kicked"
        ownFeed = data["videoroom"] == "joined" ? JanusFeed(data["id"]) : nil
        privateID = ownFeed == nil ? nil : data["private_id"]?.id
        publishers = try (data["publishers"]?.items ?? []).map(Publisher.init)
        goneFeed = JanusFeed(data["unpublished"]) ?? JanusFeed(data["leaving"])
        guard let jsep = item["jsep"], !jsep.isNull else { return }
        guard jsep["type"] == "answer" || jsep["type"] == "offer" else { return }
        guard let sdp = jsep["sdp"]?.string else { throw .missing(kind: "event", member: "jsep.sdp") }
        if jsep["type"] == "answer" { answer = sdp } else { offer = sdp }
    }
}

extension JanusEvent.Publisher {
    fileprivate init(_ item: JSONValue) throws(JanusError) {
        guard let feed = JanusFeed(item["id"]) else { throw .missing(kind: "event", member: "publishers.id") }
        let streams = item["streams"]?.items ?? []
        let sound = streams.first { $0["type"] == "audio" && $0["disabled"] != true && $0["codec"] == "opus" }
        self.init(feed: feed, sound: sound?["mid"]?.string)
    }
}

extension JSONValue {
    /// Of an array; nothing of anything else.
    fileprivate var items: [JSONValue] {
        guard case .array(let items) = self else { return [] }
        return items
    }

    /// A session, a handle or a participant: numbers of up to 53 bits.
    fileprivate var id: Int? { integer.flatMap { $0 > 0 && $0 <= 1 << 53 ? $0 : nil } }
}
