package import BridgeModel

/// One message to everybody.
package struct ChatMessage: Sendable, Equatable {
    /// Counts up in a room.
    package let number: Int
    package let author: ParticipantID
    /// As it was when it was written.
    package let name: String
    /// At most `RoomText.chatBytes`.
    package let text: String
    package let at: WallTime
}

/// The last messages of a room, oldest first: what a joiner reads.
struct ChatLog: Sendable {
    private let limit: Int
    private(set) var messages: [ChatMessage] = []
    private var count = 0

    init(limit: Int) { self.limit = max(0, limit) }

    /// Keeps a message, and forgets the oldest one when there are too many.
    mutating func add(_ text: String, by author: RoomParticipant, at wall: WallTime) -> ChatMessage {
        count += 1
        let message = ChatMessage(number: count, author: author.id, name: author.name, text: text, at: wall)
        messages.append(message)
        if messages.count > limit { messages.removeFirst(messages.count - limit) }
        return message
    }
}
