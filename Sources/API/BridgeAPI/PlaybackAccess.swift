import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Playback

/// Who may look back: the operator always; viewers of a stream, and everybody where streams are public, only where `playback.viewers` is set.
struct PlaybackAccess: Sendable {
    let access: NativeAccess
    let viewersMay: Bool

    /// The stream of the path, when the request may see what was recorded of it. A player that cannot set a field has its token in the query.
    func stream(of request: APIRequest) async throws(Problem) -> StreamID { try await visit(of: request).stream }

    /// The same, and whether it is the operator who asks.
    func visit(of request: APIRequest) async throws(Problem) -> (stream: StreamID, isOperator: Bool) {
        let grant = try await grant(request)
        guard grant != nil || (access.streamsArePublic && viewersMay) else { throw .token(.missing) }
        let id = request.parameters["id"] ?? ""
        let stream = StreamID(id)
        let isOperator = grant?.role == .admin
        guard isOperator || (viewersMay && access.mayWatch(stream, grant)) else { throw .noSuchStream(id) }
        return (stream, isOperator)
    }

    /// The stream of the path, when the request may watch it live. A page's picture cannot set a field: its token may be in the query.
    func watchedStream(of request: APIRequest) async throws(Problem) -> StreamID {
        let grant = try await grant(request)
        guard grant != nil || access.streamsArePublic else { throw .token(.missing) }
        let id = request.parameters["id"] ?? ""
        guard access.mayWatch(StreamID(id), grant) else { throw .noSuchStream(id) }
        return StreamID(id)
    }

    private func grant(_ request: APIRequest) async throws(Problem) -> Grant? {
        let token: Redacted<String>
        do throws(AccessError) {
            token = try SocketToken.read(request)
        } catch .missing {
            return nil
        } catch {
            throw .token(error)
        }
        return try await access.verify(token)
    }

    /// What playlists append to each URI, so that players which came with a token in the query go on with it.
    static func query(of request: APIRequest) -> String {
        request.query["auth_token"].map { "?auth_token=" + PercentEncoding.encode($0, where: PercentEncoding.isUnreserved) } ?? ""
    }
}

extension Problem {
    init(_ error: PlaybackError) {
        switch error {
        case .malformed(let field, let rule): self = .invalidField(field, rule)
        case .nothingRecorded:
            self.init(.notFound, "nothing_recorded", "Nothing was recorded in this range, or it is no longer on the bridge.")
        case .nothingAt(let before, let after):
            self.init(
                .notFound, "nothing_recorded",
                "Nothing was recorded at this moment" + Self.neighbours(before, after))
            members = [.init("before", .optional(before?.iso8601)), .init("after", .optional(after?.iso8601))]
        case .unsuitable(let codec, let instead):
            self.init(.notAcceptable, "unsuitable_container", "\(codec) cannot be sent in this form; ask for a range as \(instead).")
        case .formatChanges:
            self.init(.conflict, "format_changes", "The tracks change within the range; ask for the parts before and after.")
        case .failed(let error): self.init(error)
        }
    }

    private static func neighbours(_ before: WallTime?, _ after: WallTime?) -> String {
        switch (before?.iso8601, after?.iso8601) {
        case (let before?, let after?): "; there is a picture of \(before), and the next of \(after)."
        case (let before?, nil): "; there is a picture of \(before)."
        case (nil, let after?): "; the next picture is of \(after)."
        case (nil, nil): ", or it is no longer on the bridge; see the stream's timeline."
        }
    }

    /// Does something that may fail with a playback error.
    static func playing<Value: Sendable>(_ operation: () async throws(PlaybackError) -> Value) async throws(Problem) -> Value {
        do throws(PlaybackError) {
            return try await operation()
        } catch {
            throw Problem(error)
        }
    }
}
