package import Bridge
internal import BridgeModel
package import Logging
internal import Synchronization

/// What rooms stand on.
package struct RoomServices: Sendable {
    /// Each room has its own: tracks have their ids from it.
    package var makeMedia: @Sendable () -> any RoomMedia
    package var links: any RoomLinks
    package var journal: RoomJournal
    /// Records rooms and takes pictures in them; nil: nobody does.
    package var recorder: RoomRecorder?
    /// Cameras that obey; nil: there are none.
    package var cameras: (any SeatedCameras)?
    /// What cameras play; nil: nothing.
    package var mixes: (any RoomMixes)?
    /// The room as one picture; nil: nobody makes it.
    package var pictures: (any RoomComposites)?
    package var clock: BridgeClock
    package var logger: Logger

    package init(
        makeMedia: @escaping @Sendable () -> any RoomMedia, links: any RoomLinks, journal: RoomJournal, recorder: RoomRecorder? = nil,
        cameras: (any SeatedCameras)? = nil, mixes: (any RoomMixes)? = nil, pictures: (any RoomComposites)? = nil, clock: BridgeClock,
        logger: Logger
    ) {
        self.makeMedia = makeMedia
        self.links = links
        self.journal = journal
        self.recorder = recorder
        self.cameras = cameras
        self.mixes = mixes
        self.pictures = pictures
        self.clock = clock
        self.logger = logger
    }
}

/// What one room stands on.
struct RoomEnvironment: Sendable {
    var services: RoomServices
    var surroundings: RoomSurroundings
    var media: any RoomMedia
}

/// What all rooms see of each other and of the bridge's streams. Safe from any thread.
final class RoomSurroundings: Sendable {
    private struct State {
        var people: [RoomID: (account: AccountID, count: Int)] = [:]
        var live: [StreamID: LiveStream] = [:]
        /// What cameras can be told whose agents are connected, by their streams.
        var agents: [StreamID: [AccountID: CameraAbilities]] = [:]
    }

    private let state = Mutex(State())

    /// How many participants the account has in all its rooms.
    func people(of account: AccountID) -> Int {
        state.withLock { $0.people.values.reduce(0) { $0 + ($1.account == account ? $1.count : 0) } }
    }

    /// nil: the room is over.
    func setPeople(_ count: Int?, in room: RoomID, of account: AccountID) {
        state.withLock { $0.people[room] = count.map { (account, $0) } }
    }

    func live(_ id: StreamID) -> LiveStream? { state.withLock { $0.live[id] } }

    /// What a camera can be told; nil: no agent of it is connected.
    func abilities(_ stream: StreamID, of account: AccountID) -> CameraAbilities? { state.withLock { $0.agents[stream]?[account] } }

    func take(_ camera: DirectedCamera, of account: AccountID) {
        let stream = StreamID(camera.id.rawValue)
        state.withLock { state in
            state.agents[stream, default: [:]][account] = camera.isOnline ? camera.abilities : nil
            if state.agents[stream]?.isEmpty == true { state.agents[stream] = nil }
        }
    }

    /// The stream that the change is about.
    func take(_ change: StreamTable.Change) -> StreamID {
        state.withLock { state in
            switch change {
            case .started(let stream), .returned(let stream):
                state.live[stream.id] = stream
                return stream.id
            case .lost(let id), .ended(let id):
                state.live[id] = nil
                return id
            }
        }
    }
}
