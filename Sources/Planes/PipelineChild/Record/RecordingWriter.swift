internal import Bridge
internal import BridgeModel
internal import Foundation
internal import LinuxIO
internal import Matroska
internal import Synchronization

/// The thread that owns the file: takes frames from the queue, assembles, writes at once and synchronises each closed cluster.
///
/// Whatever was written survives the death of this process; whatever was synchronised survives the machine's.
final class RecordingWriter: Sendable {
    /// What the writer tells, on its thread.
    enum Report: Sendable {
        case began(RecordingAssembler.Beginning, writtenAt: WallTime)
        case segmentClosed(bytes: Int64, duration: Duration)
        case fileBegan(part: Int, startedAt: WallTime)
        case fileEnded(part: Int, bytes: Int64, duration: Duration)
        case gap(RecordingAssembler.Gap)
        /// Of the MP4 beside a part.
        case movieGrew(part: Int, bytes: Int64)
        /// nil: it was given up.
        case movieEnded(part: Int, WrittenFile?)
        /// A camera's track is not in the file.
        case trackMissing(Int)
        /// The disk refused; the file is closed and plays as far as it goes.
        case failed(BridgeError)
        /// All tracks have ended: `finish` need not wait longer.
        case allTracksEnded
        /// The last report. Zero bytes: nothing was recorded.
        case finished(PipelineResult)
    }

    let queue = FrameQueue()
    private let plan: RecordPlan
    private let report: @Sendable (Report) -> Void

    /// How long the thread sleeps without news: the resolution of its patience.
    private static let tick = Duration.milliseconds(50)

    /// Creates the file and starts the thread. Throws `storage_full` or `pipeline_failed`.
    init(plan: RecordPlan, report: @escaping @Sendable (Report) -> Void) throws(BridgeError) {
        self.plan = plan
        self.report = report
        let file: LockedFile
        do {
            file = try LockedFile(creating: plan.path)
            try DurableFiles.synchronise(folderOf: plan.path)
        } catch {
            throw Self.failure(error)
        }
        let output = RecordingOutput(file: file, plan: plan)
        let box = Mutex(Optional(output))
        let thread = Thread { [self] in
            if let output = box.withLock({ $0.take() }) { run(output) }
        }
        thread.name = "recording"
        thread.start()
    }

    static func failure(_ error: SystemError) -> BridgeError {
        error.isStorageFull
            ? BridgeError(.storageFull, "The recordings' disk is full; free some space.")
            : BridgeError(.pipelineFailed, "The recording's file cannot be written: \(error).")
    }

    private func run(_ output: consuming sending RecordingOutput) {
        var output = output
        var openTracks = Set(plan.tracks.indices)
        while true {
            let (items, isFinishing) = queue.take(waiting: Self.tick)
            for item in items { take(item, &output, &openTracks) }
            if isFinishing { break }
            step(&output)
        }
        let result = output.finish(report: report)
        report(.finished(result))
    }

    private func take(_ item: FrameQueue.Item, _ output: inout RecordingOutput, _ openTracks: inout Set<Int>) {
        switch item {
        case .format(let track, let format): output.assembler.setFormat(format, track: track)
        case .frame(let frame): output.assembler.add(frame)
        case .end(let track):
            guard openTracks.remove(track) != nil, openTracks.isEmpty else { return }
            report(.allTracksEnded)
        }
    }

    private func step(_ output: inout RecordingOutput) {
        let hadBegun = output.assembler.beginning != nil
        output.advance(report: report)
        guard !hadBegun, let beginning = output.assembler.beginning else { return }
        for track in output.assembler.missingTracks { report(.trackMissing(track)) }
        report(.fileBegan(part: plan.part.number, startedAt: output.assembler.wallTime(beginning.time)))
        report(.began(beginning, writtenAt: output.assembler.wallTime(SystemClocks.monotonicNanoseconds)))
    }
}
