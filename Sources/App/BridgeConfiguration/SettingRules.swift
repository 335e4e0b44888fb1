import BridgeModel

/// What must hold between settings that are well-formed each.
enum SettingRules {
    static func check(_ settings: Settings) throws(ConfigurationError) {
        for rule in rules where !rule.holds(settings) { throw .contradiction(rule.advice) }
    }

    private struct Rule: Sendable {
        let advice: String
        let holds: @Sendable (Settings) -> Bool
    }

    private static let rules = [
        Rule(advice: "http.tls.certificate and http.tls.key belong together: set both, or none for plain http.") {
            $0.http.tlsCertificate.isEmpty == $0.http.tlsKey.isEmpty
        },
        Rule(advice: "turn.urls needs turn.secret, the secret that the TURN server shares with the bridge.") {
            $0.turn.urls.isEmpty || !$0.turn.secret.revealed.isEmpty
        },
        Rule(advice: "pipelines.warm is more than pipelines.maximum allows: lower it.") { $0.pipelines.warm <= $0.pipelines.maximum },
        Rule(advice: "webhooks.previous-secret is set without webhooks.secret: set the new secret too.") {
            $0.webhooks.previousSecret.revealed.isEmpty || !$0.webhooks.secret.revealed.isEmpty
        },
    ]
}
