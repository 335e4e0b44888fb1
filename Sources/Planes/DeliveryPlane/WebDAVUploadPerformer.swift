internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import Foundation
internal import NIOHTTP1

/// Puts recordings onto WebDAV servers (RFC 4918): under a temporary name whose size is asked for, then moved, so that whoever watches the collection
/// sees whole files only. Collections on the way are made.
struct WebDAVUploadPerformer: Sendable {
    private static let replyBytes = 64 << 10

    let client: EgressClient
    let transfer: TransferServices

    func upload(_ job: UploadJob, to server: WebDAVDestination) async -> AttemptOutcome {
        let place = WebDAVPlace(server, key: server.key.key(for: job.facts), id: job.id)
        do {
            try await put(job, place, server)
            try await verify(place, server, size: job.file.size)
            try await move(place, server)
            return .stored
        } catch {
            return error.outcome
        }
    }

    /// Removes a temporary file that an upload that is given up has left.
    func abandon(_ id: DeliveryID, at server: WebDAVDestination, facts: KeyFacts) async {
        await remove(WebDAVPlace(server, key: server.key.key(for: facts), id: id).temporary, server)
    }

    /// Removes a file, if it can be removed.
    func remove(_ url: String, _ server: WebDAVDestination) async {
        _ = try? await ask(.DELETE, url, server)
    }

    /// Removes a file; what is not there counts as removed (RFC 4918 section 9.6).
    func delete(_ key: String, at server: WebDAVDestination) async -> AttemptOutcome {
        do {
            let reply = try await ask(.DELETE, WebDAVPlace(server, key: key, id: DeliveryID("removal")).final, server)
            return reply.isSuccess || [404, 410].contains(reply.status) ? .stored : reply.refusal
        } catch {
            return error.outcome
        }
    }

    /// Most servers say 409 where a collection is missing (RFC 4918 section 9.7.1), some 404 or 403: then the collections are made, and it is sent
    /// once more.
    private func put(_ job: UploadJob, _ place: WebDAVPlace, _ server: WebDAVDestination) async throws(UploadStop) {
        var reply = try await send(job, place.temporary, server)
        if [403, 404, 409].contains(reply.status), !place.collections.isEmpty {
            for collection in place.collections { _ = try await ask(HTTPMethod(rawValue: "MKCOL"), collection, server) }
            reply = try await send(job, place.temporary, server)
        }
        guard reply.isSuccess else { throw UploadStop(reply.refusal) }
    }

    private func send(_ job: UploadJob, _ url: String, _ server: WebDAVDestination) async throws(UploadStop) -> EgressReply {
        let url = try parsed(url)
        let file = job.file
        var headers = server.headers
        headers.add(name: "content-type", value: job.facts.mediaType)
        let result = await transfer.send(0..<file.size, of: file) { [client, headers] body in
            let request = EgressRequest(method: .PUT, headers: headers) { .stream(body, length: .known(file.size)) }
            return await client.send(request, to: url)
        }
        switch result {
        case .success(let reply): return reply
        case .failure(let fault): throw UploadStop(fault)
        }
    }

    /// The bytes of a file there. Has no time limit of its own.
    func read(
        _ url: String, _ server: WebDAVDestination, into sink: @escaping EgressRequest.Sink
    ) async -> Result<EgressReply, AttemptFault> {
        switch client.parse(Redacted(url)) {
        case .failure(let fault): .failure(fault)
        case .success(let url):
            await client.send(
                EgressRequest(method: .GET, headers: server.headers, replyBytes: Self.replyBytes, sink: sink) { nil }, to: url)
        }
    }

    private func verify(_ place: WebDAVPlace, _ server: WebDAVDestination, size: Int64) async throws(UploadStop) {
        let length: Int64?
        do throws(UploadStop) {
            length = try await self.size(of: place.temporary, server)
        } catch {
            throw error.outcome.status == 404 ? UploadStop(.refused(status: 404, .notWhole)) : error
        }
        guard length == size else { throw UploadStop(.refused(status: 200, .notWhole)) }
    }

    /// Bytes of a file there; nil when the server does not say.
    func size(of url: String, _ server: WebDAVDestination) async throws(UploadStop) -> Int64? {
        let reply = try await ask(.HEAD, url, server)
        guard reply.isSuccess else { throw UploadStop(reply.refusal) }
        return if let length = reply.length { length } else { try await property(url, server) }
    }

    /// `getcontentlength` (RFC 4918 section 15.4), for servers whose answers to HEAD have no length.
    private func property(_ url: String, _ server: WebDAVDestination) async throws(UploadStop) -> Int64? {
        let reply = try await ask(HTTPMethod(rawValue: "PROPFIND"), url, server, headers: [("depth", "0")])
        guard let root = try? XMLElement.read(reply.body) else { return nil }
        let properties = root.all("response").flatMap { $0.all("propstat") }.flatMap { $0.all("prop") }
        return properties.compactMap { $0["getcontentlength"] }.first.flatMap { Int64($0.text) }
    }

    private func move(_ place: WebDAVPlace, _ server: WebDAVDestination) async throws(UploadStop) {
        let reply = try await ask(
            HTTPMethod(rawValue: "MOVE"), place.temporary, server, headers: [("destination", place.final), ("overwrite", "T")])
        guard reply.isSuccess else { throw UploadStop(reply.refusal) }
    }

    private func ask(
        _ method: HTTPMethod, _ url: String, _ server: WebDAVDestination, headers: [(String, String)] = []
    ) async throws(UploadStop) -> EgressReply {
        let url = try parsed(url)
        var fields = server.headers
        for (name, value) in headers { fields.add(name: name, value: value) }
        let request = EgressRequest(method: method, headers: fields, replyBytes: Self.replyBytes) { nil }
        return try await transfer.ask { [client] in await client.send(request, to: url) }
    }

    private func parsed(_ url: String) throws(UploadStop) -> DeliveryURL {
        switch client.parse(Redacted(url)) {
        case .success(let url): return url
        case .failure(let fault): throw UploadStop(fault)
        }
    }
}

/// The URLs of one file on a server.
struct WebDAVPlace {
    /// Where it is written.
    var temporary: String
    /// Where it goes then.
    var final: String
    /// Those between the destination's own and the file, outermost first.
    var collections: [String]

    init(_ server: WebDAVDestination, key: String, id: DeliveryID) {
        let base = server.url.revealed.hasSuffix("/") ? String(server.url.revealed.dropLast()) : server.url.revealed
        let parts = PercentEncoding.encode(key, keepingSlashes: true).split(separator: "/").map(String.init)
        collections = parts.indices.dropFirst().map { "\(base)/\(parts[..<$0].joined(separator: "/"))/" }
        let folder = collections.last ?? "\(base)/"
        temporary = "\(folder).\(parts.last ?? "").\(id.rawValue).part"
        final = folder + (parts.last ?? "")
    }
}

extension WebDAVDestination {
    fileprivate var headers: HTTPHeaders {
        switch authentication {
        case .basic(let user, let password):
            ["authorization": "Basic " + Data("\(user):\(password.revealed)".utf8).base64EncodedString()]
        case .bearer(let token): ["authorization": "Bearer \(token.revealed)"]
        case nil: [:]
        }
    }
}

extension EgressReply {
    /// The outcome of a request that the server refused.
    fileprivate var refusal: AttemptOutcome { .refused(status: status, ServiceRefusal(status: status)) }
}
