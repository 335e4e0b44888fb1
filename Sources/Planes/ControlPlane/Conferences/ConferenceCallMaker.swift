package import Bridge
package import BridgeModel

/// Makes the calls of conferences elsewhere: one file a kind.
package struct ConferenceCallMaker: ConferenceCalls {
    private let http: any OutgoingCalls
    private let rules: AddressRules
    private let clock: BridgeClock

    package init(http: any OutgoingCalls, rules: AddressRules, clock: BridgeClock) {
        self.http = http
        self.rules = rules
        self.clock = clock
    }

    package func call(_ target: ConferenceTarget, resource: Redacted<String>?) -> any ConferenceCall {
        switch target {
        case .whip(let target):
            WHIPCall(WHIPExchange(target, rules: rules), resource: resource, http: http, clock: clock)
        case .push: preconditionFailure("a push has a leg of its own and makes no call")
        case .janusVideoRoom(let target):
            JanusCall(JanusExchange(target, rules: rules), resource: resource, http: http, clock: clock)
        }
    }
}
