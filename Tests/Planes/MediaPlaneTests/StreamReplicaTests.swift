import Bridge
import BridgeModel
import Forwarding
import LinuxIO
import RTP
import Testing

@testable import MediaPlane

/// A stream and its replica on a clock of the test's, without threads: worker 0 is the stream's home, worker 1 has the replica.
@Suite struct StreamReplicaTests {
    private final class Workers {
        static let stream = StreamID("popular")
        let mailboxes: [Mailbox]
        var home = MediaStreams(options: HubOptions())
        var other = StreamReplicas(options: HubOptions())
        var ports: MediaPorts
        let source = try? ChildSocket()
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        private var sequence: UInt16 = 0

        init() throws {
            mailboxes = try [Mailbox(), Mailbox()]
            ports = MediaPorts(epoll: try Epoll(), edge: EdgePort(), mailboxes: mailboxes)
        }

        func publish() throws {
            let descriptor = try #require(source).hubEnd
            let track = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
            home.publish(Self.stream, tracks: [track], sources: [descriptor], ports: &ports, now: now)
        }

        /// A packet comes in.
        func receive(keyframe: Bool = false, size: Int = 100) throws {
            let stream = try #require(home[Self.stream])
            let header = RTPHeader(marker: true, payloadType: 96, sequence: sequence, timestamp: UInt32(sequence) * 3000, ssrc: 7)
            sequence += 1
            let start: [UInt8] = [0x10, keyframe ? 0 : 1, 0, 0, 0x9D, 0x01, 0x2A]
            let packet = Publisher.packet(header, start + [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: size))
            let isTaken = packet.withUnsafeBytes { stream.ingest(rtp: $0, track: 0, arrival: now, ports: &ports) }
            #expect(isTaken)
            stream.pump(ports: &ports, now: now)
        }

        func join() { other.wait(for: Self.stream, on: 0, PeerID("viewer"), worker: 1, ports: &ports) }

        /// The home worker does what it is asked for.
        func runHome() {
            for case .replica(.request(let link, let request)) in mailboxes[0].takeAll() {
                home.serve(request, of: link, ports: &ports, now: now)
            }
        }

        /// The other worker takes what it is sent: its replica's news.
        @discardableResult func runOther() -> [ReplicaUpdate] {
            mailboxes[1].takeAll().compactMap { command in
                guard case .replica(.update(let link, let update)) = command else { return nil }
                switch update {
                case .began(let snapshot): _ = other.begin(link, from: snapshot, ports: &ports, now: now)
                case .packets(let parcel):
                    link.took(parcel.byteCount)
                    other.stream(of: link)?.take(parcel)
                case .source(let source): other.stream(of: link)?.follow(source, ports: &ports, now: now)
                case .layout(let layout): other.stream(of: link)?.follow(layout)
                case .over: _ = other.end(link, ports: &ports)
                }
                return update
            }
        }

        var replica: MediaStream? { other[Self.stream] }
    }

    private func workers() throws -> Workers {
        let workers = try Workers()
        try workers.publish()
        try workers.receive(keyframe: true)
        try workers.receive()
        workers.join()
        workers.runHome()
        workers.runOther()
        return workers
    }

    private func payloads(_ stream: MediaStream) -> [[UInt8]] {
        (stream.cache.firstIndex..<stream.cache.endIndex).map { stream.cache.withPacket($0) { Array($0) } }
    }

    @Test func aReplicaBeginsWithTheCacheAndGetsEachPacketOnce() throws {
        let workers = try workers()
        for _ in 0..<5 { try workers.receive() }
        workers.runOther()
        let (home, replica) = (try #require(workers.home[Workers.stream]), try #require(workers.replica))
        #expect(payloads(replica) == payloads(home) && payloads(replica).count == 7)
        #expect(replica.cache.keyframeStart(of: 0) == home.cache.keyframeStart(of: 0))
    }

    @Test func aFrameIsOneMessageHoweverManyItsPackets() throws {
        let workers = try workers()
        let stream = try #require(workers.home[Workers.stream])
        for number in 0..<20 {
            let header = RTPHeader(marker: number == 19, payloadType: 96, sequence: 2 + UInt16(number), timestamp: 6000, ssrc: 7)
            let packet = Publisher.packet(header, [0x00, 1, 0, 0, 0x9D, 0x01, 0x2A, 1])
            let isTaken = packet.withUnsafeBytes { stream.ingest(rtp: $0, track: 0, arrival: workers.now, ports: &workers.ports) }
            #expect(isTaken)
        }
        stream.pump(ports: &workers.ports, now: workers.now)
        let updates = workers.runOther()
        #expect(updates.count == 1)
        #expect(workers.replica?.cache.endIndex == 22)
    }

    @Test func aReplicaThatNobodyWatchesIsGivenUpAfterAWhile() throws {
        let workers = try workers()
        weak let replica = workers.replica
        workers.other.removeIdle(ports: &workers.ports, now: workers.now)
        workers.other.removeIdle(ports: &workers.ports, now: workers.now.advanced(by: .milliseconds(1999)))
        #expect(replica != nil, "somebody else may come soon")
        workers.other.removeIdle(ports: &workers.ports, now: workers.now.advanced(by: .seconds(2)))
        #expect(replica == nil && workers.replica == nil)
        workers.runHome()
        try workers.receive()
        #expect(workers.runOther().isEmpty, "nothing is copied for a replica that is gone")
        #expect(workers.home[Workers.stream]?.replication.hasFollowers == false)
    }

    @Test func whatComesForAnEarlierReplicaIsNotTaken() throws {
        let workers = try workers()
        try workers.receive()
        workers.other.removeIdle(ports: &workers.ports, now: workers.now)
        workers.other.removeIdle(ports: &workers.ports, now: workers.now.advanced(by: .seconds(2)))
        workers.join()
        // The packet of before, then the new beginning, which holds it.
        workers.runOther()
        #expect(workers.replica == nil)
        workers.runHome()
        workers.runOther()
        #expect(try payloads(#require(workers.replica)) == payloads(#require(workers.home[Workers.stream])))
    }

    @Test func aStreamThatIsNotThereIsOverAtOnce() throws {
        let workers = try Workers()
        workers.join()
        workers.runHome()
        let updates = workers.runOther()
        guard case .over? = updates.first, updates.count == 1 else {
            Issue.record("the replica heard \(updates.count) things")
            return
        }
        #expect(workers.replica == nil)
    }

    @Test func aWorkerThatStandsStillIsSentNoMoreThanItsLimit() throws {
        let workers = try workers()
        for _ in 0..<100 { try workers.receive(size: 60_000) }
        let dropped = workers.ports.counters.packetsDropped
        #expect(dropped > 20 && dropped < 60, "of 100 packets of 60 kB \(dropped) were not sent")
        let requests = workers.ports.counters.keyframeRequestsOut
        let updates = workers.runOther()
        #expect(updates.count == 100 - Int(dropped))
        // It has caught up: its viewers have missed packets, and need a keyframe.
        try workers.receive()
        #expect(workers.runOther().count == 1)
        #expect(workers.ports.counters.keyframeRequestsOut == requests + 1)
    }

    @Test func keyframeWishesOfBothWorkersPassOneGateAndAKeyframeSilencesThem() throws {
        let workers = try workers()
        let (home, replica) = (try #require(workers.home[Workers.stream]), try #require(workers.replica))
        let before = workers.ports.counters
        for _ in 0..<10 {
            replica.requestKeyframe(of: 0, ports: &workers.ports, now: workers.now)
            home.requestKeyframe(of: 0, ports: &workers.ports, now: workers.now)
        }
        workers.runHome()
        #expect(workers.ports.counters.keyframeRequestsIn == before.keyframeRequestsIn + 20)
        #expect(workers.ports.counters.keyframeRequestsOut == before.keyframeRequestsOut + 1)
        try workers.receive(keyframe: true)
        workers.runOther()
        let later = workers.now.advanced(by: .seconds(1))
        replica.tick(ports: &workers.ports, now: later)
        workers.home.tick(ports: &workers.ports, now: later)
        workers.runHome()
        #expect(workers.ports.counters.keyframeRequestsOut == before.keyframeRequestsOut + 1)
    }

    @Test func sendersReportsAreCopiedAndPaddingDoesNotPileUp() throws {
        let workers = try workers()
        let home = try #require(workers.home[Workers.stream])
        home.store(SenderReportView(ssrc: 7, ntp: 9 << 32, rtp: 4), track: 0, epoch: home.sources[0].epoch, arrival: workers.now)
        try workers.receive()
        workers.runOther()
        #expect(workers.replica?.cache.report(of: 0)?.report.ntp == 9 << 32)
        for number in 0..<40 {
            home.store(SenderReportView(ssrc: 7, ntp: UInt64(number), rtp: 4), track: 0, epoch: 0, arrival: workers.now)
            home.finishTurn(ports: &workers.ports, now: workers.now)
        }
        #expect(workers.runOther().count == 2, "forty reports without a packet are sent some at a time")
    }
}
