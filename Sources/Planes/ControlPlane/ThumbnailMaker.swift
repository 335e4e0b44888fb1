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

    /// `interval`: the least distance between two pictures; zero makes none.
    init(launcher: any PipelineLauncher, files: any RecordingFiles, interval: Duration, clock: BridgeClock, logger: Logger) {
        self.launcher = launcher
        self.files = files
        self.interval = interval
        self.clock = clock
        self.logger = logger
    }

    /// This segment's file is complete.
    func make(_ segment: SegmentRow) {
        guard interval > .zero else { return }
        waiting.append(segment)
        guard worker == nil else { return }
        worker = Task { [weak self] in
            while await self?.makeNext() == true {}
        }
    }

    private func makeNext() async -> Bool {
        guard !waiting.isEmpty else {
            worker = nil
            return false
        }
        let segment = waiting.removeFirst()
        guard let path = await files.finishedPath(segment), !FileManager.default.fileExists(atPath: ThumbnailNames(ofFile: path).track)
        else {
            return true
        }
        do throws(BridgeError) {
            try await run(ThumbnailPlan(path: path, container: segment.container, interval: interval))
        } catch  where error.code == .noMedia {
            logger.debug("a recording has no pictures for thumbnails", metadata: ["recording": "\(segment.recording)"])
        } catch {
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
