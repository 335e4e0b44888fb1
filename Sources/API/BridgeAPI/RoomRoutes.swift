package import Bridge
import HTTPCore
import HTTPTypes

/// What the operations of rooms stand on.
package struct RoomPorts: Sendable {
    package var rooms: any RoomCommands
    package var links: any RoomLinks
    package var recordings: any RoomRecordings

    package init(rooms: any RoomCommands, links: any RoomLinks, recordings: any RoomRecordings) {
        self.recordings = recordings
        self.rooms = rooms
        self.links = links
    }
}

extension RoomOperations {
    /// The operations, as `route` makes them.
    func routes(_ route: (HTTPRequest.Method, String, @escaping BridgeAPI.Operation) -> Route) -> [Route] {
        [
            route(.get, "/bridge/v1/rooms", list), route(.post, "/bridge/v1/rooms", open),
            route(.get, "/bridge/v1/rooms/{room}", show), route(.delete, "/bridge/v1/rooms/{room}", close),
            route(.post, "/bridge/v1/rooms/{room}/links", makeLink),
            route(.delete, "/bridge/v1/rooms/{room}/links/{link}", revokeLink),
            route(.post, "/bridge/v1/rooms/{room}/participants/{participant}/admit", admit),
            route(.post, "/bridge/v1/rooms/{room}/participants/{participant}/deny", deny),
            route(.post, "/bridge/v1/rooms/{room}/participants/{participant}/remove", remove),
            route(.post, "/bridge/v1/rooms/{room}/participants/{participant}/mute", mute),
            route(.get, "/bridge/v1/rooms/{room}/cameras", seats), route(.post, "/bridge/v1/rooms/{room}/cameras", seat),
            route(.delete, "/bridge/v1/rooms/{room}/cameras/{seat}", unseat),
        ]
    }
}
