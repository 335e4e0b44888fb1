internal import Bridge
internal import BridgeModel
internal import LinuxIO
internal import Matroska

/// The assembler's bytes on their way to the disk, until the disk refuses. Lives on the writer thread.
struct RecordingOutput {
    var assembler: RecordingAssembler
    private var file: LockedFile
    private let plan: RecordPlan
    private var part: PartName
    private var movie: LiveMovieWriter
    /// Bytes of the file; all of them belong to whole blocks.
    private var size: UInt64 = 0
    private var hasFailed = false
    private var failedDuration: Duration = .zero

    init(file: LockedFile, plan: RecordPlan) {
        self.file = file
        self.plan = plan
        part = plan.part
        movie = LiveMovieWriter(plan: plan)
        assembler = RecordingAssembler(plan: plan)
    }

    /// Writes what is due; a closed cluster is synchronised and reported.
    mutating func advance(report: (RecordingWriter.Report) -> Void) {
        guard !hasFailed else { return }
        let closed = assembler.advance(now: SystemClocks.monotonicNanoseconds)
        do throws(SystemError) {
            try endFiles(report: report)
            guard !hasFailed else { return }
            try write(report: report)
            for gap in assembler.takeGaps() { report(.gap(gap)) }
            movie.partGrew(part, to: size, &assembler, report)
            guard let closed else { return }
            try file.synchronise()
            report(.segmentClosed(bytes: Int64(clamping: closed.endOffset), duration: closed.duration))
        } catch {
            fail(error, report: report)
        }
    }

    /// Completes files whose segments are over, and goes on in the next ones.
    private mutating func endFiles(report: (RecordingWriter.Report) -> Void) throws(SystemError) {
        for ended in assembler.takeEndedFiles() {
            do throws(SystemError) {
                try write(ended.output, report: report)
                try file.synchronise()
                movie.partEnded(part, frames: ended.frames, report)
                let path = plan.path(of: part.nextSegment)
                file = try LockedFile(creating: path)
                try DurableFiles.synchronise(folderOf: path)
            } catch {
                // What was before plays as far as it goes; there is no file for what follows.
                (hasFailed, failedDuration) = (true, ended.duration)
                keepWhatIsWhole(of: ended.output)
                report(.segmentClosed(bytes: Int64(clamping: size), duration: failedDuration))
                report(.failed(RecordingWriter.failure(error)))
                return
            }
            size = 0
            part = part.nextSegment
            // In this order the bridge always knows of a file that this process is writing.
            report(.fileBegan(part: part.number, startedAt: assembler.wallTime(ended.nextBegins)))
            report(.fileEnded(part: part.number - 1, bytes: Int64(clamping: ended.bytes), duration: ended.duration))
        }
    }

    /// Writes what is left and the index, and makes all of it durable.
    mutating func finish(report: (RecordingWriter.Report) -> Void) -> PipelineResult {
        guard !hasFailed else { return PipelineResult(bytes: Int64(clamping: size), duration: failedDuration) }
        guard let duration = assembler.finish(now: SystemClocks.monotonicNanoseconds) else { return PipelineResult() }
        do throws(SystemError) {
            try endFiles(report: report)
            guard !hasFailed else { return PipelineResult(bytes: Int64(clamping: size), duration: failedDuration) }
            try write(report: report)
            for gap in assembler.takeGaps() { report(.gap(gap)) }
            try file.synchronise()
            movie.partEnded(part, frames: assembler.takeFrames(), report)
            return PipelineResult(bytes: Int64(clamping: size), duration: duration)
        } catch {
            fail(error, report: report)
            return PipelineResult(bytes: Int64(clamping: size), duration: failedDuration)
        }
    }

    /// Cuts half a block off, and writes sizes and duration in place, which needs no space.
    private func keepWhatIsWhole(of output: MatroskaWriter.Output) {
        do throws(SystemError) {
            try file.truncate(to: size)
            for overwrite in output.overwritten where overwrite.offset + UInt64(overwrite.bytes.count) <= size {
                try file.write(overwrite.bytes, at: overwrite.offset)
            }
            try file.synchronise()
        } catch {
            // The file stays as it is: it plays as far as it goes, and the finisher can read it.
        }
    }

    private mutating func write(report: (RecordingWriter.Report) -> Void) throws(SystemError) {
        try write(assembler.takeOutput(), report: report)
    }

    /// On a full disk the MP4 beside the part makes room: it can be made again.
    private mutating func write(_ output: MatroskaWriter.Output, report: (RecordingWriter.Report) -> Void) throws(SystemError) {
        do throws(SystemError) {
            try write(output)
        } catch {
            guard error.isStorageFull, movie.giveUp(part, report) else { throw error }
            try write(output)
        }
    }

    private mutating func write(_ output: MatroskaWriter.Output) throws(SystemError) {
        guard !output.isEmpty else { return }
        if !output.appended.isEmpty { try file.write(output.appended, at: size) }
        for overwrite in output.overwritten { try file.write(overwrite.bytes, at: overwrite.offset) }
        size += UInt64(output.appended.count)
    }

    /// Keeps what is whole, and says so.
    private mutating func fail(_ error: SystemError, report: (RecordingWriter.Report) -> Void) {
        hasFailed = true
        movie.giveUp(part, report)
        failedDuration = assembler.finish(cutTo: size) ?? .zero
        keepWhatIsWhole(of: assembler.takeOutput())
        report(.segmentClosed(bytes: Int64(clamping: size), duration: failedDuration))
        report(.failed(RecordingWriter.failure(error)))
    }
}
