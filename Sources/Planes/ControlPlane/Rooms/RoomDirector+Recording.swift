internal import Bridge
internal import BridgeModel
internal import Logging
internal import Signaling

// A room that is recorded, and pictures of its tracks.
extension RoomDirector {
    /// What a room is recorded with when somebody in it wants that.
    func usualRecording() -> RoomRecordingOrder {
        RoomRecordingOrder(
            id: RoomRecordingID(RandomUUID.text()), mode: order.settings.record ?? .tracks, recording: order.settings.recording)
    }

    /// Throws what cannot be promised. A room that is recorded already is asked for nothing.
    func check(_ command: RoomCommand) async throws(RoomError) {
        guard case .record(let order?) = command, machine.recording == nil else { return }
        guard let recorder = services.recorder else { throw Self.recordsNothing }
        if let fault = await recorder.fault(order.mode, of: room) { throw fault }
    }

    private static let recordsNothing = RoomError(.recordingUnavailable, "this bridge records no rooms; ask whoever runs it")

    func record(_ isOn: Bool, from socket: RoomSocketID) async {
        let command = RoomCommand.record(isOn ? usualRecording() : nil)
        do throws(RoomError) {
            try await check(command)
            take(.command(command, from: socket))
        } catch {
            enqueue(.effect(.tell([socket], .refused(error))))
        }
    }

    // MARK: - In their turn

    /// `status`: the room when it was begun; what is opened later comes by itself.
    func beginRecording(_ recording: RoomRecording, _ order: RecordingOrder, _ status: RoomStatus) async {
        guard let recorder = services.recorder else { return fail(recording, Self.recordsNothing) }
        let run: RoomRecordingRun
        do throws(BridgeError) {
            run = try await recorder.begin(recording, order, room, account)
        } catch {
            services.logger.error("a room cannot be recorded", metadata: ["room": "\(room)", "error": "\(error.description)"])
            return fail(recording, Self.unwritable(error))
        }
        keepRun(run)
        for participant in status.participants { run.post(.note(.joined(participant))) }
        for track in status.tracks { await recordOpened(track) }
    }

    /// Nothing is recorded, and nobody may believe that it is.
    private func fail(_ recording: RoomRecording, _ error: RoomError) {
        tasks.failedRecording = (recording.id, error)
        take(.recordingFailed(recording.id, error))
    }

    private static func unwritable(_ error: BridgeError) -> RoomError {
        RoomError(
            .recordingUnavailable,
            error.code == .storageFull
                ? "the room is not recorded, for the bridge's disk is full: have space made on it, and record again"
                : "the room is not recorded, for the bridge cannot write: have its log looked at, and record again")
    }

    func recordOpened(_ track: RoomTrack) async {
        guard let run = recordingRun, let source = await media.trackSource(track.id) else { return }
        run.post(.opened(track, source, live: source.isOfRoom ? nil : liveStream(source.stream)))
    }

    func recordDropped(_ track: RoomTrackID) { recordingRun?.post(.dropped(track)) }

    func recordForwarded(_ track: RoomTrackID, _ isForwarded: Bool) { recordingRun?.post(.forwarded(track, isForwarded)) }

    func recordEvent(_ event: RoomEvent) {
        switch event {
        case .joined(let participant): recordingRun?.post(.note(.joined(participant)))
        case .left(let participant, let cause): recordingRun?.post(.note(.left(participant.id, cause)))
        default: break
        }
    }

    func recordKept(_ record: RoomRecord) { recordingRun?.post(.note(.kept(record))) }

    func endRecording() {
        recordingRun?.post(.end)
        keepRun(nil)
    }

    /// Of a room that is not recorded: of cameras that are recorded by themselves.
    func keepClip(_ mark: RoomClipMark, of streams: [StreamID]) async {
        guard await services.recorder?.keep(mark, of: streams, in: room, for: account) == true else {
            // At once: it is the answer to what was asked.
            return tell(mark.participant, .notice(.refused(.nothingRecorded)))
        }
        take(.clipKept(mark))
    }

    // MARK: - Pictures

    /// The room goes on meanwhile.
    func takePicture(of track: RoomTrack, for participant: ParticipantID) async {
        guard let recorder = services.recorder, let source = await media.trackSource(track.id) else {
            return enqueue(.tell(participant, .failed(BridgeError(.notFound, "The track \(track.id) is not there any more."))))
        }
        Task { [room] in
            do throws(BridgeError) {
                let picture = try await recorder.takePicture(of: track, source, for: participant, in: room)
                recordKept(.picture(picture))
                keepPicture(picture.id)
                enqueue(.tell(participant, .notice(.snapshot(picture, in: room))))
            } catch {
                enqueue(.tell(participant, .failed(error)))
            }
        }
    }

    /// Where none can be taken, each page goes on with the frame that it froze itself.
    func takeFrame(of track: RoomTrack, for board: BoardID) async {
        guard let recorder = services.recorder, let source = await media.trackSource(track.id) else { return }
        Task { [room] in
            do throws(BridgeError) {
                let frame = try await recorder.takeFrame(source, in: room)
                guard !machine.isOver else { return await recorder.drop(frame.id, of: room) }
                take(.framed(board, frame))
            } catch {
                services.logger.info(
                    "a frozen picture could not be taken", metadata: ["room": "\(room)", "reason": "\(error.description)"])
            }
        }
    }
}
