internal import BridgeModel

// Its end, and that of its segments.
extension RecordingMachine {
    mutating func finalise(message: String, now: MonotonicTime, wall: WallTime) -> [Effect] {
        switch state {
        case .stopping, .complete: return []
        case .waiting, .running: break
        }
        state = .stopping
        row.stoppedAt = wall
        row.state = .closing
        recorderDeadline = nil
        let stops = segments.flatMap(\.parts.open).compactMap { recorder(of: $0.number) }.map { Effect.stopRecorder(part: $0) }
        let announcement: [Effect] = [.commit(row, [], nil), notice(.closing, message, wall)]
        guard !stops.isEmpty else { return announcement + closeSegments(now: now, wall: wall) }
        recorderDeadline = now.advanced(by: limits.stop)
        // The recorders first: a ledger that is slow must not keep them writing, nor use up their time to close their files.
        return stops + announcement + closeSegments(now: now, wall: wall)
    }

    /// Recorders that were told to stop and say nothing.
    mutating func abandonRecorders(now: MonotonicTime, wall: WallTime) -> [Effect] {
        let silent = segments.flatMap(\.parts.open).compactMap { recorder(of: $0.number) }.map { Effect.killRecorder(part: $0) }
        for index in segments.indices { segments[index].parts.abandonAll() }
        return silent + closeSegments(now: now, wall: wall)
    }

    private mutating func closeSegments(now: MonotonicTime, wall: WallTime) -> [Effect] {
        guard !segments.isEmpty else { return endIfComplete(wall: wall) }
        var effects: [Effect] = []
        for index in segments.indices where segments[index].phase == .open { effects += closeSegment(index, now: now, wall: wall) }
        return effects
    }

    /// When all its recorders have ended: the one clean part is the file, or the finisher makes it.
    mutating func closeSegment(_ index: Int, now: MonotonicTime, wall: WallTime) -> [Effect] {
        guard segments[index].phase == .open, !segments[index].parts.hasOpen else { return [] }
        if !segments.contains(where: { $0.parts.hasOpen }) { recorderDeadline = nil }
        let useful = segments[index].parts.useful
        guard row.firstFrameWrittenAt != nil, let first = useful.first else { return drop(index, wall: wall) }
        if useful.count == 1, first.isClean {
            guard row.container == .mp4 else {
                return complete(index, with: .part(first.number), length: (first.bytes, first.duration), wall: wall)
            }
            if let movie = first.movie {
                return complete(index, with: .movie(first.number), length: (movie.bytes, movie.duration), wall: wall)
            }
        }
        segments[index].phase = .closed
        // The finisher needs the room more than a movie that will not be the file.
        return (segments[index].parts.all.first.map { giveUpMovie(of: $0.number) } ?? []) + launchFinisher(now: now)
    }

    /// One finisher at a time, for the oldest segment that waits for it.
    private mutating func launchFinisher(now: MonotonicTime) -> [Effect] {
        guard finishing == nil, let index = segments.firstIndex(where: { $0.phase == .closed }) else { return [] }
        return launchFinisher(for: index, run: 1, now: now)
    }

    private mutating func launchFinisher(for index: Int, run: Int, now: MonotonicTime) -> [Effect] {
        segments[index].phase = .finishing(run: run)
        segments[index].row.state = .closing
        finisherDeadline = now.advanced(by: limits.finish)
        return [.launchFinisher(parts: segments[index].parts.useful.map(\.number), of: segments[index].row)]
    }

    private var finishing: Int? {
        segments.firstIndex { segment in
            if case .finishing = segment.phase { true } else { false }
        }
    }

    mutating func finisherSaid(_ event: PipelineEvent, now: MonotonicTime, wall: WallTime) -> [Effect] {
        guard let index = finishing, case .finishing(let run) = segments[index].phase else { return [] }
        switch event {
        case .finished(let bytes, let duration):
            finisherDeadline = nil
            return complete(index, with: .joined, length: (bytes, duration), wall: wall) + launchFinisher(now: now)
        case .failed(let error) where error.code == .noMedia:
            finisherDeadline = nil
            return drop(index, wall: wall) + launchFinisher(now: now)
        case .failed(let error):
            // Once more: the children before it may have held memory or files that are free now.
            if run < 2 { return launchFinisher(for: index, run: run + 1, now: now) }
            finisherDeadline = nil
            return deliverLongestPart(of: index, after: error, wall: wall) + launchFinisher(now: now)
        case .ready, .started, .localDescription, .candidate, .connected, .disconnected, .keyframeNeeded, .firstFrame, .segmentClosed,
            .fileBegan, .fileEnded, .gap, .movieGrew, .movieEnded, .voice, .background, .picture, .pictureFailed, .microphone, .stats,
            .alive,
            .warning:
            return []
        }
    }

    /// The finisher cannot make the file, for instance for want of space: a part, which plays as it is, is better than nothing.
    private mutating func deliverLongestPart(of index: Int, after error: BridgeError, wall: WallTime) -> [Effect] {
        segments[index].row.failure = error
        row.failure = error
        guard let part = segments[index].parts.longest else { return drop(index, with: error, wall: wall) }
        // Parts of an MP4 recording are Matroska.
        if row.container == .mp4 { becomeMatroska(index) }
        return complete(index, with: .part(part.number), length: (part.bytes, part.duration), wall: wall)
    }

    private mutating func becomeMatroska(_ index: Int) {
        let number = segments[index].row.number
        segments[index].row.container = .matroska
        segments[index].row.file = SegmentRow.fileName(of: row.id, number: number, container: .matroska)
        guard number == 1 else { return }
        row.container = .matroska
        row.file = segments[index].row.file
    }

    /// A segment without media.
    private mutating func drop(_ index: Int, with error: BridgeError? = nil, wall: WallTime) -> [Effect] {
        segments[index].phase = .complete
        segments[index].row.state = .failed
        segments[index].row.failure = error ?? BridgeError(.noMedia, Message.noMedia)
        let ending = endIfComplete(wall: wall)
        return ending.isEmpty ? [.commit(row, [segments[index].row], nil)] : ending
    }

    /// Size and length are committed before the file moves, so that a bridge that dies in between finds both.
    private mutating func complete(
        _ index: Int, with file: FinishedFile, length: (bytes: Int64, duration: Duration), wall: WallTime
    ) -> [Effect] {
        segments[index].sumUp()
        segments[index].row.state = .closing
        (segments[index].row.sizeBytes, segments[index].row.duration) = (length.bytes, length.duration)
        segments[index].phase = .complete
        if isOver { sumUp() }
        return [.commit(row, [segments[index].row], nil), .promote(file, segments[index].row)] + handOver(index, wall: wall)
    }

    /// The file of a segment is in its place: it is the uploader's, and so is the recording with its last segment.
    mutating func handOver(_ index: Int, wall: WallTime) -> [Effect] {
        segments[index].phase = .complete
        let staysHere = row.destination == .keep
        segments[index].row.state = staysHere ? .ready : .uploading
        if isOver { return end(with: [segments[index].row], wall: wall) }
        return [.commit(row, [segments[index].row], staysHere ? nil : .upload(segments[index].row))]
    }

    /// Everything is done but for uploads.
    private var isOver: Bool { state == .stopping && segments.allSatisfy { $0.phase == .complete } }

    private mutating func sumUp() {
        let kept = segments.map(\.row).filter { $0.state != .failed }
        row.sizeBytes = kept.reduce(0) { $0 + $1.sizeBytes }
        row.durationMilliseconds = kept.reduce(Duration.zero) { $0 + $1.duration }.wholeMilliseconds
    }

    mutating func endIfComplete(wall: WallTime) -> [Effect] {
        isOver ? end(with: segments.last.map { [$0.row] } ?? [], wall: wall) : []
    }

    /// The recording's own end; `changed` are segments whose rows are to be committed with it.
    private mutating func end(with changed: [SegmentRow], wall: WallTime) -> [Effect] {
        (state, recorderDeadline, finisherDeadline) = (.complete, nil, nil)
        guard segments.contains(where: { $0.row.state != .failed }) else { return fail(with: changed, wall: wall) }
        guard row.destination != .keep else {
            row.state = .ready
            return [.commit(row, changed, .event(.recordingDelivered(row))), notice(.ready, "", wall)]
        }
        row.state = .uploading
        let upload = changed.last { $0.state == .uploading }
        // Without an upload of its own the last one may be over already.
        let rest: [Effect] = upload == nil ? [.settle] : []
        return [.commit(row, changed, upload.map { .upload($0) }), notice(.uploading, "", wall)] + rest
    }

    private mutating func fail(with changed: [SegmentRow], wall: WallTime) -> [Effect] {
        let error = segments.compactMap(\.row.failure).first { $0.code != .noMedia } ?? BridgeError(.noMedia, Message.noMedia)
        row.state = .failed
        row.failure = error
        row.uploadStatus = 0
        return [.commit(row, changed, .event(.recordingFailed(row))), notice(.failed, error.message, wall)]
    }
}
