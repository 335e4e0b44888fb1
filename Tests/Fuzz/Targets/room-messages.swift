import Bridge
import BridgeModel
import Signaling

/// A text frame of a room's socket, a line each: what is read of it is done in a room, and what the room tells is written. A host of a room with two
/// tracks and a frozen frame sends them all.
func fuzzRoomMessages(_ bytes: UnsafeRawBufferPointer) {
    let wall = WallTime(milliseconds: 1_700_000_000_000)
    var now = MonotonicTime(nanoseconds: 1_000_000_000)
    var grant = RoomGrant(
        account: AccountID("a"), room: RoomID("r"), role: .host, expiresAt: wall.advanced(by: .seconds(3600)), tokenID: "t")
    grant.identity = ParticipantID("host")
    let socket = RoomSocketID(1)
    var room = RoomMachine(room: grant.room, account: grant.account, settings: RoomSettings(), now: now, wall: wall)
    var inputs: [RoomMachine.Input] = [
        .join(RoomJoin(socket: socket, grant: grant)), .command(.publish(.camera, mid: "0"), from: socket),
        .command(.publish(.microphone, mid: "1"), from: socket), .command(.freeze(RoomTrackID("t1"), at: wall), from: socket),
    ]
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).prefix(64).enumerated() {
        guard let frame = try? RoomForm.frame(in: try? JSONValue.read(line)) else { continue }
        write(RoomMessage.done(frame.name))
        switch frame.message {
        case .publishOffer(let sdp): write(RoomMessage.answer(sdp))
        case .subscribeAnswer(let sdp): write(RoomMessage.offer(sdp, tracks: [frame.name.reference ?? "0": RoomTrackID("t1")]))
        case .cameraOrder(let seat, let order): inputs.append(.command(.commandCamera(seat, order), from: socket))
        case .request(.command(let command)): inputs.append(.command(command, from: socket))
        case .request(.seat(let order)): inputs.append(.command(.seat(SeatID("s\(number)"), order), from: socket))
        case .request(.record(let isOn)):
            inputs.append(.command(.record(isOn ? RoomRecordingOrder(id: RoomRecordingID("r\(number)")) : nil), from: socket))
        case .request(.join(let name, let keepsPeers)):
            var join = RoomJoin(socket: RoomSocketID(UInt64(number) + 2), grant: grant, name: name)
            join.keepsPeers = keepsPeers
            inputs.append(.join(join))
        }
    }
    for input in inputs {
        now = now.advanced(by: .milliseconds(100))
        for case .tell(_, let notice) in room.handle(input, now: now, wall: wall) {
            write(RoomMessage.frame(notice))
        }
    }
}

/// What is told is JSON that everybody reads.
private func write(_ frame: JSONValue) { precondition((try? JSONValue.read(frame.text.utf8)) == frame) }
