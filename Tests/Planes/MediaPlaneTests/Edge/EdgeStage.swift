import Bridge
import BridgeModel
import EdgeTesting
import LinuxIO
import MediaPlane
import SDP
import SecureTransport
import Testing

/// A hub with its engine on loopback, and peers for it.
final class EdgeStage {
    let hub: Hub
    let engine: EdgeEngine
    static let stream = StreamID("camera")
    private var count = 0

    init(workers: Int = 1, options: HubOptions = HubOptions(), edge: EdgeOptions? = nil) throws {
        let edge = edge ?? EdgeOptions(address: .loopback(port: 0), advertisedAddresses: ["127.0.0.1"])
        let site = try EdgeSite(edge, workers: workers, identity: DTLSContext(certificate: .makeSelfSigned()))
        var options = options
        options.workers = workers
        hub = try Hub(options: options, edge: site)
        engine = try EdgeEngine(of: hub).orFail("engine")
    }

    deinit { hub.shutdown() }

    /// A prepared and opened peer, not connected yet.
    func open(_ use: EdgePeerUse, sections: [NegotiatedSection], fingerprint: Fingerprint? = nil) throws -> EdgeGuest {
        count += 1
        let id = PeerID("peer-\(count)")
        let context = try DTLSContext(certificate: .makeSelfSigned())
        let endpoint = try engine.prepare(id, for: use)
        let own = EdgeClient.fingerprint(of: context)
        let events = engine.open(id, as: EdgeSections.peer(sections, fingerprint: fingerprint ?? own))
        return EdgeGuest(id: id, client: try EdgeClient(endpoint, context: context), events: events)
    }

    func publisher() throws -> EdgeGuest { try open(.publish(Self.stream), sections: [EdgeSections.video(.vp8, .recvonly)]) }

    /// A connected publisher whose tracks are let into the hub.
    func connectedPublisher(overTCP: Bool = false) async throws -> EdgeGuest {
        let publisher = try publisher()
        if overTCP { try publisher.client.useTCP() }
        try publisher.client.connect()
        engine.publish(publisher.id)
        _ = await engine.statistics(of: publisher.id)  // answered after the order before it was carried out
        return publisher
    }

    func viewer() throws -> EdgeGuest { try open(.watch(Self.stream), sections: [EdgeSections.video(.vp8, .sendonly)]) }
}

/// A peer of the engine's and what is heard of it.
struct EdgeGuest {
    let id: PeerID
    let client: EdgeClient
    let events: AsyncStream<EdgePeerEvent>

    /// All events up to the end.
    func allEvents() async -> [EdgePeerEvent] {
        var all: [EdgePeerEvent] = []
        for await event in events { all.append(event) }
        return all
    }
}
