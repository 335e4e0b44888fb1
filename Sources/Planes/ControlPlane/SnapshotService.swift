package import Bridge
package import BridgeModel
internal import Foundation
package import Playback

/// Single pictures: of live streams by decoders that are kept for a while, of recordings by one child each. Every picture is decoded in a child.
package actor SnapshotService: Snapshots, TrackPictures {
    /// What it stands on.
    package struct Services: Sendable {
        package var launcher: any PipelineLauncher
        package var hub: any MediaHub
        /// A stream that has a source now.
        package var stream: @Sendable (StreamID) async -> LiveStream?
        package var playback: any StreamPlayback
        package var clock: BridgeClock

        package init(
            launcher: any PipelineLauncher, hub: any MediaHub, stream: @escaping @Sendable (StreamID) async -> LiveStream?,
            playback: any StreamPlayback, clock: BridgeClock
        ) {
            self.launcher = launcher
            self.hub = hub
            self.stream = stream
            self.playback = playback
            self.clock = clock
        }
    }

    /// A live stream's decoder.
    private struct Decoder {
        /// Tells it from one before it.
        var id: PipelineID
        var codec: Codec
        /// Nil while it is being started.
        var pipeline: (any RunningPipeline)?
    }

    /// A picture may be so much older than its request: what the camera sent last is on its way through the decoder.
    private static let age: Duration = .milliseconds(100)

    private let services: Services
    private let folder: PictureFolder
    private var desk: SnapshotDesk
    private var decoders: [StreamID: Decoder] = [:]
    /// Orders that a decoder has not answered yet.
    private var orders: [UInt64: (format: PictureFormat, decoder: PipelineID)] = [:]
    private var tickets: [SnapshotDesk.Ticket: CheckedContinuation<Result<Picture, BridgeError>, Never>] = [:]
    private var lastTicket: SnapshotDesk.Ticket = 0
    private let recorded: RecordedPictures
    private let isOff: Bool
    private var timer: Task<Void, Never>?

    /// `folder`: where children put pictures for a moment; `decoders`: children of each kind at once, 0 makes no pictures.
    package init(services: Services, folder: String, decoders: Int) {
        self.services = services
        self.folder = PictureFolder(path: folder)
        desk = SnapshotDesk(limits: .init(decoders: decoders))
        recorded = RecordedPictures(services: services, folder: self.folder, places: decoders)
        isOff = decoders == 0
    }

    /// Makes the folder, readable for its owner only, and removes what an earlier run left. Throws `internal`.
    package nonisolated func prepare() throws(BridgeError) { try folder.prepare() }

    package func live(of stream: StreamID, _ spec: PictureSpec) async throws(BridgeError) -> Picture {
        try checkIsOn()
        guard let source = await services.stream(stream) else {
            throw BridgeError(.notFound, "The stream \(stream) is not published now.")
        }
        guard let track = source.tracks.first(where: { $0.kind == .video }) else {
            throw BridgeError(.notFound, "The stream \(stream) has no video.")
        }
        return try await picture(of: track, in: stream, as: stream, spec)
    }

    /// `name`: what its decoder is known by.
    private func picture(
        of track: TrackDescription, in source: StreamID, as name: StreamID, _ spec: PictureSpec
    ) async throws(BridgeError) -> Picture {
        try checkIsOn()
        if let decoder = decoders[name], decoder.codec != track.codec {
            end(name, BridgeError(.unavailable, "The stream has changed."))
        }
        lastTicket += 1
        let ticket = lastTicket
        let result: Result<Picture, BridgeError> = await withCheckedContinuation { continuation in
            tickets[ticket] = continuation
            carryOut(desk.asked(ticket, of: name, spec, now: services.clock.now()), track: (track, source))
        }
        return try result.get()
    }

    /// Each of a stream's tracks by itself: a participant shows a camera and a screen.
    package func picture(of source: RoomTrackSource, _ spec: PictureSpec) async throws(BridgeError) -> Picture {
        let name = StreamID("\(source.stream)\u{1F}\(source.description.index)")
        return try await picture(of: source.description, in: source.stream, as: name, spec)
    }

    package func recorded(of stream: StreamID, at moment: WallTime, _ spec: PictureSpec) async throws(PlaybackError) -> Picture {
        do throws(BridgeError) {
            try checkIsOn()
        } catch {
            throw .failed(error)
        }
        let source = try await services.playback.pictureSource(of: stream, at: moment)
        do throws(BridgeError) {
            return try await recorded.picture(of: source, spec)
        } catch {
            throw .failed(error)
        }
    }

    private func checkIsOn() throws(BridgeError) {
        guard !isOff else { throw BridgeError(.forbidden, "Pictures are switched off here; set pipelines.pictures.") }
    }

    // MARK: - Effects

    /// `track`: what a decoder that is to be launched decodes.
    private func carryOut(_ effects: [SnapshotDesk.Effect], track: (TrackDescription, StreamID)? = nil) {
        for effect in effects {
            switch effect {
            case .launch(let stream): if let track { launch(stream, track.0, of: track.1) }
            case .order(let stream, let number, let spec): order(number, spec, of: stream)
            case .dismiss(let stream): dismiss(stream)
            case .answer(let asked, let picture): settle(asked, .success(picture))
            case .refuse(let asked, let error): settle(asked, .failure(error))
            }
        }
        armTimer()
    }

    private func settle(_ asked: [SnapshotDesk.Ticket], _ result: Result<Picture, BridgeError>) {
        for ticket in asked { tickets.removeValue(forKey: ticket)?.resume(returning: result) }
    }

    private func armTimer() {
        timer?.cancel()
        guard let deadline = desk.deadline else { return }
        timer = Task { [weak self, clock = services.clock] in
            guard (try? await clock.sleep(deadline)) != nil else { return }
            await self?.expire()
        }
    }

    private func expire() { carryOut(desk.expire(now: services.clock.now())) }

    private func launch(_ stream: StreamID, _ track: TrackDescription, of source: StreamID) {
        let id = PipelineID("picture-\(RandomUUID.text())")
        decoders[stream] = Decoder(id: id, codec: track.codec)
        Task { [weak self] in await self?.run(id, stream, track, of: source) }
    }

    /// One decoder's life.
    private func run(_ id: PipelineID, _ stream: StreamID, _ track: TrackDescription, of source: StreamID) async {
        let plan = PicturePlan(source: .live(track), wallClockOffset: services.clock.wallOffset)
        let pipeline: any RunningPipeline
        do throws(BridgeError) {
            pipeline = try await services.launcher.launch(PipelinePlan(pipeline: id, work: .picture(plan)))
        } catch {
            if decoders[stream]?.id == id { end(stream, error) }
            return
        }
        // The caches hold the last keyframe and all that came after it.
        services.hub.subscribe(
            id, to: source, tracks: [track.index], sinks: pipeline.media, timing: .recorded(since: MonotonicTime(nanoseconds: 0)))
        if decoders[stream]?.id == id {
            decoders[stream]?.pipeline = pipeline
            carryOut(desk.started(stream))
        } else {
            pipeline.send(.stop(deadline: .zero))
        }
        var reason = BridgeError(.unavailable, "The stream's pictures ended; try again.")
        for await event in pipeline.events {
            if case .failed(let error) = event { reason = error }
            await hear(event, of: stream)
        }
        services.hub.unsubscribe(id)
        await discardOrders(of: id)
        if decoders[stream]?.id == id { end(stream, reason) }
    }

    /// What a decoder that is gone has not answered: it may have written the picture all the same.
    private func discardOrders(of decoder: PipelineID) async {
        for (number, order) in orders where order.decoder == decoder {
            orders[number] = nil
            await folder.discard(number, order.format)
        }
    }

    private func order(_ number: UInt64, _ spec: PictureSpec, of stream: StreamID) {
        guard let decoder = decoders[stream] else { return }
        let notBefore = services.clock.now().advanced(by: .zero - Self.age)
        decoder.pipeline?.send(
            .picture(
                PictureOrder(
                    number: number, spec: spec, path: folder.path(number, spec.format), notBefore: notBefore)))
        orders[number] = (spec.format, decoder.id)
    }

    private func hear(_ event: PipelineEvent, of stream: StreamID) async {
        switch event {
        case .picture(let result):
            guard let format = orders.removeValue(forKey: result.number)?.format else { return }
            do throws(BridgeError) {
                let picture = try await folder.take(result, format)
                carryOut(desk.taken(picture, number: result.number, of: stream, now: services.clock.now()))
            } catch {
                carryOut(desk.failed(error, number: result.number, of: stream))
            }
        case .pictureFailed(let number, let error):
            orders[number] = nil
            carryOut(desk.failed(error, number: number, of: stream))
        default: break
        }
    }

    private func dismiss(_ stream: StreamID) {
        decoders.removeValue(forKey: stream)?.pipeline?.send(.stop(deadline: .zero))
    }

    /// The decoder is of no more use, or gone.
    private func end(_ stream: StreamID, _ error: BridgeError) {
        dismiss(stream)
        carryOut(desk.ended(stream, error))
    }
}

/// Where children put pictures, for the moment until they are read.
struct PictureFolder: Sendable {
    let path: String

    func prepare() throws(BridgeError) {
        do {
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw BridgeError(.internal, "The folder \(path) cannot be made; check who owns the data folder.")
        }
    }

    func path(_ number: UInt64, _ format: PictureFormat) -> String { "\(path)/\(number).\(format.fileExtension)" }

    /// Removes the file of a picture that nobody waits for.
    @concurrent func discard(_ number: UInt64, _ format: PictureFormat) async {
        try? FileManager.default.removeItem(atPath: path(number, format))
    }

    /// Reads a picture and removes its file.
    @concurrent func take(_ result: PictureResult, _ format: PictureFormat) async throws(BridgeError) -> Picture {
        let path = path(result.number, format)
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard let bytes = FileManager.default.contents(atPath: path) else { throw BridgeError(.internal, "The picture's file is gone.") }
        return Picture(format: format, bytes: [UInt8](bytes), takenAt: result.takenAt, width: result.width, height: result.height)
    }
}
