package import BridgeModel

// After a restart of the bridge.
extension RecordingMachine {
    /// What the spool and the ledger hold of an unfinished recording.
    package struct Remains: Sendable, Equatable {
        /// Parts with at least one byte, in order; their recorders have ended.
        package var parts: [PartName]
        /// Bytes of the complete files that are in their places, by segment.
        package var files: [Int: Int64]
        /// When the newest part was written last.
        package var lastWrittenAt: WallTime?
        /// The segments' rows, in order.
        package var segments: [SegmentRow]

        package init(parts: [PartName], files: [Int: Int64] = [:], lastWrittenAt: WallTime? = nil, segments: [SegmentRow] = []) {
            self.parts = parts
            self.files = files
            self.lastWrittenAt = lastWrittenAt
            self.segments = segments
        }
    }

    /// Takes up a recording whose row is in one of `RecordingState.incomplete` after the bridge was gone: its files are made and delivered.
    /// Its session is over, so recording does not go on. A row that is further needs no machine.
    package static func recovered(
        row: RecordingRow, remains: Remains, limits: Limits = Limits(), now: MonotonicTime, wall: WallTime
    ) -> (machine: RecordingMachine, effects: [Effect]) {
        var machine = RecordingMachine(row: row, limits: limits)
        machine.state = .stopping
        machine.row.stoppedAt = row.stoppedAt ?? remains.lastWrittenAt ?? wall
        let wasClosing = row.state == .closing
        machine.row.state = .closing
        // The frame that the recorder wrote may not have reached the row; the file tells.
        if !remains.parts.isEmpty { machine.row.firstFrameWrittenAt = row.firstFrameWrittenAt ?? row.startedAt }
        machine.takeUp(remains)
        var effects: [Effect] = wasClosing ? [] : [.commit(machine.row, [], nil), machine.notice(.closing, "", wall)]
        effects += machine.goOn(with: remains, now: now, wall: wall)
        return (machine, effects)
    }

    /// Segments that the ledger or the disk knows.
    private mutating func takeUp(_ remains: Remains) {
        let known = Dictionary(remains.segments.map { ($0.number, $0) }, uniquingKeysWith: { $1 })
        let numbers = Set(known.keys).union(remains.parts.map(\.segment)).union(remains.files.keys)
        for number in numbers.sorted() {
            let file = number == 1 ? row.file : SegmentRow.fileName(of: row.id, number: number, container: row.container)
            let fresh = SegmentRow(recording: row.id, number: number, stream: row.context.stream, container: row.container, file: file)
            var segment = RecordedSegment(row: known[number] ?? fresh)
            segment.parts = RecordedParts(closed: remains.parts.filter { $0.segment == number }.map(\.number).sorted())
            segment.gapsBetween = .bridge
            if segment.row.state != .recording, segment.row.state != .closing { segment.phase = .complete }
            segments.append(segment)
        }
        partCount = remains.parts.map(\.number).max() ?? 0
    }

    private mutating func goOn(with remains: Remains, now: MonotonicTime, wall: WallTime) -> [Effect] {
        var effects: [Effect] = []
        for index in segments.indices where segments[index].phase == .open {
            if let bytes = remains.files[segments[index].row.number] {
                segments[index].row.sizeBytes = bytes
                segments[index].phase = .complete
                takeLength(of: index)
                effects += handOver(index, wall: wall)
            } else {
                effects += closeSegment(index, now: now, wall: wall)
            }
        }
        return state == .stopping ? effects + endIfComplete(wall: wall) : effects
    }

    /// What was promoted before the end was committed with its length, the recording's only one with the recording.
    private mutating func takeLength(of index: Int) {
        guard segments.count == 1 else { return }
        row.sizeBytes = segments[index].row.sizeBytes
        guard segments[index].row.duration == .zero, let milliseconds = row.durationMilliseconds else { return }
        segments[index].row.duration = .milliseconds(milliseconds)
    }
}
