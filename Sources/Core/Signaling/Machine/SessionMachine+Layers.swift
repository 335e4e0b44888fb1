import Bridge
import BridgeModel

/// The layers of a watched stream: told to the socket that asked for them, and chosen by it (native dialect).
extension SessionMachine {
    /// The socket that begins or takes up the session says whether it wants to hear of layers; another one's wish is over with it.
    mutating func readLayers(_ isWanted: Bool, by socket: SocketID) {
        guard context.direction == .watch, isWanted != (layerReader == socket) else { return }
        layerReader = isWanted ? socket : nil
        guard case .running(var running) = state else { return }
        running.layers.told = nil
        state = .running(running)
    }

    mutating func lookAtLayers() {
        guard case .running(var running) = state, let peer = running.current.id else { return }
        running.layers.lookAt = nil
        state = .running(running)
        call(.readLayers(of: peer))
    }

    /// Says what there is when it differs from what the viewer knows.
    mutating func layersRead(_ layers: [VideoLayer], of peer: PeerID, now: MonotonicTime) {
        guard case .running(var running) = state else { return }
        running.layers.lookAt = now.advanced(by: limits.layerInterval)
        state = .running(running)
        guard running.current.id == peer, owner == layerReader, Self.isNews(layers, to: running.layers.told) else { return }
        tell(layers)
    }

    private mutating func tell(_ layers: [VideoLayer]) {
        guard case .running(var running) = state else { return }
        running.layers.told = layers
        state = .running(running)
        send(.layers(layers, choice: running.layers.choice))
    }

    /// Bit rates move all the time: only a change by more than a quarter is worth a message.
    private static func isNews(_ layers: [VideoLayer], to known: [VideoLayer]?) -> Bool {
        guard let known, known.count == layers.count else { return true }
        return zip(layers, known).contains { layer, former in
            var sameRate = layer
            sameRate.bitrate = former.bitrate
            return sameRate != former || abs(layer.bitrate - former.bitrate) > max(layer.bitrate, former.bitrate) / 4
        }
    }

    // MARK: layer_select

    mutating func selectLayer(_ choice: LayerChoice, from socket: SocketID) {
        guard context.direction == .watch else {
            return refuse(RTMError(.wrongRole, "a publishing session is sent nothing"), to: .layerSelect, from: socket)
        }
        guard case .running(let running) = state, let peer = running.newest.id else {
            return refuse(RTMError(.notStarted, "session_start comes first"), to: .layerSelect, from: socket)
        }
        line.hold = .outcome(of: .layerSelect, from: socket)
        call(.selectLayer(choice, of: peer))
    }

    /// The reply is the `layers` message, whether or not the socket asked for others.
    mutating func layerSelected(_ choice: LayerChoice, _ layers: [VideoLayer]) {
        releaseLine()
        guard case .running(var running) = state else { return }
        running.layers.choice = choice
        state = .running(running)
        tell(layers)
    }
}
