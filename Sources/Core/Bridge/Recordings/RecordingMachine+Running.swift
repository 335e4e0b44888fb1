internal import BridgeModel

// While it runs.
extension RecordingMachine {
    /// A new part for a new recorder: in the newest segment while that takes parts, else in a new one.
    mutating func launch(now: MonotonicTime) -> [Effect] {
        state = .running(isAway: false)
        if row.state == .armed { recorderDeadline = now.advanced(by: limits.firstMedia) }
        if segments.last?.phase != .open { beginSegment() }
        partCount += 1
        segments[segments.count - 1].parts.begin(partCount)
        writing[partCount] = partCount
        return [.launchRecorder(part: partCount)]
    }

    mutating func beginSegment() {
        let number = (segments.last?.row.number ?? 0) + 1
        let file = number == 1 ? row.file : SegmentRow.fileName(of: row.id, number: number, container: row.container)
        segments.append(
            RecordedSegment(
                row: SegmentRow(recording: row.id, number: number, stream: row.context.stream, container: row.container, file: file)))
    }

    mutating func sourceLost(now: MonotonicTime) -> [Effect] {
        guard state == .running(isAway: false) else { return [] }
        state = .running(isAway: true)
        recorderDeadline = now.advanced(by: limits.away)
        return changeState(from: .recording, to: .gap)
    }

    mutating func sourceReturned(sameTracks: Bool, now: MonotonicTime) -> [Effect] {
        switch state {
        case .waiting: return launch(now: now)
        case .running(let isAway):
            recorderDeadline = row.state == .armed ? now.advanced(by: limits.firstMedia) : nil
            state = .running(isAway: false)
            let news = changeState(from: .gap, to: .recording)
            guard let part = segments.last?.parts.last, part.isOpen, let recorder = recorder(of: part.number) else {
                return news + launch(now: now)
            }
            guard !sameTracks else { return news + (isAway ? [.resumeRecorder(part: recorder)] : []) }
            // What is cut begins another segment with other tracks; what is one file gets another part.
            if limits.segmentation != nil { beginSegment() }
            return news + [.stopRecorder(part: recorder)] + launch(now: now)
        case .stopping, .complete: return []
        }
    }

    private mutating func changeState(from: RecordingState, to: RecordingState) -> [Effect] {
        guard row.state == from else { return [] }
        row.state = to
        return [.commit(row, [], nil)]
    }

    /// The part that the recorder which writes this part began with.
    func recorder(of part: Int) -> Int? { writing.first { $0.value == part }?.key }

    /// What a recorder says; `part` is the part that it began with.
    mutating func recorderSaid(_ event: PipelineEvent, part: Int, now: MonotonicTime, wall: WallTime) -> [Effect] {
        let current = writing[part] ?? part
        switch event {
        case .firstFrame(let writtenAt, let capturedAt): return firstFrame(writtenAt: writtenAt, capturedAt: capturedAt, wall: wall)
        case .fileBegan(let named, let startedAt): return fileBegan(named, recorder: part, startedAt: startedAt)
        case .fileEnded(let named, let bytes, let duration):
            guard let index = segmentIndex(of: named) else { return [] }
            _ = segments[index].parts.close(named, with: .finished(bytes: bytes, duration: duration))
            return closeSegment(index, now: now, wall: wall)
        case .gap(let offset, let length):
            update(current) { $0.gaps.append(RecordingGap(offset: offset, length: length, cause: .source)) }
            // Committed with what is recorded next, so that a bridge that starts anew knows of it.
            if let index = segmentIndex(of: current), segments[index].phase == .open { segments[index].sumUp() }
            return []
        case .segmentClosed(let bytes, let duration): return grow(current, bytes: bytes, duration: duration, now: now, wall: wall)
        case .movieGrew(let named, let bytes): return movieGrew(named, bytes: bytes)
        case .movieEnded(let named, let file):
            guard let file else { return giveUpMovie(of: named) }
            update(named) { $0.movie = file }
            return []
        case .finished, .failed:
            writing[part] = nil
            return recorderEnded(part: current, with: event, now: now, wall: wall)
        case .ready, .started, .localDescription, .candidate, .connected, .disconnected, .keyframeNeeded, .voice, .background, .picture,
            .pictureFailed,
            .microphone, .stats, .alive, .warning:
            return []
        }
    }

    func segmentIndex(of part: Int) -> Int? { segments.firstIndex { $0.parts.contains(part) } }

    private mutating func update(_ part: Int, _ change: (inout RecordedParts.Part) -> Void) {
        guard let index = segmentIndex(of: part) else { return }
        segments[index].parts.update(part, change)
    }

    /// A recorder's first file, or the first of the segment that it goes on with.
    private mutating func fileBegan(_ part: Int, recorder: Int, startedAt: WallTime) -> [Effect] {
        if segmentIndex(of: part) == nil {
            // Only the newest recorder may add to what follows.
            guard part == partCount + 1, let current = writing[recorder], current == partCount, state != .complete else { return [] }
            beginSegment()
            partCount = part
            segments[segments.count - 1].parts.begin(part)
            writing[recorder] = part
        }
        update(part) { $0.startedAt = startedAt }
        // What was kept from before it was asked for is part of it.
        if segmentIndex(of: part) == 0, startedAt < row.startedAt { row.startedAt = startedAt }
        guard let index = segmentIndex(of: part), segments[index].phase != .complete else { return [] }
        segments[index].sumUp()
        return [.commit(row, [segments[index].row], nil)]
    }

    private mutating func grow(_ part: Int, bytes: Int64, duration: Duration, now: MonotonicTime, wall: WallTime) -> [Effect] {
        guard let index = segmentIndex(of: part), segments[index].phase == .open else { return [] }
        update(part) { ($0.bytes, $0.duration) = (bytes, duration) }
        segments[index].row.sizeBytes = segments[index].parts.bytes
        if let start = segments[index].row.startedAt, let end = segments[index].parts.last?.endsAt {
            segments[index].row.duration = .nanoseconds(end.nanoseconds &- start.nanoseconds)
        }
        let progress: [Effect] = [.progress(segments[index].row)]
        guard limits.segmentation == nil, segments[index].parts.bytes >= limits.bytes else { return progress }
        return progress + finalise(message: Message.sizeLimit, now: now, wall: wall)
    }

    private func movieGrew(_ part: Int, bytes: Int64) -> [Effect] {
        guard let index = segmentIndex(of: part), segments[index].phase == .open, segments[index].parts.all.count == 1,
            segments[index].parts.last?.hasGivenUpMovie == false
        else { return [] }
        return [.movieProgress(part: part, bytes: bytes, segments[index].row)]
    }

    /// What there is of the MP4 beside this part only takes room from now on.
    mutating func giveUpMovie(of part: Int) -> [Effect] {
        guard row.container == .mp4, let index = segmentIndex(of: part), segments[index].parts.giveUpMovie(of: part) else { return [] }
        return [.removeMovie(part: part)]
    }

    private mutating func firstFrame(writtenAt: WallTime, capturedAt: WallTime?, wall: WallTime) -> [Effect] {
        // The row is the uploader's now: a late word of a recorder that was given up must not write over it.
        guard state != .complete else { return [] }
        crashesInARow = 0
        let isFirst = row.firstFrameWrittenAt == nil
        if isFirst { row.firstFrameWrittenAt = writtenAt }
        // The source's clock is known from its first sender report on, which may come after the first frame.
        let isNews = row.firstFrameCapturedAt == nil && capturedAt != nil && partCount == 1
        if isNews { row.firstFrameCapturedAt = capturedAt }
        guard row.state == .armed else { return isFirst || isNews ? [.commit(row, [], nil)] : [] }
        if state == .running(isAway: false) { recorderDeadline = nil }
        row.state = .recording
        return [.commit(row, [], nil), notice(.recording, "", wall)]
    }

    mutating func recorderEnded(part: Int, with event: PipelineEvent, now: MonotonicTime, wall: WallTime) -> [Effect] {
        guard let index = segmentIndex(of: part), segments[index].parts.close(part, with: event) else { return [] }
        // A recorder that crashed has left its MP4 without an index.
        let givenUp = segments[index].parts.isClean(part) ? [] : giveUpMovie(of: part)
        switch state {
        case .running where part == partCount: return givenUp + replaceRecorder(after: event.failure, now: now, wall: wall)
        // A recorder of tracks that are gone.
        case .running: return givenUp + (index == segments.count - 1 ? [] : closeSegment(index, now: now, wall: wall))
        case .stopping: return givenUp + closeSegment(index, now: now, wall: wall)
        case .waiting, .complete: return []
        }
    }

    private mutating func replaceRecorder(after failure: BridgeError?, now: MonotonicTime, wall: WallTime) -> [Effect] {
        crashesInARow += 1
        if failure?.code == .storageFull { return finalise(message: Message.storageFull, now: now, wall: wall) }
        if failure?.code == .noMedia, row.state == .armed { return finalise(message: "", now: now, wall: wall) }
        guard crashesInARow < limits.crashes else {
            row.failure = failure
            return finalise(message: Message.recorderFailed, now: now, wall: wall)
        }
        // Without a source the next recorder waits for it.
        return state == .running(isAway: false) ? launch(now: now) : []
    }
}

extension PipelineEvent {
    fileprivate var failure: BridgeError? {
        guard case .failed(let error) = self else { return nil }
        return error
    }
}
