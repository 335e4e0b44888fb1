package import BridgeModel

/// A session's row.
package struct SessionRow: Sendable, Equatable, Codable {
    package var context: SessionContext
    package var state: State
    package var webhookURL: Redacted<String>?
    package var createdAt: WallTime
    package var endedAt: WallTime?
    package var cause: TerminationCause?

    package init(context: SessionContext, state: State, webhookURL: Redacted<String>?, createdAt: WallTime) {
        self.context = context
        self.state = state
        self.webhookURL = webhookURL
        self.createdAt = createdAt
    }

    /// As the statistics of the dialect show it.
    package enum State: String, Sendable, Codable, CaseIterable {
        case created = "CREATED"
        case active = "ACTIVE"
        case terminated = "TERMINATED"
    }
}
