internal import Bridge
internal import BridgeModel
internal import Logging
internal import SDP

/// Something that a room has to do, in its turn.
enum RoomWork: Sendable {
    case effect(RoomMachine.Effect)
    /// A track of a stream whose camera has a seat.
    case openSeated(RoomTrack, StreamID)
    /// The room as it was when this began.
    case beginRecording(RoomRecording, RecordingOrder, RoomStatus)
    case tell(ParticipantID, RoomSocketEvent)
    case publish(String, by: RoomSocketID)
    case accept(String, by: RoomSocketID)
    /// The room's viewers see it as it is.
    case show
    /// Somebody waits until everything before this is done, and what follows from it: that is behind the bell, which rings at its second turn then.
    case bell(CheckedContinuation<Void, Never>, isSecond: Bool = false)
}

/// What a room hears of its media.
enum RoomNews: Sendable {
    /// Of the participant's peer with this number.
    case peer(RoomPeerBook.Key, Int, RoomMediaEvent)
    /// Of a seated camera's sound.
    case level(RoomLevel)
}

/// A socket at a room's door.
struct RoomSocket: Sendable {
    let grant: RoomGrant
    let tell: @Sendable (RoomSocketEvent) -> Void
}

// What is done, one thing after another.
extension RoomDirector {
    func perform(_ work: RoomWork) async {
        switch work {
        case .effect(let effect): await perform(effect)
        case .openSeated(let track, let stream): await open(track, of: stream)
        case .beginRecording(let recording, let order, let status): await beginRecording(recording, order, status)
        case .tell(let participant, let event): tell(participant, event)
        case .publish(let offer, let socket): await publish(offer, by: socket)
        case .accept(let answer, let socket): await accept(answer, by: socket)
        case .show: await show()
        case .bell(let waiter, let isSecond):
            if isSecond || isIdle { waiter.resume() } else { enqueue(.bell(waiter, isSecond: true)) }
        }
    }

    private func perform(_ effect: RoomMachine.Effect) async {
        switch effect {
        case .tell(let sockets, let notice): for socket in sockets { tell(socket, .notice(notice)) }
        case .closeSocket(let socket, let end): close(socket, end)
        case .openTrack(let track): await open(track)
        case .forward(let track, let isForwarded):
            recordForwarded(track, isForwarded)
            await media.forward(track, isForwarded)
        case .dropTrack(let track):
            recordDropped(track)
            await media.drop(track)
        case .subscribe(let participant, let update): await subscribe(participant, to: update)
        case .renewSubscriber(let participant): await closePeers([.subscribe], of: participant)
        case .closePeers(let participant): await closePeers(Set(RoomPeerKind.allCases), of: participant)
        case .revokeLink(let link): await revoke(link)
        case .event(let event):
            recordEvent(event)
            services.journal.post(.room(room, account, event))
        case .retire: await retire()
        // Followed as soon as the machine says so.
        case .seatCamera, .releaseCamera, .beginRecording: break
        case .endRecording: endRecording()
        case .keep(let record): recordKept(record)
        case .keepClip(let mark, let streams): await keepClip(mark, of: streams)
        case .takePicture(let track, let participant): await takePicture(of: track, for: participant)
        case .takeFrame(let track, let board): await takeFrame(of: track, for: board)
        case .dropPicture(let picture): await services.recorder?.drop(picture, of: room)
        case .beginSingle(let participant): setSingle(participant, true)
        case .endSingle(let participant): setSingle(participant, false)
        }
    }

    // MARK: - What participants send

    /// Makes the publishing peer, or another one in its place.
    private func publish(_ offer: String, by socket: RoomSocketID) async {
        guard let participant = participant(of: socket) else { return tell(socket, .failed(Self.notIn)) }
        guard mayPublish(socket) else {
            return tell(socket, .failed(BridgeError(.forbidden, "Your role in this room publishes nothing; ask for another link.")))
        }
        let key = RoomPeerBook.Key(participant: participant, kind: .publish)
        let number = newNumber()
        do throws(BridgeError) {
            let answer = try await media.publish(ReceivedOffer(offer), by: owner(participant), events: hearing(key, number))
            // With the peer that it replaces go the tracks of that one.
            if enter(key, number) { take(.publisherLost(participant)) }
            enqueue(.tell(participant, .publishAnswer(sdp: answer)))
        } catch {
            tell(socket, .failed(error))
        }
    }

    private func accept(_ answer: String, by socket: RoomSocketID) async {
        guard let participant = participant(of: socket) else { return tell(socket, .failed(Self.notIn)) }
        do throws(BridgeError) {
            try await media.accept(answer, of: owner(participant))
            answered(participant)
        } catch {
            tell(socket, .failed(error))
        }
    }

    private static let notIn = BridgeError(.forbidden, "You are not in the room; join it first, or wait to be let in.")

    // MARK: - Tracks

    private func open(_ track: RoomTrack) async {
        do throws(BridgeError) {
            try await media.open(track, of: owner(track.owner))
            await recordOpened(track)
        } catch {
            unpublish(track, error)
        }
    }

    private func open(_ track: RoomTrack, of stream: StreamID) async {
        do throws(BridgeError) {
            guard let index = UInt8(track.mid) else { throw BridgeError(.notFound, "The stream has no such track.") }
            try await media.open(track, from: stream, index: index)
            if track.kind == .microphone { await media.listen(to: track.id, seatHearing) }
            await recordOpened(track)
        } catch {
            services.logger.notice(
                "a seated camera's track could not be opened",
                metadata: ["room": "\(room)", "stream": "\(stream)", "error": "\(error.description)"])
            lostSeat(of: track.owner)
        }
    }

    // MARK: - Peers

    private func subscribe(_ participant: ParticipantID, to update: SubscriptionUpdate) async {
        let key = RoomPeerBook.Key(participant: participant, kind: .subscribe)
        let number = subscriberNumber(key)
        await media.subscribe(owner(participant), to: update, events: hearing(key, number))
    }

    private func closePeers(_ kinds: Set<RoomPeerKind>, of participant: ParticipantID) async {
        for kind in kinds { forget(RoomPeerBook.Key(participant: participant, kind: kind)) }
        await media.close(kinds, of: owner(participant))
    }

    private func owner(_ participant: ParticipantID) -> RoomPeerOwner {
        RoomPeerOwner(account: account, room: room, participant: participant)
    }

    // MARK: - Links

    /// The room itself bars the link whatever comes of this; a store that fails leaves it open to a later room of the name.
    private func revoke(_ link: String) async {
        do throws(AccessError) {
            try await services.links.revokeLink(link)
        } catch {
            services.logger.error(
                "a removed participant's link could not be taken back; it is barred while this room is open", metadata: ["room": "\(room)"])
        }
    }
}
