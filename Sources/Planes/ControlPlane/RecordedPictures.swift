internal import Bridge
internal import BridgeModel

/// Pictures of recordings: a child each, so many at once, and a line of those who wait.
actor RecordedPictures {
    /// Who comes when so many wait is sent away.
    private static let longestLine = 32
    /// How long a child may take.
    private static let patience: Duration = .seconds(10)

    private let services: SnapshotService.Services
    private let folder: PictureFolder
    private var free: Int
    private var line: [CheckedContinuation<Void, Never>] = []
    /// Apart from those of live pictures, in the same folder.
    private var lastNumber: UInt64 = 1 << 62

    init(services: SnapshotService.Services, folder: PictureFolder, places: Int) {
        self.services = services
        self.folder = folder
        free = places
    }

    /// One picture. Throws `limit_reached`, what befalls the child, and `unavailable` to a caller that has gone away.
    func picture(of source: PictureSource, _ spec: PictureSpec) async throws(BridgeError) -> Picture {
        try await takePlace()
        defer { givePlaceBack() }
        try Self.checkIsWanted()
        lastNumber += 1
        let order = PictureOrder(
            number: lastNumber, spec: spec, path: folder.path(lastNumber, spec.format), notBefore: MonotonicTime(nanoseconds: 0))
        let plan = PicturePlan(source: .file(source, order), wallClockOffset: .zero)
        let pipeline = try await services.launcher.launch(
            PipelinePlan(pipeline: PipelineID("picture-\(RandomUUID.text())"), work: .picture(plan)))
        do throws(BridgeError) {
            return try await folder.take(try await result(of: pipeline).get(), spec.format)
        } catch {
            await folder.discard(order.number, spec.format)
            throw error
        }
    }

    /// What the child says, when it is gone: only then its place is free. A caller that goes away, and a child that takes too long, end it.
    private func result(of pipeline: any RunningPipeline) async -> Result<PictureResult, BridgeError> {
        let watch = Task { [clock = services.clock] in
            guard (try? await clock.pause(Self.patience)) != nil else { return }
            pipeline.send(.stop(deadline: .zero))
        }
        defer { watch.cancel() }
        // A task of its own, since a cancelled one hears nothing more.
        let listening = Task {
            var outcome: Result<PictureResult, BridgeError> = .failure(
                BridgeError(.pipelineOverLimit, "The picture was not decoded in time; ask for another moment."))
            for await event in pipeline.events {
                switch event {
                case .picture(let result): outcome = .success(result)
                case .pictureFailed(_, let error), .failed(let error): outcome = .failure(error)
                default: break
                }
            }
            return outcome
        }
        return await withTaskCancellationHandler {
            await listening.value
        } onCancel: {
            pipeline.send(.stop(deadline: .zero))
        }
    }

    private static func checkIsWanted() throws(BridgeError) {
        guard !Task.isCancelled else { throw BridgeError(.unavailable, "Whoever asked for the picture has gone away.") }
    }

    private func takePlace() async throws(BridgeError) {
        guard free == 0 else {
            free -= 1
            return
        }
        guard line.count < Self.longestLine else {
            throw BridgeError(.limitReached, "Too many requests wait for pictures of recordings; try again in a moment.")
        }
        await withCheckedContinuation { line.append($0) }
    }

    /// The place goes on to the next, or is free.
    private func givePlaceBack() {
        guard line.isEmpty else { return line.removeFirst().resume() }
        free += 1
    }
}
