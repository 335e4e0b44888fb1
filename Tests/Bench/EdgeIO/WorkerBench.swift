import Bridge
import BridgeModel
import EdgeTesting
import LinuxIO
import MediaPlane
import RTP
import SDP
import SecureTransport

/// One publisher and many viewers, all with ICE, DTLS and SRTP, through one media worker.
final class WorkerBench {
    let viewers: Int
    let seconds: Double
    private static let stream = StreamID("bench")
    /// A peer whose events nobody hears is closed.
    private var events: [AsyncStream<EdgePeerEvent>] = []

    /// What keeps the viewers' consent (RFC 7675), and when it was sent last.
    private var checks: [(socket: UDPSocket, bytes: [UInt8], server: SocketAddress)] = []
    private var checkedAt = Threads.now
    private var outbox = EdgeSendBatch(slabBytes: 64 * 1024)

    init(viewers: Int, seconds: Double) {
        self.viewers = viewers
        self.seconds = seconds
    }

    func run() async throws {
        let site = try EdgeSite(
            EdgeOptions(address: .loopback(port: 0), advertisedAddresses: ["127.0.0.1"]), workers: 1,
            identity: DTLSContext(certificate: .makeSelfSigned()))
        let hub = try Hub(edge: site)
        defer { hub.shutdown() }
        let engine = try EdgeEngine(of: hub).orFail("engine")
        // The first answer comes when the thread runs and has its name.
        _ = await hub.totals()
        let worker = try Threads.id(named: "media-0").orFail("worker thread")
        try? pinThread(worker, toProcessor: 0)
        try? pinThread(0, toProcessor: 1)
        let context = try DTLSContext(certificate: .makeSelfSigned())
        let publisher = try connect(engine, .publish(Self.stream), 0, context: context)
        var feed = Feed()
        try feed.sendFrame(by: publisher)
        let memory = Int(HostFacts.heapBytes)
        let joinsBefore = Threads.seconds(of: worker)
        var watching: [EdgeClient] = []
        for number in 1...viewers {
            watching.append(try connect(engine, .watch(Self.stream), number, context: context))
            renewConsent()
        }
        let joinSeconds = Threads.seconds(of: worker) - joinsBefore
        report("\(viewers) viewers: worker's CPU a join", "us", joinSeconds * 1e6 / Double(viewers))
        let sockets = watching.map(\.socket)
        // What the clients hold goes; their sockets stay.
        watching.removeAll()
        report("\(viewers) viewers: heap of one", "kB", Double(Int(HostFacts.heapBytes) - memory) / Double(viewers) / 1024)
        let drain = try Drain(sockets)
        try await measure(engine: engine, worker: worker, publisher: publisher, feed: &feed, drain: drain)
        drain.stop()
    }

    private func measure(engine: EdgeEngine, worker: Int32, publisher: EdgeClient, feed: inout Feed, drain: Drain) async throws {
        try feed.run(by: publisher, seconds: 1, eachFrame: renewConsent)
        let before = (cpu: Threads.seconds(of: worker), taken: drain.taken, totals: await engine.totals(), sent: feed.packets)
        let start = Threads.now
        try feed.run(by: publisher, seconds: seconds, eachFrame: renewConsent)
        Threads.sleep(0.05)
        let elapsed = Threads.now - start
        let totals = await engine.totals()
        let used = Threads.seconds(of: worker) - before.cpu
        let taken = drain.taken - before.taken
        let sent = Double(feed.packets - before.sent) * Double(viewers)
        let datagrams = Double(totals.datagramsOut - before.totals.datagramsOut)
        let name = "\(viewers) viewers"
        report("\(name): CPU per delivered packet", "us", used * 1e6 / Double(max(1, taken)))
        report("\(name): worker's load", "%", 100 * used / elapsed)
        report("\(name): delivered of what was due", "%", 100 * Double(taken) / sent)
        report("\(name): datagrams a call", "1", datagrams / Double(max(1, totals.sends - before.totals.sends)))
        report("\(name): dropped for want of room", "1", Double(totals.dropped))
    }

    /// Every peer's check, each five seconds.
    private func renewConsent() {
        guard Threads.now - checkedAt > 5 else { return }
        checkedAt = Threads.now
        for check in checks {
            outbox.begin(UDPRoute(remote: check.server))
            guard let slot = outbox.slot(check.bytes.count) else { continue }
            slot.copyBytes(from: check.bytes)
            outbox.commit(check.bytes.count)
            _ = outbox.flush(through: check.socket)
        }
    }

    private func connect(_ engine: EdgeEngine, _ use: EdgePeerUse, _ number: Int, context: DTLSContext) throws -> EdgeClient {
        let id = PeerID("peer-\(number)")
        let endpoint = try engine.prepare(id, for: use)
        let fingerprint = EdgeClient.fingerprint(of: context)
        let direction: MediaDirection = if case .watch = use { .sendonly } else { .recvonly }
        events.append(engine.open(id, as: EdgeSections.peer([EdgeSections.video(.h264, direction)], fingerprint: fingerprint)))
        let client = try EdgeClient(endpoint, context: context)
        try client.connect()
        if case .publish = use { engine.publish(id) }
        checks.append((client.socket, client.makeCheck(), client.server))
        return client
    }
}

/// H.264-shaped frames.
struct Feed {
    private(set) var packets = 0
    private var frames = 0
    private var sequence: UInt16 = 0

    mutating func run(by publisher: EdgeClient, seconds: Double, eachFrame: () -> Void) throws {
        let start = Threads.now
        // Whoever joined while nothing was sent begins here.
        frames = (frames + 59) / 60 * 60
        var number = 0.0
        while number * Load.frameInterval < seconds {
            Threads.sleep(start + number * Load.frameInterval - Threads.now)
            try sendFrame(by: publisher)
            number += 1
            eachFrame()
            publisher.receive(wait: 0)
        }
    }

    mutating func sendFrame(by publisher: EdgeClient) throws {
        let isKeyframe = frames % 60 == 0
        for place in 0..<Load.packetsPerFrame {
            let header = RTPHeader(
                marker: place == Load.packetsPerFrame - 1, payloadType: 96, sequence: sequence, timestamp: UInt32(frames) &* 3000, ssrc: 7)
            sequence &+= 1
            // FU-A of an IDR or another slice (RFC 6184 section 5.8).
            let start: UInt8 = place == 0 ? 0x80 : place == Load.packetsPerFrame - 1 ? 0x40 : 0
            var bytes = [UInt8](repeating: 0, count: Load.packetSize)
            bytes.withUnsafeMutableBytes { header.write(to: $0) }
            bytes[12] = 0x7C
            bytes[13] = start | (isKeyframe ? 5 : 1)
            try publisher.send(rtp: bytes)
            packets += 1
        }
        frames += 1
    }
}
