internal import Bridge
internal import BridgeModel
internal import Foundation
internal import Logging
internal import Playback

/// Has thumbnails made of complete files, one after the other; what is left undone is done after the next start.
package actor ThumbnailMaker {
    /// How long a child may take for a file.
    private static let patience: Duration = .seconds(1800)

    private let launcher: any PipelineLauncher
    private let files: any RecordingFiles
    private let interval: Duration
    private let clock: BridgeClock
    private let logger: Logger
    private var waiting: [SegmentRow] = []
    private var worker: Task<Void, Never>?
    /// Files that have no pictures, or of which none could be made.
    private var withoutPictures: Set<String> = []

    /// Of files whose destination wants pictures, where none are made otherwise.
    private static let usualInterval: Duration = .seconds(10)

    /// `interval`: the least distance between two pictures; zero makes none, but for who wants them.
    init(launcher: any PipelineLauncher, files: any RecordingFiles, interval: Duration, clock: BridgeClock, logger: Logger) {
        self.launcher = launcher
        self.files = files
        self.interval = interval
        self.clock = clock
        self.logger = logger
    }

    /// This segment's file is complete. `isWanted`: also where none are made usually. Asking again does no harm; false when there is no more to come.
    @discardableResult
    func make(_ segment: SegmentRow, isWanted: Bool) async -> Bool {
        guard isWanted || interval > .zero, !withoutPictures.contains(segment.file), await isMissing(segment) else { return false }
        guard !waiting.contains(where: { $0.file == segment.file }) else { return true }
        waiting.append(segment)
        guard worker == nil else { return true }
        worker = Task { [weak self] in
            while await self?.makeNext() == true {}
        }
        return true
    }

    private func isMissing(_ segment: SegmentRow) async -> Bool {
        guard let path = await files.finishedPath(segment) else { return false }
        return !FileManager.default.fileExists(atPath: ThumbnailNames(ofFile: path).track)
    }

    private func makeNext() async -> Bool {
        guard !waiting.isEmpty else {
            worker = nil
            return false
        }
        let segment = waiting[0]
        defer { waiting.removeFirst() }
        guard await isMissing(segment), let path = await files.finishedPath(segment) else { return true }
        do throws(BridgeError) {
            let interval = interval > .zero ? interval : Self.usualInterval
            try await run(ThumbnailPlan(path: path, container: segment.container, interval: interval))
            // A child that was told to stop ends without a word.
            if await isMissing(segment) { withoutPictures.insert(segment.file) }
        } catch  where error.code == .noMedia {
            withoutPictures.insert(segment.file)
            logger.debug("a recording has no pictures for thumbnails", metadata: ["recording": "\(segment.recording)"])
        } catch {
            withoutPictures.insert(segment.file)
            logger.warning(
                "the thumbnails of a recording could not be made; the next start tries again",
                metadata: ["recording": "\(segment.recording)", "error": "\(error.description)"])
        }
        return true
    }

    private func run(_ plan: ThumbnailPlan) async throws(BridgeError) {
        let pipeline = try await launcher.launch(
            PipelinePlan(pipeline: PipelineID("thumbnails-\(RandomUUID.text())"), work: .thumbnails(plan)))
        let watch = Task { [clock] in
            guard (try? await clock.pause(Self.patience)) != nil else { return }
            pipeline.send(.stop(deadline: .zero))
        }
        defer { watch.cancel() }
        for await event in pipeline.events {
            if case .failed(let error) = event { throw error }
        }
    }
}
