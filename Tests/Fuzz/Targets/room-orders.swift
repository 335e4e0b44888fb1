@testable import Bridge
import BridgeModel

/// What callers write of rooms, as JSON: the order of a room, of a link to it, and of its recording. A room that was read is opened.
func fuzzRoomOrders(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.read(Array(bytes)) else { return }
    _ = try? RoomRecordingMode(reading: value, "mode")
    let (room, account) = (RoomID("r"), AccountID("a"))
    let seat = RoomSeat(id: SeatID("s1"), order: SeatOrder(source: .camera(ClientID("c")), displayName: "C"), owner: nil)
    if let link = try? RoomLinkOrder(reading: value, in: room, of: account, seats: [seat]) {
        precondition((.seconds(60)...RoomLinkOrder.longestLifetime).contains(link.lifetime))
        precondition((link.role == .camera) == (link.seat != nil) && (link.role != .camera || link.identity == nil))
        precondition(link.name.map { RoomText.nameFault($0) == nil } ?? true)
    }
    guard let settings = try? RoomSettings(reading: value) else { return }
    precondition((1...1000).contains(settings.limits.participants) && (0...100).contains(settings.limits.seats))
    precondition((.seconds(1) ... .seconds(600)).contains(settings.grace))
    let (now, wall) = (MonotonicTime(nanoseconds: 0), WallTime(milliseconds: 1_700_000_000_000))
    var machine = RoomMachine(room: room, account: account, settings: settings, now: now, wall: wall)
    _ = machine.begin()
    precondition(settings.idleEnd == nil || machine.deadline != nil)
}
