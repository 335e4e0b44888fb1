internal import AsyncHTTPClient
package import Bridge
package import BridgeModel
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// HTTP to places that somebody else chose. Each request resolves its host once, checks every address, and connects to a checked one: there is no
/// second look-up between check and use. No redirect is followed, no proxy, cookie or connection kept.
package struct EgressClient: Sendable {
    /// What is read of a reply's body, so that the receiver can end it in peace; its beginning is kept for the log.
    private static let replyBytes = 4096
    private static let replyTime: Duration = .seconds(1)
    /// Addresses of one host that are tried in one attempt.
    private static let addressesTried = 3

    private let rules: AddressRules
    private let resolver: any NameResolver
    private let connectTimeout: Duration
    private let tls: TLSConfiguration

    /// `trustRoots` are PEM files of certificate authorities that are trusted besides the system's. Throws `invalid_field` when one cannot be read.
    package init(
        rules: AddressRules, resolver: any NameResolver, connectTimeout: Duration, trustRoots: [String] = []
    ) throws(BridgeError) {
        self.rules = rules
        self.resolver = resolver
        self.connectTimeout = connectTimeout
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            let certificates = try trustRoots.flatMap { try NIOSSLCertificate.fromPEMFile($0) }
            tls.additionalTrustRoots = certificates.isEmpty ? [] : [.certificates(certificates)]
        } catch {
            throw BridgeError(.invalidField, "a file of trusted certificates cannot be read: give PEM files")
        }
        self.tls = tls
    }

    /// The URL by the rules of this client.
    func parse(_ url: Redacted<String>) -> Result<DeliveryURL, AttemptFault> {
        do { return .success(try DeliveryURL(parsing: url, rules: rules)) } catch { return .failure(.refusedURL) }
    }

    /// The target of a redirect by the rules of this client.
    func parse(_ location: Redacted<String>, from url: DeliveryURL) -> Result<DeliveryURL, AttemptFault> {
        do { return .success(try url.redirected(to: location, rules: rules)) } catch { return .failure(.refusedURL) }
    }

    /// One request and the head of its reply. Has no time limit of its own but that of connecting: cancel the task.
    func send(_ request: EgressRequest, to url: DeliveryURL) async -> Result<EgressReply, AttemptFault> {
        let addresses: [IPAddress]
        do { addresses = try await checkedAddresses(url.address, host: url.host) } catch { return .failure(error) }
        var result: Result<EgressReply, AttemptFault> = .failure(.unresolvable)
        for address in addresses.prefix(Self.addressesTried) {
            result = await send(request, to: url, at: address)
            // Only where nothing was sent may another address get the request.
            guard result == .failure(.unreachable), !Task.isCancelled else { break }
        }
        return result
    }

    /// All that may be connected to. `literal`: the host is an address already.
    func checkedAddresses(_ literal: IPAddress?, host: String) async throws(AttemptFault) -> [IPAddress] {
        let addresses: [IPAddress]
        if let literal { addresses = [literal] } else { addresses = try await resolver.addresses(of: host) }
        if let refusal = rules.refusal(of: addresses, host: host) { throw .blockedAddress(refusal) }
        return addresses
    }

    private func send(_ request: EgressRequest, to url: DeliveryURL, at address: IPAddress) async -> Result<EgressReply, AttemptFault> {
        // The HTTP client has a URL parser of its own; if it saw another host than ours, the checked address would not be used.
        guard let parsed = URL(string: url.text.revealed), Self.host(of: parsed) == url.host else { return .failure(.refusedURL) }
        let client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration(url, address))
        let result: Result<EgressReply, AttemptFault>
        do {
            let response = try await client.execute(request.prepared(for: url), deadline: .distantFuture)
            request.replied()
            result = await Self.reply(response, to: request)
        } catch {
            result = .failure(AttemptFault(transport: error))
        }
        // Closes the connection; what it throws would only say that it was open.
        try? await client.shutdown()
        return result
    }

    private func configuration(_ url: DeliveryURL, _ address: IPAddress) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .nanoseconds(connectTimeout.wholeNanoseconds)), decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        if url.address == nil { configuration.dnsOverride = [url.host: address.text] }
        return configuration
    }

    private static func host(of url: URL) -> String? {
        guard let host = url.host() else { return nil }
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        return IPAddress(parsing: bare)?.text ?? bare
    }

    private static func reply(_ response: HTTPClientResponse, to request: EgressRequest) async -> Result<EgressReply, AttemptFault> {
        var reply = EgressReply(response)
        do {
            if let sink = request.sink, reply.isSuccess {
                for try await part in response.body { try sink(part) }
                return .success(reply)
            }
        } catch {
            return .failure(AttemptFault(transport: error))
        }
        let limit = request.replyBytes
        guard limit > 0 else {
            reply.excerpt = await readAFew(response.body)
            return .success(reply)
        }
        do {
            reply.body = Array(try await response.body.collect(upTo: limit).readableBytesView)
            return .success(reply)
        } catch is NIOTooManyBytesError {
            return .failure(.invalidReply)
        } catch {
            return .failure(AttemptFault(transport: error))
        }
    }

    /// The beginning of a body: what came in time, and no more than the log keeps.
    private static func readAFew(_ body: HTTPClientResponse.Body) async -> String {
        let kept = ReplyExcerpt()
        _ = await limited(to: replyTime) { () -> Result<Void, AttemptFault> in
            var count = 0
            do {
                for try await part in body {
                    kept.append(part.readableBytesView)
                    count += part.readableBytes
                    if count >= replyBytes { break }
                }
            } catch {
                // The status has been read; what happens to the rest of the reply does not matter.
            }
            return .success(())
        }
        return kept.text
    }
}

/// The first bytes of a reply, as they come; also when the rest does not.
private final class ReplyExcerpt: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    func append(_ more: some Collection<UInt8>) {
        bytes.withLock { $0 += more.prefix(max(0, AttemptRecord.longestReply - $0.count)) }
    }

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
}

/// What is asked.
struct EgressRequest: Sendable {
    /// Takes a body piece by piece; throws to end it.
    typealias Sink = @Sendable (ByteBuffer) throws -> Void

    var method: HTTPMethod
    var headers: HTTPHeaders
    /// What is kept of the reply's body; a longer one is invalid. 0: the body does not matter.
    var replyBytes = 0
    /// Takes the whole body of a reply of success, however long; nothing of it is kept.
    var sink: Sink?
    /// Called when the head of the reply is there.
    var replied: @Sendable () -> Void = {}
    /// Made anew for each address that is tried.
    var body: @Sendable () -> HTTPClientRequest.Body?

    func prepared(for url: DeliveryURL) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url.text.revealed)
        request.method = method
        request.headers = headers
        request.body = body()
        return request
    }
}

/// What matters of a reply.
struct EgressReply: Sendable, Equatable {
    var status: Int
    var retryAfter: String?
    var location: Redacted<String>?
    var entityTag: String?
    /// The `Link` fields, which may hold secrets.
    var links: [Redacted<String>]
    var contentType: String?
    /// `Content-Length`: of a reply to HEAD the length of what is there.
    var length: Int64?
    /// How an S3 store encrypts the object; nil when it does not say.
    var encryption: String?
    /// Empty unless the request wanted it.
    var body: [UInt8] = []
    /// The beginning of a body that was not wanted, as text.
    var excerpt = ""

    init(_ response: HTTPClientResponse) {
        status = Int(response.status.code)
        retryAfter = response.headers.first(name: "retry-after")
        location = response.headers.first(name: "location").map { Redacted($0) }
        entityTag = response.headers.first(name: "etag")
        links = response.headers["link"].prefix(16).map { Redacted($0) }
        contentType = response.headers.first(name: "content-type")
        length = response.headers.first(name: "content-length").flatMap { Int64($0) }
        encryption = response.headers.first(name: "x-amz-server-side-encryption")
    }

    /// A status of success.
    var isSuccess: Bool { (200...299).contains(status) }

    /// As the outcome of an attempt that ended at `now`.
    func outcome(now: WallTime) -> AttemptOutcome {
        .replied(status: status, retryAfter: retryAfter.flatMap { RetryAfter.parse($0, now: now) })
    }
}
