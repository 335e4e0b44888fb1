import Bridge
import BridgeModel
import EdgeTesting
import LinuxIO
import MediaPlane
import PeerTransport
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

    /// A prepared and opened peer, not connected yet. `answering` runs between the two: an offer of ours is with its client then.
    func open(
        _ use: EdgePeerUse, sections: [NegotiatedSection], fingerprint: Fingerprint? = nil,
        answering: (EdgeClient) throws -> Void = { _ in }
    ) throws -> EdgeGuest {
        count += 1
        let id = PeerID("peer-\(count)")
        let context = try DTLSContext(certificate: .makeSelfSigned())
        let endpoint = try engine.prepare(id, for: use)
        let own = EdgeClient.fingerprint(of: context)
        let client = try EdgeClient(endpoint, context: context)
        try answering(client)
        let events = engine.open(id, as: EdgeSections.peer(sections, fingerprint: fingerprint ?? own))
        let worker = try LocalUfrag(text: endpoint.ufrag).orFail("worker").worker
        return EdgeGuest(id: id, worker: worker, client: client, events: events)
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

    /// A publisher that has sent a keyframe.
    func publish(_ source: inout VP8Source, keyframePackets: Int = 5) async throws -> EdgeGuest {
        let publisher = try await connectedPublisher()
        let before = await hub.totals().packetsIn
        try source.sendFrame(by: publisher.client, keyframe: true, packets: keyframePackets)
        let isIn = await waitForPackets(before + UInt64(keyframePackets), in: hub)
        #expect(isIn, "the publisher's keyframe did not reach the hub")
        return publisher
    }

    /// Two workers, of which the other one gets every second viewer of a stream.
    static func spreading() throws -> EdgeStage {
        var options = EdgeOptions(address: .loopback(port: 0), advertisedAddresses: ["127.0.0.1"])
        options.admission.viewersBeforeSpreading = 1
        return try EdgeStage(workers: 2, edge: options)
    }

    func viewer() throws -> EdgeGuest { try open(.watch(Self.stream), sections: [EdgeSections.video(.vp8, .sendonly)]) }
}

/// A peer of the engine's and what is heard of it.
struct EdgeGuest {
    let id: PeerID
    /// The worker that it was given to.
    let worker: Int
    let client: EdgeClient
    let events: AsyncStream<EdgePeerEvent>

    /// All events up to the end.
    func allEvents() async -> [EdgePeerEvent] {
        var all: [EdgePeerEvent] = []
        for await event in events { all.append(event) }
        return all
    }
}

extension LocalUfrag {
    fileprivate init?(text: String) {
        guard let ufrag = Array(text.utf8).withUnsafeBytes({ LocalUfrag(bytes: $0) }) else { return nil }
        self = ufrag
    }
}
