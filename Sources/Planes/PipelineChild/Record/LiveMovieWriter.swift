internal import Bridge
internal import BridgeModel
internal import LinuxIO
internal import Matroska

/// The MP4 beside a part: begun when the part has grown large, written with it, and given up when anything goes wrong with it, since the finisher can
/// make it at any time. Lives on the writer thread.
struct LiveMovieWriter {
    private enum State {
        case waiting
        case writing(MovieFile)
        /// There is none for this part.
        case absent
    }

    private let plan: RecordPlan
    private var state: State
    private var reported: UInt64 = 0

    init(plan: RecordPlan) {
        self.plan = plan
        state = plan.movie == nil ? .absent : .waiting
    }

    /// The part has so many bytes now, all of them written; `assembler` writes it.
    mutating func partGrew(
        _ part: PartName, to size: UInt64, _ assembler: inout RecordingAssembler, _ report: (RecordingWriter.Report) -> Void
    ) {
        switch state {
        case .waiting:
            guard let movie = plan.movie, assembler.beginning != nil, size >= UInt64(clamping: movie.threshold) else { return }
            begin(part, assembler)
            if case .writing = state { assembler.keepsFrames = true }
        case .writing: add(assembler.takeFrames(), part, report)
        case .absent:
            assembler.keepsFrames = false
            _ = assembler.takeFrames()
        }
    }

    /// The part is complete; `frames` are its last ones. Another part follows.
    mutating func partEnded(_ part: PartName, frames: [MatroskaFrame], _ report: (RecordingWriter.Report) -> Void) {
        add(frames, part, report)
        if case .writing(var movie) = state {
            if let written = try? movie.finish() { report(.movieEnded(part: part.number, written)) } else { giveUp(part, report) }
        }
        state = plan.movie == nil ? .absent : .waiting
        reported = 0
    }

    /// Removes the file, for instance to make room. False when there is none.
    @discardableResult
    mutating func giveUp(_ part: PartName, _ report: (RecordingWriter.Report) -> Void) -> Bool {
        guard case .writing(let movie) = state else { return false }
        state = .absent
        report(.movieEnded(part: part.number, nil))
        do { try DurableFiles.remove(movie.path) } catch { return false }
        return true
    }

    /// Takes over what the part has until now.
    private mutating func begin(_ part: PartName, _ assembler: RecordingAssembler) {
        let path = plan.moviePath(of: part)
        do {
            var movie = try MovieFile(path: path, tracks: assembler.tracks, startedAt: assembler.wallTime(assembler.fileBegins))
            let file = try ReadableFile(path: plan.path(of: part))
            var reader = try MatroskaReader { offset, count in file.read(at: offset, count: count) }
            while let frame = reader.next() { try movie.add(frame) }
            state = .writing(movie)
        } catch {
            state = .absent
            try? DurableFiles.remove(path)
        }
    }

    private mutating func add(_ frames: [MatroskaFrame], _ part: PartName, _ report: (RecordingWriter.Report) -> Void) {
        guard case .writing(var movie) = state, !frames.isEmpty else { return }
        state = .absent  // so that nothing is copied
        do {
            for frame in frames { try movie.add(frame) }
            state = .writing(movie)
        } catch {
            state = .writing(movie)
            giveUp(part, report)
            return
        }
        guard movie.durableSize > reported else { return }
        reported = movie.durableSize
        report(.movieGrew(part: part.number, bytes: Int64(clamping: movie.durableSize)))
    }
}
