internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

extension IceSettings {
    /// In the terms of the agent. With no addresses given: those where this machine can be reached.
    func agentSettings(of machine: [HostFacts.InterfaceAddress]) -> WebRTCBin.ICE {
        var result = WebRTCBin.ICE()
        result.addresses = addresses.isEmpty ? HostFacts.reachable(machine) : addresses
        result.ports = ports
        result.stunServer = stunServer
        result.turnServers = turnServers.map(\.revealed)
        result.relayOnly = relayOnly
        return result
    }
}
