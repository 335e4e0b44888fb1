package import BridgeModel

/// The life of one recording, as a machine: facts in, effects out, no clock and no IO.
///
/// A recording consists of segments, each of them one file for its user; uncut it has one, whatever happens. While it runs, a recorder (a child
/// process) writes part 1; when the recorder dies or the source comes back with other tracks, the next part begins, and the parts of a segment are
/// joined by a finisher, with the gaps kept. A single part that its recorder closed properly is the file already; for MP4 its recorder writes the file
/// beside it where the recording is long, else the finisher makes it. A recorder that cuts the recording begins the next segment's first part itself, without losing a frame.
///
/// `armed -> recording <-> gap -> closing -> uploading | ready`. The recording's row is the machine's until it hands over; then the uploader's,
/// whose news are told to the machine as `uploadChanged`. Call `handle` for every fact, and with `.deadline` when `deadline` has passed; carry out
/// the effects in their order.
package struct RecordingMachine: Sendable {
    /// The row as it was committed last.
    package internal(set) var row: RecordingRow
    let limits: Limits
    var state = State.waiting
    var segments: [RecordedSegment] = []
    /// The part that each recorder writes, by the part that it began with.
    var writing: [Int: Int] = [:]
    var partCount = 0
    var crashesInARow = 0
    var recorderDeadline: MonotonicTime?
    var finisherDeadline: MonotonicTime?

    enum State: Equatable {
        /// No source yet.
        case waiting
        /// A recorder runs; `isAway`: its source does not.
        case running(isAway: Bool)
        /// No more media: recorders close their files, and the finisher joins them.
        case stopping
        /// All files are in their places; the rest is the uploader's work.
        case complete
    }

    /// A new recording; `row` is in state `armed`. Call `begin` next.
    package init(row: RecordingRow, limits: Limits = Limits()) {
        self.row = row
        self.limits = limits
    }

    /// When to call `handle(.deadline)`; nil when nothing is waited for.
    package var deadline: MonotonicTime? { [recorderDeadline, finisherDeadline].compactMap { $0 }.min() }

    /// True when the machine has nothing more to do than to pass on the uploader's news.
    package var isFileComplete: Bool { state == .complete }

    /// How the recording is cut; nil: not at all.
    package var segmentation: Segmentation? { limits.segmentation }

    /// The name of a part that an effect speaks of.
    package func name(of part: Int) -> PartName {
        PartName(segment: segments.first { $0.parts.contains(part) }?.row.number ?? 1, number: part)
    }

    /// The name of a segment's part while it has one only; nil otherwise.
    package func onlyPart(of segment: Int) -> PartName? {
        guard let parts = segments.first(where: { $0.row.number == segment })?.parts.all, parts.count == 1 else { return nil }
        return parts.first.map { PartName(segment: segment, number: $0.number) }
    }

    /// Makes the row durable and starts the recorder, at once or when the source is there.
    package mutating func begin(sourcePresent: Bool, now: MonotonicTime, wall: WallTime) -> [Effect] {
        var effects: [Effect] = [.commit(row, [], nil), notice(.armed, "", wall)]
        if sourcePresent { effects += launch(now: now) }
        return effects
    }

    /// Takes one fact. `now` and `wall` are the same moment on two clocks.
    package mutating func handle(_ input: Input, now: MonotonicTime, wall: WallTime) -> [Effect] {
        switch input {
        case .sourceLost: sourceLost(now: now)
        case .sourceReturned(let sameTracks): sourceReturned(sameTracks: sameTracks, now: now)
        case .launchFailed(let part, let error): recorderEnded(part: part, with: .failed(error), now: now, wall: wall)
        case .recorder(let part, let event): recorderSaid(event, part: part, now: now, wall: wall)
        case .finisher(let event): finisherSaid(event, now: now, wall: wall)
        case .finisherFailed(let error): finisherSaid(.failed(error), now: now, wall: wall)
        case .stop: finalise(message: "", now: now, wall: wall)
        case .spaceLow: finalise(message: Message.storageFull, now: now, wall: wall)
        case .uploadChanged(let row): uploadChanged(row, wall: wall)
        case .deadline: deadlinePassed(now: now, wall: wall)
        }
    }

    /// Texts of `recording_state.msg` (streamrec contract sections 6.3 and 12).
    enum Message {
        static let noMedia = "no media"
        static let storageFull = "storage full"
        static let sizeLimit = "size limit reached"
        static let recorderFailed = "recorder failed"
    }

    func notice(_ state: RecordingState, _ message: String, _ wall: WallTime) -> Effect {
        .notify(RecordingUpdate(recording: row.id, state: state, message: message, at: wall))
    }

    private mutating func uploadChanged(_ changed: RecordingRow, wall: WallTime) -> [Effect] {
        guard state == .complete, !row.state.isFinal, changed.id == row.id else { return [] }
        let isNews = changed.state != row.state
        row = changed
        return isNews ? [notice(changed.state, changed.failure?.message ?? "", wall)] : []
    }

    private mutating func deadlinePassed(now: MonotonicTime, wall: WallTime) -> [Effect] {
        var effects: [Effect] = []
        if let finisherDeadline, now >= finisherDeadline {
            effects += finisherSaid(.failed(BridgeError(.pipelineHung, "the finisher did not end in time")), now: now, wall: wall)
        }
        guard let recorderDeadline, now >= recorderDeadline else { return effects }
        self.recorderDeadline = nil
        switch state {
        case .waiting, .complete: return effects
        case .running: return effects + finalise(message: "", now: now, wall: wall)
        case .stopping: return effects + abandonRecorders(now: now, wall: wall)
        }
    }
}
