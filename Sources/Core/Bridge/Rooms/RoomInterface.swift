package import BridgeModel

/// One signalling socket, never used again after it is closed.
package struct RoomSocketID: Hashable, Sendable, Comparable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Somebody at the door, whose link was verified.
package struct RoomJoin: Sendable, Equatable {
    package var socket: RoomSocketID
    package var grant: RoomGrant
    /// How they call themselves; the link's name goes first.
    package var name: String?
    /// They return with their peers as they were: only the socket was lost. A page that was loaded anew has none.
    package var keepsPeers = false
    /// How many more participants the account may have in all its rooms; nil: no limit.
    package var accountHeadroom: Int?

    package init(socket: RoomSocketID, grant: RoomGrant, name: String? = nil) {
        self.socket = socket
        self.grant = grant
        self.name = name
    }
}

/// Something that somebody wants.
package enum RoomCommand: Sendable, Equatable {
    case leave
    case publish(RoomTrackKind, mid: String)
    case unpublish(RoomTrackID)
    case mute(RoomTrackID, Bool)
    case admit(ParticipantID)
    case deny(ParticipantID)
    case remove(ParticipantID)
    /// nil: one's own.
    case hand(ParticipantID?, isRaised: Bool)
    /// The tracks that stay in the own view, in their order.
    case pin([RoomTrackID])
    /// The tracks that stay in everybody's view, in their order.
    case spotlight([RoomTrackID])
    /// How tracks are seen; those that are not named stay as they are.
    case view([RoomTrackID: TrackView])
    /// nil: oneself. Members of the metadata that are empty are taken away; others are added or replaced.
    case describe(ParticipantID?, name: String?, metadata: [String: String])
    case chat(String)
    case seat(SeatID, SeatOrder)
    case unseat(SeatID)
    /// Tells a seated camera something; the room only says whether one may.
    case commandCamera(SeatID, CameraOrder)
    /// `at`: the moment of the frame.
    case freeze(RoomTrackID, at: WallTime)
    case closeBoard(BoardID)
    /// An id that its author has used on this board replaces what it was: a stroke grows.
    case annotate(BoardID, AnnotationID, AnnotationShape, colour: UInt32)
    /// nil: everything that one may erase.
    case erase(BoardID, AnnotationID?)
    /// nil: nowhere any more.
    case point(RoomTrackID, PicturePoint?)
    /// nil: no more.
    case record(RoomRecordingOrder?)
    /// The last seconds of a track, or of the whole room.
    case clip(RoomTrackID?, seconds: Int)
    /// What a track shows now, for oneself.
    case snapshot(RoomTrackID)
    /// Take the room as one picture and one sound, or each track again.
    case single(Bool)
    case close
}

/// What is told to people's pages; `RoomMessage` puts it into words.
package enum RoomNotice: Sendable, Equatable {
    /// All that somebody who comes in has to know.
    case welcome(RoomSnapshot)
    /// They wait to be let in.
    case waiting
    case knocking(ParticipantID, name: String, role: RoomRole)
    /// Somebody knocks no more: they are in, were denied or went away.
    case knockEnded(ParticipantID)
    case joined(RoomParticipant)
    case changed(RoomParticipant)
    case left(ParticipantID, Departure)
    case published(RoomTrack)
    case trackChanged(RoomTrack)
    case unpublished(RoomTrackID)
    case speaker(ParticipantID?)
    case pinned([RoomTrackID])
    case spotlighted([RoomTrackID])
    /// The tracks that they are not sent, for there are too many.
    case unsent([RoomTrackID])
    case chat(ChatMessage)
    case seat(RoomSeat)
    case unseated(SeatID, RoomSeat.End)
    case board(RoomBoard)
    case boardClosed(BoardID)
    case annotated(BoardID, Annotation)
    case erased(BoardID, [AnnotationID])
    case pointer(RoomTrackID, ParticipantID, PicturePoint?)
    /// nil: the room is not recorded any more.
    case recording(RoomRecording?)
    case clipMarked(RoomClipMark)
    case snapshot(RoomPicture, in: RoomID)
    /// Whether they take the room as one picture and one sound, which are these tracks.
    case single(Bool, picture: RoomTrackID, sound: RoomTrackID)
    case refused(RoomError)
    case ended(RoomEnd)
}

/// A room as somebody sees it who comes in.
package struct RoomSnapshot: Sendable, Equatable {
    package var you: ParticipantID
    package var participants: [RoomParticipant]
    package var tracks: [RoomTrack]
    package var seats: [RoomSeat]
    package var spotlight: [RoomTrackID]
    package var pins: [RoomTrackID]
    package var speaker: ParticipantID?
    package var chat: [ChatMessage]
    package var boards: [RoomBoard]
    /// nil: the room is not recorded.
    package var recording: RoomRecording?

    package init(
        you: ParticipantID, participants: [RoomParticipant], tracks: [RoomTrack], seats: [RoomSeat], spotlight: [RoomTrackID],
        pins: [RoomTrackID], speaker: ParticipantID?, chat: [ChatMessage], boards: [RoomBoard], recording: RoomRecording? = nil
    ) {
        self.you = you
        self.participants = participants
        self.tracks = tracks
        self.seats = seats
        self.spotlight = spotlight
        self.pins = pins
        self.speaker = speaker
        self.chat = chat
        self.boards = boards
        self.recording = recording
    }
}

/// Why the room closes somebody's socket.
package enum RoomSocketEnd: Sendable, Equatable {
    /// They left, or the room is over.
    case normal
    /// A newer socket of the same participant took over.
    case takenOver
    case removed
    /// They do not come in.
    case refused
}

extension RoomMachine {
    /// A fact.
    package enum Input: Sendable, Equatable {
        /// Somebody came to the door.
        case join(RoomJoin)
        case command(RoomCommand, from: RoomSocketID)
        /// A socket is gone without a word.
        case socketLost(RoomSocketID)
        /// The way by which a participant published broke: their tracks are dead.
        case publisherLost(ParticipantID)
        /// The way by which a participant was sent to broke, and is made anew.
        case subscriberLost(ParticipantID)
        /// The camera that the bridge joins has these tracks now.
        case seatLive(SeatID, [SeatTrack])
        case seatLost(SeatID)
        /// What the seat's camera can be told now; nil: it has no agent.
        case seatAbilities(SeatID, CameraAbilities?)
        /// Whether the one picture and sound that a participant waits for are open.
        case single(ParticipantID, isOpen: Bool)
        /// How loud these microphones are, as in RFC 6464.
        case levels([RoomLevel])
        /// The account takes a link back: who came by it goes, and nobody comes by it any more.
        case revoke(link: String)
        /// The picture of a board was taken.
        case framed(BoardID, BoardFrame)
        /// What was marked in a room that is not recorded is kept: a camera's own recording has it.
        case clipKept(RoomClipMark)
        /// A recording that was to begin cannot be written.
        case recordingFailed(RoomRecordingID, RoomError)
        /// `deadline` has passed.
        case deadline
    }

    /// Something to do, in this order.
    package enum Effect: Sendable, Equatable {
        /// One frame for all of these.
        case tell([RoomSocketID], RoomNotice)
        case closeSocket(RoomSocketID, RoomSocketEnd)
        /// A track goes to nobody yet; its packets come by its owner's publishing peer, or the seat's stream.
        case openTrack(RoomTrack)
        /// Its packets go to its subscribers, or to nobody.
        case forward(RoomTrackID, Bool)
        case dropTrack(RoomTrackID)
        case subscribe(ParticipantID, SubscriptionUpdate)
        /// Close what is left of the peer by which a participant is sent to; `subscribe` follows, for another one.
        case renewSubscriber(ParticipantID)
        /// Both peers of a participant; with them go all its subscriptions.
        case closePeers(ParticipantID)
        /// Bring this camera, and bring it back whenever it drops, until `releaseCamera`.
        case seatCamera(RoomSeat)
        case releaseCamera(SeatID)
        /// Record what is published from now on, and what is published already.
        case beginRecording(RoomRecording, RecordingOrder)
        case endRecording(RoomRecordingID)
        /// Write it beside the room's recordings.
        case keep(RoomRecord)
        /// Keep what these streams recorded by themselves, and give `clipKept`; where none of them is recorded, refuse it.
        case keepClip(RoomClipMark, of: [StreamID])
        /// Tell this participant what the track shows.
        case takePicture(RoomTrack, for: ParticipantID)
        /// Take what the track shows, in its full size, and give `Input.framed`; nothing where that cannot be done.
        case takeFrame(RoomTrack, of: BoardID)
        /// The picture of a board is not needed any more.
        case dropPicture(String)
        /// Make one picture and one sound of the room for this participant, without what they say themselves; `Input.single` answers.
        case beginSingle(ParticipantID)
        case endSingle(ParticipantID)
        /// The link is barred for good.
        case revokeLink(String)
        case event(RoomEvent)
        /// The room is over; nothing follows.
        case retire
    }
}

/// The loudness of a microphone.
package struct RoomLevel: Sendable, Equatable {
    package var track: RoomTrackID
    /// 0 is loudest, 127 silence.
    package var level: UInt8

    package init(_ track: RoomTrackID, _ level: UInt8) {
        self.track = track
        self.level = level
    }
}

/// What a recording of the room keeps of what people showed each other.
package enum RoomRecord: Sendable, Equatable {
    case frozen(RoomBoard)
    case annotated(BoardID, Annotation)
    case erased(BoardID, [AnnotationID], at: WallTime)
    case boardClosed(BoardID, at: WallTime)
    case clip(RoomClipMark)
    case picture(RoomPicture)
}
