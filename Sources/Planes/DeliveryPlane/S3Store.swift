internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import Crypto
internal import Foundation
internal import NIOCore
internal import NIOHTTP1

/// One call of the S3 API about one object.
struct S3Call: Sendable {
    var method: HTTPMethod
    var query: [CanonicalRequest.Field] = []
    /// Beside those that every call has; names in lower case, all signed.
    var headers: [CanonicalRequest.Field] = []
    /// SHA-256 of the body, in hexadecimal.
    var payloadHash = S3Call.hashOfNothing
    /// Takes a long reply.
    var sink: EgressRequest.Sink?
    var body: @Sendable () -> HTTPClientRequest.Body? = { nil }

    /// The SHA-256 of no bytes.
    static let hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
}

/// An object's place in a store: sends signed calls about it. Without a key, about the bucket.
struct S3Store: Sendable {
    /// A page of a thousand parts has some 300 KB.
    private static let replyBytes = 2 << 20

    let client: EgressClient
    let destination: S3Destination
    let key: String
    let clock: any OutboxClock

    /// Where the object is: endpoint, bucket and key.
    var location: String { "\(destination.endpoint) \(destination.bucket) \(key)" }

    /// One call and its reply, whatever its status. Has no time limit of its own.
    func send(_ call: S3Call) async -> Result<EgressReply, AttemptFault> {
        let path = self.path
        let query = CanonicalRequest(method: "", path: "", query: call.query, headers: [], payloadHash: "").queryText
        switch client.parse(Redacted(origin + path + (query.isEmpty ? "" : "?" + query))) {
        case .failure(let fault): return .failure(fault)
        case .success(let url):
            let headers = signed(call, path: path, host: String(url.origin.dropFirst(url.scheme.rawValue.count + 3)))
            let request = EgressRequest(
                method: call.method, headers: headers, replyBytes: Self.replyBytes, sink: call.sink, body: call.body)
            return await client.send(request, to: url)
        }
    }

    private var origin: String {
        guard destination.addressing == .host, let separator = destination.endpoint.firstRange(of: "://") else {
            return destination.endpoint
        }
        let scheme = destination.endpoint[..<separator.upperBound]
        return "\(scheme)\(destination.bucket).\(destination.endpoint[separator.upperBound...])"
    }

    private var path: String {
        guard !key.isEmpty else { return destination.addressing == .host ? "/" : "/\(destination.bucket)" }
        let object = PercentEncoding.encode(key, keepingSlashes: true)
        return destination.addressing == .host ? "/\(object)" : "/\(destination.bucket)/\(object)"
    }

    private func signed(_ call: S3Call, path: String, host: String) -> HTTPHeaders {
        let scope = SigningScope(at: clock.now, region: destination.region)
        var fields =
            call.headers + [
                .init("host", host), .init("x-amz-content-sha256", call.payloadHash), .init("x-amz-date", scope.timestamp),
            ]
        if let token = destination.credentials.sessionToken { fields.append(.init("x-amz-security-token", token.revealed)) }
        let request = CanonicalRequest(
            method: call.method.rawValue, path: path, query: call.query, headers: fields, payloadHash: call.payloadHash)
        // The client sets the host itself, to the same value.
        var headers = HTTPHeaders(fields.filter { $0.name != "host" }.map { ($0.name, $0.value) })
        headers.add(name: "authorization", value: RequestSigner.authorization(of: request, scope, destination.credentials))
        return headers
    }
}

/// Signature Version 4, the half with keys.
enum RequestSigner {
    /// The value of the `Authorization` header.
    static func authorization(of request: CanonicalRequest, _ scope: SigningScope, _ credentials: S3Destination.Credentials) -> String {
        let message = scope.stringToSign(FileDigest.hexadecimal(SHA256.hash(data: Data(request.text.utf8))))
        var key = SymmetricKey(data: Data("AWS4\(credentials.secretKey.revealed)".utf8))
        for link in scope.keyChain { key = SymmetricKey(data: Data(HMAC<SHA256>.authenticationCode(for: Data(link.utf8), using: key))) }
        let signature = FileDigest.hexadecimal(HMAC<SHA256>.authenticationCode(for: Data(message.utf8), using: key))
        return "\(SigningScope.algorithm) Credential=\(credentials.accessKey)/\(scope.text),"
            + "SignedHeaders=\(request.signedHeaders),Signature=\(signature)"
    }
}

extension EgressReply {
    /// The outcome of a call that the store refused.
    var s3Refusal: AttemptOutcome { .refused(status: status, ServiceRefusal(s3: S3Answer.errorCode(body), status: status)) }
}
