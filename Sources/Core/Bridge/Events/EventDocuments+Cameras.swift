import BridgeModel

// The native words of what happens to cameras' agents.
extension CameraEvent {
    var kind: EventKind {
        switch self {
        case .online: .cameraOnline
        case .offline: .cameraOffline
        }
    }

    /// The members of `data`.
    func facts(of camera: ClientID) -> [JSONText.Member] {
        [.init("camera", .string(camera.rawValue))] + own
    }

    private var own: [JSONText.Member] {
        switch self {
        case .online(let abilities): [.init("abilities", abilities.facts)]
        case .offline(let end, let since): [.init("cause", .string(end.rawValue)), .init("gone_since", .string(since.iso8601))]
        }
    }
}

extension CameraAbilities {
    /// As the agent's `hello` has them.
    fileprivate var facts: JSONText {
        .object([
            .init("publish", .bool(publishes)), .init("torch", .bool(torch)), .init("zoom", JSONText(.number(greatestZoom))),
            .init("rotate", .bool(rotates)),
            .init("mute", .array(MediaKind.allCases.filter(mutes.contains).map { .string($0.rawValue) })), .init("talk", .bool(talks)),
        ])
    }
}
