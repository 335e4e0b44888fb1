/// What a verified token allows. Made by the access plane, read by everything that decides.
package struct Grant: Sendable, Equatable, Codable {
    /// Whose grant it is.
    package var account: AccountID
    /// Who carries the token.
    package var client: ClientID
    /// What kind of caller it is.
    package var role: Role
    /// The only stream that `watch` and `publish` grants cover; nil for dialect clients, whose stream is their client id.
    package var stream: StreamID?
    /// The watched client of a supervisor token.
    package var monitoredClient: ClientID?
    package var issuedAt: WallTime
    package var expiresAt: WallTime
    /// Key of the revocation list (`jti`).
    package var tokenID: String

    package init(
        account: AccountID, client: ClientID, role: Role, stream: StreamID? = nil, monitoredClient: ClientID? = nil,
        issuedAt: WallTime, expiresAt: WallTime, tokenID: String
    ) {
        self.account = account
        self.client = client
        self.role = role
        self.stream = stream
        self.monitoredClient = monitoredClient
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.tokenID = tokenID
    }

    /// Kinds of caller. `client`, `supervisor` and `stats` are the Eyeson dialect's; the rest are native.
    package enum Role: String, Sendable, Codable, CaseIterable {
        case client, supervisor, stats, watch, publish, admin
    }
}
