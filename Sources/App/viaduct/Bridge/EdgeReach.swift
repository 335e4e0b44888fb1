import BridgeModel
import LinuxIO

/// Who gets to our own engine's port, and by which addresses: decided from the settings and what the machine has.
///
/// Our engine is a lite agent: it waits for checks. Firefox sends none to a loopback address, so that a bridge for this machine alone offers the
/// machine's other addresses too: what is sent to them from here does not leave it.
struct EdgeReach: Equatable {
    /// What answers name, the preferred one first.
    let offered: [String]
    /// The one address that the sockets are bound to; nil: every address.
    let bound: String?
    /// Programs of other machines do not get through, whatever the address.
    let isForThisMachine: Bool

    /// `interfaces`: this machine's addresses. Throws when a setting is no IP address.
    init(_ settings: Settings, interfaces: [HostFacts.InterfaceAddress] = HostFacts.interfaceAddresses()) throws(OperatorError) {
        let chosen = settings.webrtc.addresses
        for address in chosen where SocketAddress(address, port: 0) == nil {
            throw OperatorError("webrtc.addresses has \(address), which is no IP address.")
        }
        let reachable = HostFacts.reachable(interfaces)
        let isLocal = Self.isLoopback(settings.http.bind)
        if !chosen.isEmpty {
            offered = chosen
        } else if isLocal {
            offered = [settings.http.bind] + reachable.filter { !Self.isLoopback($0) }.prefix(Self.mostOthers)
        } else {
            offered = reachable
        }
        isForThisMachine = chosen.isEmpty && isLocal || offered.allSatisfy(Self.isLoopback)
        let isHere = { (address: String) in Self.isLoopback(address) || interfaces.contains { $0.address == address } }
        // Several addresses need a socket that is bound to all, and so does one that is translated to ours on the way.
        bound = offered.count == 1 ? offered.first(where: isHere) : nil
    }

    /// Each costs a browser some checks; a machine with more has them for other things.
    private static let mostOthers = 4

    private static func isLoopback(_ address: String) -> Bool { address == "::1" || address.hasPrefix("127.") }
}

extension EdgeReach {
    /// For people: who gets to this port, and how.
    func summary(port: UInt16) -> String {
        let place = isForThisMachine ? "from this machine only" : bound.map { "on \($0)" } ?? "on every interface"
        return "UDP and TCP port \(port) \(place), offered as \(offered.joined(separator: ", "))"
    }
}
