internal import Bridge
internal import BridgeModel
internal import LinuxIO
internal import Matroska

/// The assembler's bytes on their way to the disk, until the disk refuses. Lives on the writer thread.
struct RecordingOutput {
    var assembler: RecordingAssembler
    private let file: LockedFile
    /// Bytes of the file; all of them belong to whole blocks.
    private var size: UInt64 = 0
    private var hasFailed = false
    private var failedDuration: Duration = .zero

    init(file: LockedFile, plan: RecordPlan) {
        self.file = file
        assembler = RecordingAssembler(plan: plan)
    }

    /// Writes what is due; a closed cluster is synchronised and reported.
    mutating func advance(report: (RecordingWriter.Report) -> Void) {
        guard !hasFailed else { return }
        let closed = assembler.advance(now: SystemClocks.monotonicNanoseconds)
        do throws(SystemError) {
            try write()
            guard let closed else { return }
            try file.synchronise()
            report(.segmentClosed(bytes: Int64(clamping: closed.endOffset), duration: closed.duration))
        } catch {
            fail(error, report: report)
        }
    }

    /// Writes what is left and the index, and makes all of it durable.
    mutating func finish(report: (RecordingWriter.Report) -> Void) -> PipelineResult {
        guard !hasFailed else { return PipelineResult(bytes: Int64(clamping: size), duration: failedDuration) }
        guard let duration = assembler.finish(now: SystemClocks.monotonicNanoseconds) else { return PipelineResult() }
        do throws(SystemError) {
            try write()
            try file.synchronise()
            return PipelineResult(bytes: Int64(clamping: size), duration: duration)
        } catch {
            fail(error, report: report)
            return PipelineResult(bytes: Int64(clamping: size), duration: failedDuration)
        }
    }

    private mutating func write() throws(SystemError) {
        let output = assembler.takeOutput()
        guard !output.isEmpty else { return }
        if !output.appended.isEmpty { try file.write(output.appended, at: size) }
        size += UInt64(output.appended.count)
        for overwrite in output.overwritten { try file.write(overwrite.bytes, at: overwrite.offset) }
    }

    /// Keeps what is whole: cuts half a block off, writes sizes and duration in place (which needs no space), and says so.
    private mutating func fail(_ error: SystemError, report: (RecordingWriter.Report) -> Void) {
        hasFailed = true
        do throws(SystemError) {
            try file.truncate(to: size)
            failedDuration = assembler.finish(cutTo: size) ?? .zero
            for overwrite in assembler.takeOutput().overwritten where overwrite.offset + UInt64(overwrite.bytes.count) <= size {
                try file.write(overwrite.bytes, at: overwrite.offset)
            }
            try file.synchronise()
        } catch {
            // The file stays as it is: it plays as far as it goes, and the finisher can read it.
        }
        report(.segmentClosed(bytes: Int64(clamping: size), duration: failedDuration))
        report(.failed(RecordingWriter.failure(error)))
    }
}
