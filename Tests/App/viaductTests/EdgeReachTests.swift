import BridgeModel
import LinuxIO
import Testing

@testable import viaduct

@Suite struct EdgeReachTests {
    private static let interfaces = [
        address("lo", "127.0.0.1"), address("lo", "::1"), address("eth0", "192.0.2.2"), address("eth0", "2001:db8::2"),
        address("eth0", "fe80::1"), address("docker0", "172.17.0.1"),
    ]

    private static func address(_ interface: String, _ text: String) -> HostFacts.InterfaceAddress {
        .init(interface: interface, address: text, isLoopback: interface == "lo", isLinkLocal: text.hasPrefix("fe80"))
    }

    private func reach(
        bind: String, _ addresses: [String] = [], interfaces: [HostFacts.InterfaceAddress] = interfaces
    ) throws -> EdgeReach {
        var settings = Settings()
        settings.http.bind = bind
        settings.webrtc.addresses = addresses
        return try EdgeReach(settings, interfaces: interfaces)
    }

    @Test(arguments: ["127.0.0.1", "::1"]) func aBridgeForThisMachineOffersAllItsAddressesToItself(bind: String) throws {
        let reach = try reach(bind: bind)
        #expect(reach.offered == [bind, "192.0.2.2", "2001:db8::2"])
        #expect(reach.isForThisMachine && reach.bound == nil)
    }

    @Test func aMachineWithoutANetworkServesItselfOverLoopback() throws {
        let lonely = try reach(bind: "127.0.0.1", interfaces: Array(Self.interfaces.prefix(2)))
        #expect(lonely.offered == ["127.0.0.1"] && lonely.bound == "127.0.0.1" && lonely.isForThisMachine)
    }

    @Test(arguments: ["0.0.0.0", "::", "192.0.2.2"]) func aBridgeForOthersOffersWhereTheyMayReachIt(bind: String) throws {
        let reach = try reach(bind: bind)
        #expect(reach.offered == ["192.0.2.2", "2001:db8::2"])
        #expect(!reach.isForThisMachine && reach.bound == nil)
    }

    @Test(arguments: [["192.0.2.2"], ["127.0.0.1"], ["127.0.0.9"], ["::1"]]) func oneAddressIsBoundAlone(chosen: [String]) throws {
        let reach = try reach(bind: "127.0.0.1", chosen)
        #expect(reach.offered == chosen && reach.bound == chosen[0])
        #expect(reach.isForThisMachine == (chosen != ["192.0.2.2"]))
    }

    @Test func severalLoopbackAddressesLetNobodyElseIn() throws {
        let reach = try reach(bind: "0.0.0.0", ["127.0.0.1", "::1"])
        #expect(reach.isForThisMachine && reach.bound == nil)
    }

    @Test(arguments: [["192.0.2.2", "127.0.0.1"], ["198.51.100.7"]]) func severalAddressesAndTranslatedOnesNeedEveryInterface(
        chosen: [String]
    ) throws {
        let reach = try reach(bind: "127.0.0.1", chosen)
        #expect(reach.offered == chosen && reach.bound == nil && !reach.isForThisMachine)
    }

    @Test(arguments: ["bridge.example", "192.0.2", "fe80::1%eth0", ""]) func whatIsNoAddressIsNamed(text: String) {
        #expect {
            _ = try reach(bind: "127.0.0.1", ["127.0.0.1", text])
        } throws: {
            "\($0)".hasPrefix("webrtc.addresses has \(text)")
        }
    }

    @Test func theSummarySaysWhoGetsThrough() throws {
        #expect(
            try reach(bind: "::1").summary(port: 8189).hasPrefix("UDP and TCP port 8189 from this machine only, offered as ::1, 192.0.2.2"))
        #expect(try reach(bind: "::").summary(port: 9).contains("on every interface"))
        #expect(try reach(bind: "::", ["192.0.2.2"]).summary(port: 9).contains("on 192.0.2.2, offered as 192.0.2.2"))
    }
}
