import Bridge
import BridgeModel
import Foundation
import Synchronization

/// A WebDAV server that keeps its files in memory, and treats parts (PUT with `Content-Range`) in one of the ways in which servers do.
final class MemoryDAV: Sendable {
    enum Manners: Sendable, Equatable {
        /// As Apache: written to their place.
        case writes
        /// As most in Go: the part is the file now.
        case replaces
        /// The part is the file now, and the server says of any file that it has so many bytes.
        case replacesAndClaims(Int)
        case appends
        /// With this status.
        case refuses(Int)
        /// Half of the third part that comes is lost on its way, and the answer is the one of success.
        case cuts
        /// The connection ends by a reset, in each part.
        case resets
    }

    /// What happens to one part, once: the file is removed before it comes.
    enum Loss: Sendable {
        /// `If-Match` is obeyed.
        case refused
        /// It is not, and the answer says that there is a new file.
        case told
        /// It is not, and the answer says nothing.
        case silent
    }

    fileprivate struct Content {
        var files: [String: Data] = [:]
        var manners: Manners
        /// By its place among the parts that come.
        var loss: (part: Int, how: Loss)?
        var parts = 0
        /// Requests of a method are answered with this.
        var refusals: [String: Int] = [:]
    }

    private final class Store: Sendable {
        let content: Mutex<Content>
        init(_ content: Content) { self.content = Mutex(content) }
    }

    private let store: Store
    private let server: TestServer

    /// `losing`: with the part at this place, counted from 1.
    init(_ manners: Manners = .writes, losing loss: (part: Int, how: Loss)? = nil) throws {
        let store = Store(Content(manners: manners, loss: loss))
        self.store = store
        server = try TestServer(answering: { request in store.content.withLock { $0.answer(request) } })
    }

    func destination() throws -> Destination {
        .webdav(
            WebDAVDestination(
                url: Redacted(server.url("/films")), authentication: .basic(user: "u", password: Redacted("p")),
                key: try KeyTemplate(parsing: "{camera}/{id}")))
    }

    /// By their names below the collection.
    var files: [String: Data] { store.content.withLock { $0.files } }
    var names: [String] { files.keys.sorted() }
    /// Method, and range if it has one, of each request.
    var calls: [String] {
        server.received.map { request in
            let range = request.header("content-range") ?? request.header("range")
            return ([String(request.line.prefix { $0 != " " })] + (range.map { [$0] } ?? [])).joined(separator: " ")
        }
    }
    var parts: [String] { server.received.compactMap { $0.header("content-range") } }

    func behave(_ manners: Manners) { store.content.withLock { $0.manners = manners } }
    func refuse(_ method: String, _ status: Int?) { store.content.withLock { $0.refusals[method] = status } }
    func change(_ change: (inout [String: Data]) -> Void) { store.content.withLock { change(&$0.files) } }
}

extension MemoryDAV.Content {
    fileprivate mutating func answer(_ request: TestServer.Request) -> TestServer.Behaviour {
        let words = request.line.split(separator: " ")
        let (method, name) = (String(words[0]), String(words[1].dropFirst("/films/".count)))
        if let status = refusals[method] { return .reply(status) }
        switch method {
        case "PUT": return put(request, name)
        case "GET": return get(request, name)
        case "HEAD":
            guard let file = files[name] else { return .reply(404) }
            var length = file.count
            if case .replacesAndClaims(let claim) = manners { length = claim }
            return .raw("HTTP/1.1 200 OK\r\ncontent-length: \(length)\r\nconnection: close\r\n\r\n")
        case "MOVE":
            guard let target = request.header("destination")?.components(separatedBy: "/films/").last, let file = files[name] else {
                return .reply(404)
            }
            files[name] = nil
            files[target] = file
            return .reply(201)
        case "DELETE": return .reply(files.removeValue(forKey: name) == nil ? 404 : 204)
        default: return .reply(405)
        }
    }

    private mutating func put(_ request: TestServer.Request, _ name: String) -> TestServer.Behaviour {
        guard let range = request.header("content-range") else {
            defer { files[name] = request.body }
            return .reply(files[name] == nil ? 201 : 204)
        }
        parts += 1
        var (file, status) = (files[name], 204)
        if let loss, loss.part == parts {
            if loss.how == .refused {
                files[name] = nil
                return .reply(412)
            }
            file = Data()
            status = loss.how == .told ? 201 : 204
        }
        guard file != nil || request.header("if-match") != "*" else { return .reply(412) }
        guard let start = Int(range.dropFirst("bytes ".count).prefix { $0 != "-" }) else { return .reply(400) }
        var body = request.body
        switch manners {
        case .refuses(let refusal): return .reply(refusal)
        case .resets: return .reset(afterBody: 0)
        case .replaces, .replacesAndClaims: file = body
        case .appends: file?.append(body)
        case .cuts, .writes:
            if manners == .cuts, parts == 3 { body = body.prefix(body.count / 2) }
            var whole = file ?? Data()
            if whole.count < start + body.count { whole.append(Data(count: start + body.count - whole.count)) }
            whole.replaceSubrange(start..<(start + body.count), with: body)
            file = whole
        }
        files[name] = file
        return .reply(status)
    }

    private func get(_ request: TestServer.Request, _ name: String) -> TestServer.Behaviour {
        guard let file = files[name] else { return .reply(404) }
        guard let range = request.header("range")?.dropFirst("bytes=".count) else { return .bytes(200, file) }
        let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard let start = ends[0], start < file.count else { return .reply(416) }
        return .bytes(206, file[start..<min(file.count, (ends[1] ?? file.count) + 1)])
    }
}
