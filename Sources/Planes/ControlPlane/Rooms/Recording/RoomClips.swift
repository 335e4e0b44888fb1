internal import Bridge
internal import BridgeModel
internal import Logging
internal import Playback

// What was marked in rooms, as clips.
extension RoomRecordingServices {
    /// What was marked is on the disk a moment later.
    private static let writing = Duration.milliseconds(2500)
    private static let attempts = 4
    private static let longestClip = Duration.seconds(600)

    /// Cuts a clip of what was marked; nil when nothing of it is there.
    func cut(_ mark: RoomClipMark, of stream: StreamID, in room: RoomID, for account: AccountID) async -> ClipID? {
        for _ in 0..<Self.attempts {
            try? await clock.pause(Self.writing)
            do throws(PlaybackError) {
                let range = try PlaybackRange(from: mark.from, to: mark.to, longest: Self.longestClip)
                let order = ClipOrder(stream: stream, range: range, title: "\(room) \(mark.from.iso8601)", tags: ["room", room.rawValue])
                return try await clips.makeClip(order, for: account).id
            } catch {
                logger.notice("a clip of a room could not be made yet", metadata: ["room": "\(room)", "error": "\(error)"])
            }
        }
        return nil
    }
}

extension RoomRecorder {
    /// Keeps what was marked in a room that is not recorded, of those of its cameras' streams that are recorded by themselves; false when there is none.
    /// The clips follow.
    func keep(_ mark: RoomClipMark, of streams: [StreamID], in room: RoomID, for account: AccountID) async -> Bool {
        var isKept = false
        for stream in streams {
            guard await services.recordings.running(of: stream) != nil else { continue }
            isKept = true
            Task { [services] in _ = await services.cut(mark, of: stream, in: room, for: account) }
        }
        return isKept
    }
}
