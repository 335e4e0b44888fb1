import Bridge
import BridgeModel
import EdgeTesting
import LinuxIO
@testable import MediaPlane
import SDP
import SecureTransport
import Testing

/// Peers' lives: who gets in, how they leave, and what is left of them.
@Suite(.serialized) struct EdgePeerTests {
    @Test func aPeerTellsItsLife() async throws {
        let stage = try EdgeStage()
        let publisher = try await stage.connectedPublisher()
        stage.engine.close(publisher.id)
        #expect(await publisher.allEvents() == [.connecting, .connected, .ended(nil)])
        try publisher.client.pump("close_notify") { publisher.client.lastEvent == .closedByPeer }
        let totals = await stage.engine.totals()
        #expect(totals.peers == 0)
    }

    @Test func aFalseFingerprintGetsNoMedia() async throws {
        let stage = try EdgeStage()
        let sections = [EdgeSections.video(.vp8, .recvonly)]
        let false1 = Fingerprint(algorithm: "sha-256", value: Array(repeating: "AB", count: 32).joined(separator: ":"))
        let publisher = try stage.open(.publish(EdgeStage.stream), sections: sections, fingerprint: false1)
        try? publisher.client.connect(within: .seconds(5))
        #expect(publisher.client.protection == nil)
        let events = await publisher.allEvents()
        guard case .ended(let error?)? = events.last else {
            Issue.record("the peer did not end by itself")
            return
        }
        #expect(error.code == .fingerprintMismatch)
        #expect(!events.contains(.connected))
        #expect(await stage.hub.totals().streams == 0)
    }

    @Test func aWrongPasswordIsRefusedAndChangesNothing() throws {
        let stage = try EdgeStage()
        let peer = try stage.publisher()
        try peer.client.pump("401") {
            peer.client.sendCheck(password: "not the password of this peer")
            return !peer.client.errors.isEmpty
        }
        #expect(peer.client.successes == 0)
        #expect(Set(peer.client.errors).isSubset(of: [400, 401]))
        try peer.client.connect()
    }

    /// A client begins its checks when it has answered our offer, and they overtake the answer.
    @Test(arguments: [(1, false), (2, false), (1, true), (2, true)]) func aCheckThatOvertakesTheAnswerIsAnsweredWithIt(
        workers: Int, overTCP: Bool
    ) throws {
        let stage = try EdgeStage(workers: workers)
        // With two workers some of these reach the worker that does not own them.
        for _ in 0..<(workers * 4) {
            let peer = try stage.open(.subscribe, sections: [EdgeSections.video(.vp8, .sendonly)]) { client in
                if overTCP { try client.useTCP() }
                client.sendCheck()
                client.receive(wait: 30)
                #expect(client.successes == 0 && client.errors.isEmpty)
            }
            // The only check that there is.
            try peer.client.pump("an answer to the early check") { peer.client.successes == 1 }
            #expect(peer.client.errors.isEmpty)
            try peer.client.connect()
        }
    }

    @Test func anEarlyCheckWithAWrongPasswordIsRefused() throws {
        let stage = try EdgeStage()
        _ = try stage.open(.subscribe, sections: [EdgeSections.video(.vp8, .sendonly)]) { client in
            try client.pump("401") {
                client.sendCheck(password: "not the password of this peer")
                return !client.errors.isEmpty
            }
            #expect(client.successes == 0)
        }
    }

    @Test func mediaFromAnotherAddressIsDropped() async throws {
        let stage = try EdgeStage()
        let publisher = try await stage.connectedPublisher()
        let stranger = try UDPSocket(bindingTo: .loopback(port: 0))
        var batch = EdgeSendBatch(slabBytes: 4096)
        let route = UDPRoute(remote: publisher.client.server)
        for first: UInt8 in [0x80, 22, 200, 99] {
            batch.begin(route)
            guard let slot = batch.slot(200) else { break }
            for index in slot.indices { slot[index] = first }
            batch.commit(200)
        }
        _ = batch.flush(through: stranger)
        let deadline = ContinuousClock.now + .seconds(5)
        while await stage.engine.totals().strangers < 4, ContinuousClock.now < deadline { await Task.yield() }
        #expect(await stage.engine.totals().strangers >= 4)
        #expect(await stage.engine.totals().peers == 1)
    }

    @Test func peersWithoutAPlaceAreRefused() throws {
        let options = EdgeOptions(address: .loopback(port: 0), advertisedAddresses: ["127.0.0.1"], peersPerWorker: 2)
        let stage = try EdgeStage(edge: options)
        _ = try stage.engine.prepare(PeerID("a"), for: .watch(EdgeStage.stream))
        _ = try stage.engine.prepare(PeerID("b"), for: .watch(EdgeStage.stream))
        #expect(throws: BridgeError.self) { try stage.engine.prepare(PeerID("c"), for: .watch(EdgeStage.stream)) }
        stage.engine.close(PeerID("a"))
        #expect(throws: Never.self) { try stage.engine.prepare(PeerID("c"), for: .watch(EdgeStage.stream)) }
    }

    @Test func aBusyWorkerTakesPublishersAndNoViewers() throws {
        var options = EdgeOptions(address: .loopback(port: 0), advertisedAddresses: ["127.0.0.1"])
        // Any load is too much.
        options.admission.loadLimit = 0
        let stage = try EdgeStage(edge: options)
        #expect(throws: BridgeError.self) { try stage.engine.prepare(PeerID("viewer"), for: .watch(EdgeStage.stream)) }
        #expect(throws: Never.self) { try stage.engine.prepare(PeerID("publisher"), for: .publish(EdgeStage.stream)) }
    }

    @Test func aViewerOfNoStreamEnds() async throws {
        let stage = try EdgeStage()
        let viewer = try stage.viewer()
        try? viewer.client.connect(within: .seconds(5))
        guard case .ended(let error?)? = await viewer.allEvents().last else {
            Issue.record("the viewer did not end with a reason")
            return
        }
        #expect(error.code == .notFound)
    }

    @Test func anIceRestartTakesNewCredentials() async throws {
        let stage = try EdgeStage()
        let publisher = try await stage.connectedPublisher()
        let endpoint = try #require(await stage.engine.restart(publisher.id))
        let before = publisher.client.successes
        publisher.client.adopt(endpoint)
        try publisher.client.establishPath()
        #expect(publisher.client.successes > before)
        #expect(await stage.engine.statistics(of: publisher.id) != nil)
        #expect(await stage.engine.restart(PeerID("nobody")) == nil)
    }

    @Test func aPeerThatMovesKeepsItsMedia() async throws {
        let stage = try EdgeStage()
        var source = VP8Source()
        let publisher = try await stage.connectedPublisher()
        try source.sendFrame(by: publisher.client, keyframe: true)
        #expect(await waitForPackets(3, in: stage.hub))
        try publisher.client.move()
        try publisher.client.establishPath()
        try source.sendFrame(by: publisher.client)
        #expect(await waitForPackets(6, in: stage.hub))
        #expect(await stage.hub.totals().streams == 1)
    }

    /// One worker accepts all connections; with some of these numbers the stream lives on another.
    @Test(arguments: [1, 2, 3, 4])
    func aPeerBehindTCPGetsMediaAndItsConnectionGoesWithIt(workers: Int) async throws {
        let stage = try EdgeStage(workers: workers)
        var source = VP8Source()
        let publisher = try await stage.connectedPublisher(overTCP: true)
        try source.sendFrame(by: publisher.client, keyframe: true)
        #expect(await waitForPackets(3, in: stage.hub))
        let viewer = try stage.viewer()
        try viewer.client.useTCP()
        try viewer.client.connect()
        for _ in 0..<20 { try source.sendFrame(by: publisher.client) }
        try viewer.client.pump("media over TCP") { viewer.client.packets.count >= 63 }
        stage.engine.close(viewer.id)
        #expect(await viewer.allEvents().last == .ended(nil))
        try viewer.client.pump("the end of the connection") { viewer.client.isClosedByServer }
    }

    @Test func someNumberOfWorkersPutsTheStreamBesideTheListener() throws {
        let places = try [2, 3, 4].map { try EdgeStage(workers: $0).hub.workerNumber(of: EdgeStage.stream) }
        #expect(places.contains { $0 > 0 })
    }

    @Test func manyJoinsAndLeavesLeaveNothing() async throws {
        let stage = try EdgeStage()
        let publisher = try await stage.connectedPublisher()
        var source = VP8Source()
        try source.sendFrame(by: publisher.client, keyframe: true)
        for _ in 0..<20 {
            let viewer = try stage.viewer()
            try viewer.client.connect()
            stage.engine.close(viewer.id)
            #expect(await viewer.allEvents().last == .ended(nil))
        }
        let totals = await stage.engine.totals()
        #expect(totals.peers == 1 && totals.viewers == 0)
    }
}
