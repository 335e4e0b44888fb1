import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Playback

/// Single pictures of a stream: as it is now, or as it was recorded.
struct SnapshotOperations: Sendable {
    let playback: PlaybackAccess
    let snapshots: any Snapshots

    @Sendable func jpeg(_ request: APIRequest) async throws(Problem) -> APIResponse { try await snapshot(request, .jpeg) }
    @Sendable func png(_ request: APIRequest) async throws(Problem) -> APIResponse { try await snapshot(request, .png) }
    @Sendable func webp(_ request: APIRequest) async throws(Problem) -> APIResponse { try await snapshot(request, .webp) }

    /// With `at` of what was recorded, by the rules of playback; else of now, for whoever may watch.
    private func snapshot(_ request: APIRequest, _ format: PictureFormat) async throws(Problem) -> APIResponse {
        guard let text = request.query["at"] else {
            let stream = try await playback.watchedStream(of: request)
            let spec = try Self.spec(request, format)
            do throws(BridgeError) {
                return Self.response(try await snapshots.live(of: stream, spec))
            } catch {
                guard error.code == .noMedia else { throw Problem(error) }
                throw Problem(.serviceUnavailable, error.code.rawValue, error.message, retryAfter: 1)
            }
        }
        let stream = try await playback.stream(of: request)
        let spec = try Self.spec(request, format)
        guard let moment = PlaybackTime.parse(text) else { throw .invalidField("at", PlaybackTime.rule) }
        let picture = try await Problem.playing { () async throws(PlaybackError) in
            try await snapshots.recorded(of: stream, at: moment, spec)
        }
        // What was recorded does not change.
        return Self.response(picture).with(.cacheControl, "private, max-age=3600")
    }

    private static func response(_ picture: Picture) -> APIResponse {
        var fields: HTTPFields = [.contentType: picture.format.mediaType]
        if let name = HTTPField.Name("X-Media-Time") { fields[name] = picture.takenAt.iso8601 }
        return APIResponse(status: .ok, fields: fields, body: .bytes(picture.bytes))
    }

    private static func spec(_ request: APIRequest, _ format: PictureFormat) throws(Problem) -> PictureSpec {
        try Problem.reading { () throws(FieldFault) in
            try PictureSpec(format, width: request.query["width"], quality: request.query["quality"])
        }
    }
}
