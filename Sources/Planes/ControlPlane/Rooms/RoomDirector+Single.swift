internal import Bridge
internal import BridgeModel
internal import Logging

/// What is done for one participant who takes the room as one picture and one sound.
struct RoomSingleWork {
    var isWanted = true
    /// Picture and sound are made and open.
    var isOpen = false
    /// Brings the two into step.
    var task: Task<Void, Never>?
}

// The room as one picture, the same for all who take it, and one sound for each of them, in which they do not hear themselves.
extension RoomDirector {
    /// Composites take a while to begin: the room goes on meanwhile, and only the newest wish counts.
    func setSingle(_ participant: ParticipantID, _ isWanted: Bool) {
        guard isWanted || tasks.singles[participant] != nil else { return }
        tasks.singles[participant, default: RoomSingleWork()].isWanted = isWanted
        guard tasks.singles[participant]?.task == nil else { return }
        tasks.singles[participant]?.task = Task { await settleSingle(participant) }
    }

    private func settleSingle(_ participant: ParticipantID) async {
        while let single = tasks.singles[participant], single.isWanted != single.isOpen {
            if single.isWanted { await openSingle(participant) } else { await closeSingle(participant) }
        }
        guard tasks.singles[participant]?.isWanted == true else { return tasks.singles[participant] = nil }
        tasks.singles[participant]?.task = nil
        take(.single(participant, isOpen: true))
    }

    private func openSingle(_ participant: ParticipantID) async {
        do throws(BridgeError) {
            guard let pictures = services.pictures, let mixes = services.mixes else {
                throw BridgeError(.pipelineUnavailable, "This bridge makes no single picture of a room; take each track.")
            }
            let picture = try await pictures.start(room, for: .watching)
            try await open(.picture, .video, from: picture.id, picture.tracks)
            let sound = try await mixes.mix(of: room, without: participant)
            try await open(.sound(for: participant), .audio, from: sound, liveStream(sound)?.tracks ?? [])
            tasks.singles[participant]?.isOpen = true
        } catch {
            services.logger.notice(
                "a room cannot be given as one picture", metadata: ["room": "\(room)", "error": "\(error.description)"])
            // Unless they do not wait for it any more.
            if tasks.singles[participant]?.isWanted == true {
                enqueue(.tell(participant, .failed(error)))
                take(.single(participant, isOpen: false))
                tasks.singles[participant]?.isWanted = false
            }
            await closeSingle(participant)
        }
    }

    /// Tracks of the room's own: both have one owner, so that they are played in step.
    private func open(
        _ id: RoomTrackID, _ media: MediaKind, from stream: StreamID, _ tracks: [TrackDescription]
    ) async throws(BridgeError) {
        let index = tracks.first { $0.kind == media }?.index ?? 0
        let track = RoomTrack(
            id: id, owner: ParticipantID("room"), kind: media == .video ? .camera : .microphone, mid: String(index))
        try await self.media.open(track, from: stream, index: index)
    }

    /// The picture stays for the others who take it.
    private func closeSingle(_ participant: ParticipantID) async {
        tasks.singles[participant]?.isOpen = false
        await media.drop(.sound(for: participant))
        await services.mixes?.endMix(of: room, without: participant)
        guard !tasks.singles.values.contains(where: { $0.isWanted || $0.isOpen }) else { return }
        await media.drop(.picture)
        await services.pictures?.end(room, for: .watching)
    }
}
