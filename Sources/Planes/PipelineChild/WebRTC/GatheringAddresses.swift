internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

extension IceSettings {
    /// In the terms of the agent. With no addresses given: every interface's but those of container and virtual-machine bridges, which a
    /// peer elsewhere cannot reach; loopback only where there is nothing else.
    func agentSettings(of machine: [HostFacts.InterfaceAddress]) -> WebRTCBin.ICE {
        var result = WebRTCBin.ICE()
        result.addresses = addresses.isEmpty ? Self.reachable(machine) : addresses
        result.ports = ports
        result.stunServer = stunServer
        result.turnServers = turnServers.map(\.revealed)
        result.relayOnly = relayOnly
        return result
    }

    private static func reachable(_ machine: [HostFacts.InterfaceAddress]) -> [String] {
        let bridges = ["docker", "br-", "veth", "virbr", "cni", "flannel", "podman", "lxc"]
        let usable = machine.filter { item in !item.isLinkLocal && !bridges.contains { item.interface.hasPrefix($0) } }
        let outward = usable.filter { !$0.isLoopback }
        return (outward.isEmpty ? usable : outward).map(\.address)
    }
}
