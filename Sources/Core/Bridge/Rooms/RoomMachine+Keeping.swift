import BridgeModel

// What is kept of the room: its recording, clips and pictures.
extension RoomMachine {
    /// The longest stretch that one mark holds, in seconds.
    package static let longestClip = 300

    /// Recording what is recorded already is no mistake: two hands may have reached for the key.
    mutating func record(_ order: RoomRecordingOrder?, by actor: RoomActor) throws(RoomError) {
        try allow(.record, actor)
        guard (order != nil) != (recording != nil) else { return }
        try spend(\.changes, actor)
        if let order { beginRecording(order, by: actor) } else { endRecording() }
    }

    private mutating func beginRecording(_ order: RoomRecordingOrder, by actor: RoomActor) {
        let starter: ParticipantID? = if case .participant(let id) = actor { id } else { nil }
        let begun = RoomRecording(id: order.id, mode: order.mode, since: wall, participant: starter)
        recording = begun
        tellAll(.recording(begun))
        emit(.event(.recordingStarted(begun)))
        emit(.beginRecording(begun, order.recording))
        // A frame that was frozen before is drawn on while it is recorded.
        for board in boards { emit(.keep(.frozen(board))) }
    }

    mutating func endRecording(_ end: RoomRecordingEnd = .stopped) {
        guard let ended = recording else { return }
        recording = nil
        tellAll(.recording(nil))
        emit(.endRecording(ended.id))
        emit(.event(.recordingEnded(ended, end)))
    }

    /// Nothing of it can be written: the room is not recorded, and whoever wanted that hears why.
    mutating func recordingFailed(_ id: RoomRecordingID, _ error: RoomError) {
        guard let failed = recording, failed.id == id else { return }
        endRecording(.failed)
        if let starter = failed.participant.flatMap(member) { tell(members[starter].socket, .refused(error)) }
    }

    mutating func clip(_ track: RoomTrackID?, seconds: Int, by actor: RoomActor) throws(RoomError) {
        let participant = members[try requireSelf(actor)].id
        try allow(.clip, actor)
        if let track { _ = try requireTrack(track) }
        guard (1...Self.longestClip).contains(seconds) else {
            throw RoomError(.invalidField, "a clip has 1 to \(Self.longestClip) seconds; mark more of them for a longer time")
        }
        let streams = seatedStreams(track)
        guard recording != nil || !streams.isEmpty else { throw .nothingRecorded }
        try spend(\.changes, actor)
        lastClip += 1
        let asked = wall.advanced(by: .seconds(-seconds))
        let from = recording.map { max($0.since, asked) } ?? asked
        let mark = RoomClipMark(id: "c\(lastClip)", track: track, participant: participant, from: from, to: wall)
        guard recording != nil else { return emit(.keepClip(mark, of: streams)) }
        tellAll(.clipMarked(mark))
        emit(.keep(.clip(mark)))
    }

    /// The streams of cameras with seats that show this track, or any: such a stream may be recorded without the room.
    private func seatedStreams(_ track: RoomTrackID?) -> [StreamID] {
        let owners = Set(tracks.filter { track == nil || $0.id == track }.map(\.owner))
        return seats.filter { owners.contains($0.participant) }.map(\.order.stream)
    }

    mutating func snapshot(_ track: RoomTrackID, by actor: RoomActor) throws(RoomError) {
        let participant = members[try requireSelf(actor)].id
        try allow(.snapshot, actor)
        let track = try requireVideo(track)
        try spend(\.changes, actor)
        emit(.takePicture(track, for: participant))
    }
}
