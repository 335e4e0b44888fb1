internal import Bridge
internal import BridgeModel

/// What a room has running.
struct RoomTasks {
    var worker: Task<Void, Never>?
    var listener: Task<Void, Never>?
    /// What the listener hears.
    var news: AsyncStream<RoomNews>?
    /// The room is recorded.
    var recording: RoomRecordingRun?
    /// What could not begin last, and why.
    var failedRecording: (id: RoomRecordingID, error: RoomError)?
    /// Pictures that a recording keeps.
    var pictures: Set<String> = []
    /// Who takes the room as one picture and one sound, or does not any more.
    var singles: [ParticipantID: RoomSingleWork] = [:]
    /// Who watches the room from outside.
    var viewers = RoomViewers()
    private var timer: Task<Void, Never>?
    /// What the timer waits for.
    private(set) var deadline: MonotonicTime?

    mutating func arm(_ deadline: MonotonicTime, _ wait: @escaping @Sendable () async -> Void) {
        timer?.cancel()
        self.deadline = deadline
        timer = Task { await wait() }
    }

    mutating func disarm() {
        timer?.cancel()
        (timer, deadline) = (nil, nil)
    }
}
