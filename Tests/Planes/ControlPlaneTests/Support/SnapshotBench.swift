import Bridge
import BridgeModel
import BridgeTesting
import Foundation
import Playback
import Synchronization
import Testing

@testable import ControlPlane

/// Pictures among fakes: the stream `camera` is live, and one file holds all that was recorded. The folder is real and goes with the test.
final class SnapshotBench: Sendable {
    let clock = TestClock()
    let launcher = FakeLauncher()
    let hub = FakeHub()
    let playback = OneFile()
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-pictures-\(UUID().uuidString)").path
    let service: SnapshotService
    private let cameras = Cameras()

    init(decoders: Int = 2) throws {
        service = SnapshotService(
            services: .init(launcher: launcher, hub: hub, stream: cameras.stream, playback: playback, clock: clock.clock), folder: folder,
            decoders: decoders)
        try service.prepare()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The camera sends these from now on; nothing: it is gone.
    func send(_ tracks: [TrackDescription]) { cameras.tracks.withLock { $0 = tracks } }

    /// Asks for a live picture, and goes on.
    func ask(_ stream: String = "camera", _ spec: PictureSpec = PictureSpec(.jpeg)) -> Task<Result<Picture, BridgeError>, Never> {
        Task { [service] in
            do throws(BridgeError) { return .success(try await service.live(of: StreamID(stream), spec)) } catch { return .failure(error) }
        }
    }

    /// The same of what was recorded.
    func askRecorded() -> Task<Result<Picture, PlaybackError>, Never> {
        Task { [service] in
            do throws(PlaybackError) {
                return .success(try await service.recorded(of: StreamID("camera"), at: TestClock.epoch, PictureSpec(.png)))
            } catch {
                return .failure(error)
            }
        }
    }

    /// What is left in the folder.
    var files: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }
}

/// `camera` sends what the test wants, and so does each whose name begins so.
private final class Cameras: Sendable {
    let tracks = Mutex([Sample.vp8, Sample.opus])

    @Sendable func stream(_ id: StreamID) async -> LiveStream? {
        let tracks = tracks.withLock { $0 }
        return tracks.isEmpty || !id.rawValue.hasPrefix("camera")
            ? nil : Sample.stream(Sample.context("s1", stream: id.rawValue), tracks: tracks)
    }
}

extension FakePipeline {
    /// Pictures that a live decoder was ordered.
    var pictureOrders: [PictureOrder] {
        commands.compactMap { command in
            guard case .picture(let order) = command else { return nil }
            return order
        }
    }

    /// The order of a child that makes one picture of a file.
    var fileOrder: PictureOrder? {
        guard case .picture(let plan) = self.plan.work, case .file(_, let order) = plan.source else { return nil }
        return order
    }

    /// Order number `count`, when it has come.
    func order(_ count: Int = 1) async throws -> PictureOrder {
        #expect(await eventually { pictureOrders.count >= count })
        return try #require(pictureOrders.dropFirst(count - 1).first)
    }

    /// Writes the picture and says so.
    func deliver(_ order: PictureOrder, _ bytes: [UInt8] = [1, 2, 3]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: order.path))
        say(.picture(PictureResult(number: order.number, takenAt: TestClock.epoch, width: 64, height: 36)))
    }
}

/// Everything was recorded into one file, or nothing was.
final class OneFile: StreamPlayback {
    private let failure = Mutex<PlaybackError?>(nil)

    func fail(_ error: PlaybackError?) { failure.withLock { $0 = error } }

    func pictureSource(of stream: StreamID, at moment: WallTime) async throws(PlaybackError) -> PictureSource {
        if let failure = failure.withLock(\.self) { throw failure }
        return PictureSource(
            path: "/spool/r.webm", container: .webm, track: 1, codec: .vp8, codecPrivate: [], cluster: 0, time: .zero, startedAt: moment)
    }

    func timeline(
        of stream: StreamID, in range: PlaybackRange, after: TimelineCursor?, limit: Int
    ) async throws(PlaybackError) -> TimelinePage { throw .nothingRecorded }
    func media(of stream: StreamID, _ cut: MediaCut) async throws(PlaybackError) -> PlaybackMedia { throw .nothingRecorded }
    func masterPlaylist(of stream: StreamID, in range: PlaybackRange?, media uri: String) async throws(PlaybackError) -> String {
        throw .nothingRecorded
    }
    func playlist(of stream: StreamID, in range: PlaybackRange, query: String) async throws(PlaybackError) -> String {
        throw .nothingRecorded
    }
    func livePlaylist(of stream: StreamID, _ directives: HLSDirectives, query: String) async throws(PlaybackError) -> String {
        throw .nothingRecorded
    }
    func resource(_ resource: HLSResource, of stream: StreamID) async throws(PlaybackError) -> [UInt8]? { nil }
    func thumbnail(_ name: String, of stream: StreamID) async throws(PlaybackError) -> String? { nil }
}
