package import Bridge
package import BridgeModel
internal import Synchronization

/// The rooms for what they themselves stand on, and which is therefore there first. There are none until `attach`.
package final class RoomViewsRelay: RoomViews {
    private let rooms = Mutex<(any RoomViews)?>(nil)

    package init() {}

    package func attach(_ rooms: any RoomViews) { self.rooms.withLock { $0 = rooms } }

    package func watch(_ room: RoomID) async -> RoomWatch? { await rooms.withLock { $0 }?.watch(room) }
}
