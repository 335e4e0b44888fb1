internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import Foundation
internal import NIOHTTP1

/// Puts recordings onto WebDAV servers (RFC 4918): under a temporary name whose size is asked for, then moved, so that whoever watches the collection
/// sees whole files only. Collections on the way are made. Where the server takes them longer files go in parts, while they grow where they do.
struct WebDAVUploadPerformer: Sendable {
    private static let replyBytes = 64 << 10
    /// Bytes that are sent at once, where nothing was while they grew.
    private static let longestWhole: Int64 = 8 << 20

    let client: EgressClient
    let ledger: any UploadLedger
    let transfer: TransferServices
    let clock: any OutboxClock
    /// Knows parts that were sent while the recording ran.
    let streams: StreamedParts
    let partialPuts = PartialPutMemory()

    func upload(_ job: UploadJob, to server: WebDAVDestination) async -> AttemptOutcome {
        let place = WebDAVPlace(server, key: server.key.key(for: job.facts), id: job.id)
        do throws(UploadStop) {
            // Nothing is written there any more by those who send what grows.
            let sent = await streams.take(job.name)
            let begun = try await ledger.begun(job.name, at: place.location)
            let isLong = job.file.size > Self.longestWhole && job.file.size <= WebDAVPartialFile.longestFile
            if isLong || begun != nil, try await partialFile(server, job.facts).run(job, sent: sent) { return .stored }
            try await put(0..<job.file.size, of: job, place, server)
            try await verify(place, server, size: job.file.size)
            try await move(place.temporary, place.final, server)
            return .stored
        } catch {
            return error.outcome
        }
    }

    /// A file there, part by part.
    func partialFile(_ server: WebDAVDestination, _ facts: KeyFacts) -> WebDAVPartialFile {
        WebDAVPartialFile(performer: self, server: server, key: server.key.key(for: facts))
    }

    /// Removes temporary files that an upload that is given up has left.
    func abandon(_ id: DeliveryID, _ name: String, at server: WebDAVDestination, facts: KeyFacts) async {
        await remove(WebDAVPlace(server, key: server.key.key(for: facts), id: id).temporary, server)
        await partialFile(server, facts).giveUp(name)
    }

    /// Whether the server has no such file any more: it says so, or has never had it.
    func abort(_ url: String, _ server: WebDAVDestination) async -> Bool {
        guard let reply = try? await ask(.DELETE, url, server) else { return false }
        return reply.isSuccess || [404, 410].contains(reply.status)
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
    func put(_ range: Range<Int64>, of job: UploadJob, _ place: WebDAVPlace, _ server: WebDAVDestination) async throws(UploadStop) {
        var reply = try await send(range, of: job, to: place.temporary, server)
        if [403, 404, 409].contains(reply.status), !place.collections.isEmpty {
            for collection in place.collections { _ = try await ask(HTTPMethod(rawValue: "MKCOL"), collection, server) }
            reply = try await send(range, of: job, to: place.temporary, server)
        }
        guard reply.isSuccess else { throw UploadStop(reply.refusal) }
    }

    /// Sends bytes of a file as the body of a PUT.
    func send(
        _ range: Range<Int64>, of job: UploadJob, to url: String, _ server: WebDAVDestination, headers: [(String, String)] = []
    ) async throws(UploadStop) -> EgressReply {
        let url = try parsed(url)
        let fields = server.headers(headers + [("content-type", job.facts.mediaType)])
        let result = await transfer.send(range, of: job.file) { [client] body in
            let request = EgressRequest(method: .PUT, headers: fields) { .stream(body, length: .known(Int64(range.count))) }
            return await client.send(request, to: url)
        }
        switch result {
        case .success(let reply): return reply
        case .failure(let fault): throw UploadStop(fault)
        }
    }

    /// The bytes of a file there. Has no time limit of its own. `range`: as the header has it (RFC 9110 section 14.2).
    func read(
        _ url: String, _ server: WebDAVDestination, range: String? = nil, into sink: @escaping EgressRequest.Sink
    ) async -> Result<EgressReply, AttemptFault> {
        let fields = server.headers(range.map { [("range", $0)] } ?? [])
        return switch client.parse(Redacted(url)) {
        case .failure(let fault): .failure(fault)
        case .success(let url):
            await client.send(EgressRequest(method: .GET, headers: fields, replyBytes: Self.replyBytes, sink: sink) { nil }, to: url)
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

    /// Gives a file another name, whatever has that now.
    func move(_ url: String, _ name: String, _ server: WebDAVDestination) async throws(UploadStop) {
        let reply = try await ask(HTTPMethod(rawValue: "MOVE"), url, server, headers: [("destination", name), ("overwrite", "T")])
        guard reply.isSuccess else { throw UploadStop(reply.refusal) }
    }

    private func ask(
        _ method: HTTPMethod, _ url: String, _ server: WebDAVDestination, headers: [(String, String)] = []
    ) async throws(UploadStop) -> EgressReply {
        let url = try parsed(url)
        let request = EgressRequest(method: method, headers: server.headers(headers), replyBytes: Self.replyBytes) { nil }
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
    /// In the ledger. The path may be a secret (a link that is shared).
    var location: String

    init(_ server: WebDAVDestination, key: String, id: DeliveryID) {
        let base = server.url.revealed.hasSuffix("/") ? String(server.url.revealed.dropLast()) : server.url.revealed
        let parts = PercentEncoding.encode(key, keepingSlashes: true).split(separator: "/").map(String.init)
        collections = parts.indices.dropFirst().map { "\(base)/\(parts[..<$0].joined(separator: "/"))/" }
        let folder = collections.last ?? "\(base)/"
        temporary = "\(folder).\(parts.last ?? "").\(id.rawValue).part"
        final = folder + (parts.last ?? "")
        location = "webdav \(Destination.webdav(server).origin) \(key) \(FileDigest(of: Array(final.utf8)).sha256.prefix(16))"
    }
}

extension WebDAVDestination {
    /// With those that show who the bridge is.
    fileprivate func headers(_ more: [(String, String)]) -> HTTPHeaders {
        var headers = HTTPHeaders(more)
        switch authentication {
        case .basic(let user, let password):
            headers.add(name: "authorization", value: "Basic " + Data("\(user):\(password.revealed)".utf8).base64EncodedString())
        case .bearer(let token): headers.add(name: "authorization", value: "Bearer \(token.revealed)")
        case nil: break
        }
        return headers
    }
}

extension EgressReply {
    /// The outcome of a request that the server refused.
    var refusal: AttemptOutcome { .refused(status: status, ServiceRefusal(status: status)) }
}
