package import BridgeModel

/// What a camera says to its bridge to get rid of a file that it recorded by itself, and what the replies mean
/// (`POST /bridge/v1/streams/{stream}/footage`). Pure: of one file.
package struct FootageExchange: Sendable {
    /// What a reply means.
    package enum Word: Sendable, Equatable {
        /// The bridge has the file up to here.
        case wants(from: Int64)
        /// It is a recording of the bridge, durably: the camera may forget it.
        case taken(recording: String)
        /// It will never be taken as it is.
        case refused(String)
        case later(after: Duration?, String)
    }

    private static let replyBytes = 16 * 1024
    private static let passing: Set<Int> = [408, 423, 425, 429]

    private let origin: DeliveryURL
    private let stream: StreamID
    private let token: Redacted<String>?
    private let sha256: String
    private let size: Int64

    /// `origin`: of the bridge; `sha256`: lower-case hexadecimal.
    package init(origin: DeliveryURL, stream: StreamID, token: Redacted<String>?, sha256: String, size: Int64) {
        self.origin = origin
        self.stream = stream
        self.token = token
        self.sha256 = sha256
        self.size = size
    }

    /// Brings a piece; an empty one asks how much the bridge has.
    package func request(offset: Int64, bytes: [UInt8]) throws(BridgeError) -> OutgoingCall {
        let path = "/bridge/v1/streams/\(stream.rawValue.percentEncoded)/footage?sha256=\(sha256)&size=\(size)&offset=\(offset)"
        let url = try origin.redirected(to: Redacted(path), rules: CameraTarget.rules(host: origin.host))
        return OutgoingCall(
            method: "POST", url: url, token: token, contentType: "application/octet-stream", body: bytes, replyBytes: Self.replyBytes)
    }

    /// Reads a reply, of whoever it is.
    package func word(of reply: OutgoingReply, now: WallTime) -> Word {
        let body = try? JSONValue.read(reply.body)
        switch reply.status {
        case 200, 201:
            guard let recording = body?["recording"]?.string else { return .later(after: nil, Self.strange(reply.status)) }
            return .taken(recording: recording)
        case 202:
            guard let received = body?["received"]?.integer.map({ Int64($0) }), (0...size).contains(received) else {
                return .later(after: nil, Self.strange(reply.status))
            }
            return .wants(from: received)
        case 400, 413, 422: return .refused(Self.detail(body, reply.status))
        case 400...499 where !Self.passing.contains(reply.status): return .later(after: .seconds(60), Self.detail(body, reply.status))
        default:
            return .later(after: reply.retryAfter.flatMap { RetryAfter.parse($0, now: now) }, Self.detail(body, reply.status))
        }
    }

    private static func strange(_ status: Int) -> String { "The bridge answered \(status) without what belongs to it." }

    private static func detail(_ body: JSONValue?, _ status: Int) -> String {
        let text = body?["detail"]?.string.flatMap { $0.isOneLine && $0.utf8.count <= 500 ? $0 : nil }
        return "The bridge answered \(status)\(text.map { ": " + $0 } ?? ".")"
    }
}
