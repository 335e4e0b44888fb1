internal import Bridge
internal import BridgeModel
internal import JWTKit

/// The claims of a token, as they stand in it.
struct TokenClaims: JWTPayload, Equatable {
    var issuer: String
    var audience: String
    var subject: String
    var clientID: String
    var role: String
    var apiID: String
    var issuedAt: Int64
    var expiresAt: Int64
    var tokenID: String
    var stream: String?
    var clientToMonitor: String?
    var place: RoomClaims?

    /// The issuer of every token of ours.
    static let issuer = "viaduct"
    /// How long after `exp` a token is still taken, for clocks that differ.
    static let expiryLeeway: Int64 = 5
    /// How far ahead of our clock `iat` may be.
    static let issueLeeway: Int64 = 60

    enum CodingKeys: String, CodingKey {
        case issuer = "iss"
        case audience = "aud"
        case subject = "sub"
        case clientID = "client_id"
        case role
        case apiID = "api_id"
        case issuedAt = "iat"
        case expiresAt = "exp"
        case tokenID = "jti"
        case stream
        case clientToMonitor = "client_to_monitor"
        case place
    }

    /// Nothing: the claims are judged by `grant(at:)`, which knows the time.
    func verify(using algorithm: some JWTAlgorithm) {}
}

extension TokenClaims {
    /// What a new token says. Throws `invalid` when the request contradicts itself: a supervisor without a target, a watcher without a stream.
    init(_ request: GrantRequest, tokenID: String, now: WallTime) throws(AccessError) {
        issuer = Self.issuer
        audience = request.role.audience
        subject = request.client.rawValue
        clientID = request.client.rawValue
        role = request.role.rawValue
        apiID = request.account.rawValue
        issuedAt = now.seconds
        expiresAt = now.seconds + max(1, request.lifetime.components.seconds)
        self.tokenID = tokenID
        stream = request.stream?.rawValue
        clientToMonitor = request.monitoredClient?.rawValue
        _ = try grant(at: now)
    }

    /// The grant, when every rule about the claims holds at this moment; the signature has been checked before.
    func grant(at now: WallTime) throws(AccessError) -> Grant {
        guard let role = Grant.Role(rawValue: role), audience == role.audience, place == nil,
            (clientToMonitor != nil) == (role == .supervisor), stream != nil || !role.needsStream
        else { throw .invalid }
        try checkFrame(at: now)
        return Grant(
            account: AccountID(apiID), client: ClientID(clientID), role: role, stream: stream.map(StreamID.init(_:)),
            monitoredClient: clientToMonitor.map(ClientID.init(_:)), issuedAt: WallTime(nanoseconds: issuedAt * 1_000_000_000),
            expiresAt: WallTime(nanoseconds: expiresAt * 1_000_000_000), tokenID: tokenID)
    }

    /// The rules that hold for every token that opens something by itself.
    func checkFrame(at now: WallTime) throws(AccessError) {
        try checkForm(at: now)
        guard expiresAt > now.seconds - Self.expiryLeeway else { throw .expired }
    }

    /// The rules that hold for every token, also one that has expired.
    func checkForm(at now: WallTime) throws(AccessError) {
        guard issuer == Self.issuer, subject == clientID, !subject.isEmpty, !tokenID.isEmpty, !apiID.isEmpty,
            issuedAt <= now.seconds + Self.issueLeeway, expiresAt > issuedAt, Self.representable.contains(issuedAt),
            Self.representable.contains(expiresAt)
        else { throw .invalid }
    }

    /// Seconds that nanoseconds in 64 bits can hold (year 2262).
    private static let representable: ClosedRange<Int64> = 0...(Int64.max / 1_000_000_000)
}

extension Grant.Role {
    /// Which of our APIs the token is for: a token of one is worth nothing at the other.
    var audience: String {
        switch self {
        case .client, .supervisor, .stats: "streamrec"
        case .watch, .publish, .admin: "bridge"
        }
    }

    /// Native media grants cover exactly one stream.
    var needsStream: Bool { self == .watch || self == .publish }
}
