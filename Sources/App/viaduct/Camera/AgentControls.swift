import Bridge
import BridgeModel
import ControlPlane

/// A camera of this program as a bridge tells it things: `publish` and `idle` are the director's, all else is the capture's where it can.
struct AgentControls: CameraControls {
    let director: CameraDirector
    /// It publishes only when it is told to.
    let standsBy: Bool
    /// What captures; nil: it cannot be told anything.
    var capture: (any CameraControls)?
    /// What is played while the bridge orders nothing.
    var spoken: StreamID?

    var abilities: CameraAbilities {
        get async {
            var abilities = await capture?.abilities ?? CameraAbilities()
            abilities.publishes = standsBy
            return abilities
        }
    }

    func perform(_ order: CameraOrder) async throws(BridgeError) {
        switch order {
        case .publish(let height): await director.begin(greatestHeight: height)
        case .idle: await director.rest()
        case .talk(let stream): try await able().perform(.talk(stream ?? spoken))
        case .torch, .zoom, .rotate, .mute: try await able().perform(order)
        }
    }

    private func able() throws(BridgeError) -> any CameraControls {
        guard let capture else { throw BridgeError(.invalidField, "This camera cannot do that; its abilities say what it can.") }
        return capture
    }
}
