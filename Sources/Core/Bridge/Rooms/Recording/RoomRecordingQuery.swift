package import BridgeModel
internal import Playback

extension RoomRecordingQuery {
    /// Reads the members of a query; those that are nil exclude nothing.
    package init(limit: Int, after: String?, room: String?, within: (from: String?, to: String?)) throws(FieldFault) {
        self.init(limit: limit)
        self.after = after.map { RoomRecordingID($0) }
        self.room = try room.map(Self.room)
        from = try PlaybackTime.read(within.from, "from")
        to = try PlaybackTime.read(within.to, "to")
        if let from, let to, from >= to { throw FieldFault("to", "later than from") }
    }

    private static func room(_ text: String) throws(FieldFault) -> RoomID {
        guard let room = RoomID(named: text) else { throw FieldFault("room", RoomID.rule) }
        return room
    }
}
