internal import Bridge
package import BridgeModel
internal import FoundationEssentials
internal import Logging

/// Records a camera's stream into a folder of the camera itself, while it is not connected: a folder for each time, named by its beginning (UTC).
package actor OfflineRecorder {
    /// Where it records, and how much.
    package struct Terms: Sendable {
        /// Absolute path; made where it is missing.
        package var folder: String
        /// Bytes of all files.
        package var limit: Int64

        package init(folder: String, limit: Int64) {
            self.folder = folder
            self.limit = limit
        }
    }

    /// How much of what was before a loss is recorded with it: a loss is noticed late.
    package static let preRoll = Duration.seconds(12)
    /// A camera that starts is not offline yet.
    private static let grace = Duration.seconds(5)
    private static let stopDeadline = Duration.seconds(3)

    private let services: CameraDirector.Services
    private let stream: StreamID
    private let tracks: [TrackDescription]
    private let folder: String
    private var shelf: OfflineShelf
    private var wasLive = false
    private var pipeline: (any RunningPipeline)?
    private var work: Task<Void, Never>?
    private var isOffline = false

    package init(_ terms: Terms, stream: StreamID, tracks: [TrackDescription], services: CameraDirector.Services) {
        self.services = services
        self.stream = stream
        self.tracks = tracks
        folder = terms.folder
        shelf = OfflineShelf(limit: terms.limit, files: Self.files(in: terms.folder))
    }

    /// What earlier runs left, the oldest first: names begin with their times.
    private static func files(in folder: String) -> [(path: String, bytes: Int64)] {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        return paths.filter { PartName(fileName: String($0.split(separator: "/").last ?? "")) != nil }.sorted().map { path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)")
            return ("\(folder)/\(path)", (attributes?[.size] as? Int64) ?? (attributes?[.size] as? UInt64).map { Int64(clamping: $0) } ?? 0)
        }
    }

    /// Media gets through.
    package func online() {
        isOffline = false
        wasLive = true
        pipeline?.send(.stop(deadline: Self.stopDeadline))
        if pipeline == nil { work?.cancel() }
    }

    /// Media does not get through; told as often as one likes.
    package func offline() {
        isOffline = true
        guard work == nil else { return }
        let since = services.clock.now().advanced(by: .zero - Self.preRoll)
        let pause = wasLive ? .zero : Self.grace
        work = Task {
            let isComplete = await self.record(since: since, after: pause)
            self.work = nil
            // It was online for a moment only.
            if isComplete, isOffline { offline() }
        }
    }

    /// Completes what is being recorded.
    package func close() async {
        online()
        await work?.value
    }

    /// Whether it recorded something and came to its end.
    private func record(since: MonotonicTime, after pause: Duration) async -> Bool {
        if pause > .zero { try? await services.clock.pause(pause) }
        guard isOffline, !Task.isCancelled else { return false }
        let name = services.clock.wall().iso8601.filter { $0.isNumber || $0 == "T" || $0 == "Z" }
        let place = "\(folder)/\(name)"
        // A folder without a file is of no use; one with files is not removed by this.
        defer { _ = removeIfEmpty(place) }
        do {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            let pipeline = try await services.launcher.launch(
                PipelinePlan(pipeline: PipelineID("offline-\(name)"), work: .record(plan(in: place))))
            self.pipeline = pipeline
            services.hub.subscribe(
                pipeline.id, to: stream, tracks: tracks.map(\.index), sinks: pipeline.media,
                timing: .recorded(since: since, reachesBack: true))
            services.logger.notice("recording here while offline", metadata: ["folder": "\(place)"])
            if !isOffline { pipeline.send(.stop(deadline: Self.stopDeadline)) }
            return await follow(pipeline, in: place)
        } catch {
            services.logger.error("nothing is recorded while offline", metadata: ["folder": "\(place)", "reason": "\(error)"])
            return false
        }
    }

    private func plan(in place: String) -> RecordPlan {
        let container = tracks.contains { $0.codec == .vp8 } ? Container.webm : .matroska
        let part = PartName(segment: 1, number: 1)
        var plan = RecordPlan(
            tracks: tracks, container: container, fragment: .seconds(1), path: "\(place)/\(part.fileName(container))",
            wallClockOffset: services.clock.wallOffset, firstMediaTimeout: .seconds(20))
        plan.segmentation = Segmentation(bytes: shelf.fileBytes)
        return plan
    }

    private func follow(_ pipeline: any RunningPipeline, in place: String) async -> Bool {
        let plan = plan(in: place)
        var current = plan.part
        var total = Duration.zero
        var isComplete = false
        for await event in pipeline.events {
            switch event {
            case .segmentClosed(let bytes, _): note(plan.path(of: current), bytes)
            case .fileEnded(_, let bytes, let duration):
                note(plan.path(of: current), bytes)
                total += duration
                current = current.nextSegment
            case .finished(let bytes, let duration):
                isComplete = bytes > 0
                if isComplete { note(plan.path(of: current), bytes) }
                services.logger.notice(
                    "recorded here while offline",
                    metadata: ["folder": "\(place)", "seconds": "\((total + duration).components.seconds)", "kept": "\(shelf.bytes)"])
            case .failed(let error):
                services.logger.error("the recording here ended", metadata: ["folder": "\(place)", "reason": "\(error.message)"])
            default: break
            }
        }
        services.hub.unsubscribe(pipeline.id)
        self.pipeline = nil
        return isComplete
    }

    private func note(_ path: String, _ bytes: Int64) {
        for old in shelf.noted(path, bytes: bytes) {
            try? FileManager.default.removeItem(atPath: old)
            let folder = String(old[..<(old.lastIndex(of: "/") ?? old.startIndex)])
            let isGone = removeIfEmpty(folder)
            services.logger.warning(
                "the oldest file was given up for new ones",
                metadata: ["file": "\(old)", "limit": "\(shelf.limit)", "folder gone": "\(isGone)"])
        }
    }

    private func removeIfEmpty(_ folder: String) -> Bool {
        guard (try? FileManager.default.contentsOfDirectory(atPath: folder))?.isEmpty == true else { return false }
        return (try? FileManager.default.removeItem(atPath: folder)) != nil
    }
}
