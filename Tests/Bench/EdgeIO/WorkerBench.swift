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
        let certificate = try Certificate.makeSelfSigned()
        let publisher = try connect(engine, .publish(Self.stream), 0, certificate: certificate)
        var feed = Feed()
        try feed.sendFrame(by: publisher)
        let memory = HostFacts.residentBytes
        let joinsBefore = (Threads.now, Threads.seconds(of: worker))
        let watching = try (1...viewers).map { try connect(engine, .watch(Self.stream), $0, certificate: certificate) }
        let joinSeconds = Threads.seconds(of: worker) - joinsBefore.1
        print("\(viewers) joins: worker \((joinSeconds * 1e6 / Double(viewers)).rounded(places: 0)) us a join, \((HostFacts.residentBytes - memory) / UInt64(viewers) / 1024) kB a viewer with its client")
        let drain = try Drain(watching.map(\.socket))
        try await measure(engine: engine, worker: worker, publisher: publisher, feed: &feed, drain: drain)
        drain.stop()
    }

    private func measure(engine: EdgeEngine, worker: Int32, publisher: EdgeClient, feed: inout Feed, drain: Drain) async throws {
        try feed.run(by: publisher, seconds: 1)
        let before = (cpu: Threads.seconds(of: worker), taken: drain.taken, totals: await engine.totals(), sent: feed.packets)
        let start = Threads.now
        try feed.run(by: publisher, seconds: seconds)
        Threads.sleep(0.05)
        let elapsed = Threads.now - start
        let totals = await engine.totals()
        let used = Threads.seconds(of: worker) - before.cpu
        let taken = drain.taken - before.taken
        let sent = Double(feed.packets - before.sent) * Double(viewers)
        let datagrams = Double(totals.datagramsOut - before.totals.datagramsOut)
        print("publisher to \(viewers) viewers, \(elapsed.rounded(places: 1)) s: \((used * 1e6 / Double(max(1, taken))).rounded(places: 3)) us per delivered packet, worker at \((100 * used / elapsed).rounded(places: 1)) %, delivered/expected \((Double(taken) / sent).rounded(places: 4)), datagrams a call \((datagrams / Double(max(1, totals.sends - before.totals.sends))).rounded(places: 1)), dropped \(totals.dropped)")
    }

    private func connect(_ engine: EdgeEngine, _ use: EdgePeerUse, _ number: Int, certificate: Certificate) throws -> EdgeClient {
        let id = PeerID("peer-\(number)")
        let endpoint = try engine.prepare(id, for: use)
        let fingerprint = Fingerprint(algorithm: certificate.fingerprint.algorithm, value: certificate.fingerprint.value)
        let direction: MediaDirection = if case .watch = use { .sendonly } else { .recvonly }
        events.append(engine.open(id, as: EdgeSections.peer([EdgeSections.video(.h264, direction)], fingerprint: fingerprint)))
        let client = try EdgeClient(endpoint, certificate: certificate)
        try client.connect()
        return client
    }
}

/// H.264-shaped frames.
struct Feed {
    private(set) var packets = 0
    private var frames = 0
    private var sequence: UInt16 = 0

    mutating func run(by publisher: EdgeClient, seconds: Double) throws {
        let start = Threads.now
        var number = 0.0
        while number * Load.frameInterval < seconds {
            Threads.sleep(start + number * Load.frameInterval - Threads.now)
            try sendFrame(by: publisher)
            number += 1
            if Int(number) % 75 == 0 { publisher.sendCheck() }
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
