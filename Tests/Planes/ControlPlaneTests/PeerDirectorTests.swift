import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import SDP
import Testing

@Suite struct PeerDirectorTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let hub = FakeHub()
    private let streams: StreamRegister
    private let director: PeerDirector
    private let events = Journal<PeerEvent>()
    private let publisher = Sample.context("s1")

    init() {
        streams = StreamRegister(hub: hub, clock: clock.clock)
        director = PeerDirector(
            launcher: launcher, hub: hub, streams: streams, identity: Sample.identity, ice: IceSettings(addresses: ["127.0.0.1"]),
            clock: clock.clock, logger: Sample.logger)
    }

    private func open(_ context: SessionContext, _ offer: String = SampleOffer.publish) async throws -> PeerID {
        let events = events
        return try await director.open(context, offer: ReceivedOffer(offer)) { events.note($0) }
    }

    /// A peer and its child.
    private func launched(_ context: SessionContext, _ offer: String = SampleOffer.publish) async throws -> (PeerID, FakePipeline) {
        let count = launcher.pipelines.count
        let id = try await open(context, offer)
        return (id, try #require(await launcher.pipeline(count + 1)))
    }

    private func heard(_ event: PeerEvent) async -> Bool { await eventually { events.all.contains(event) } }

    private func refusal(_ context: SessionContext, _ offer: String = SampleOffer.publish) async -> BridgeError.Code? {
        do throws(BridgeError) {
            _ = try await director.open(context, offer: ReceivedOffer(offer)) { _ in }
            return nil
        } catch {
            return error.code
        }
    }

    // MARK: - Publishing

    @Test func anOfferBecomesAPlan() async throws {
        let (id, pipeline) = try await launched(publisher)
        guard case .publish(let plan) = pipeline.plan.work else {
            Issue.record("\(pipeline.plan)")
            return
        }
        #expect(pipeline.id == PipelineID(id.rawValue))
        #expect(plan.tracks.map(\.codec) == [.vp8, .opus] && plan.tracks.map(\.index) == [0, 1])
        #expect(plan.identity == Sample.identity && plan.ice.addresses == ["127.0.0.1"])
        #expect(plan.peerFingerprints == [Sample.identity.fingerprint])
        #expect(await director.tracks(of: publisher.session) == plan.tracks)
        #expect(hub.calls.isEmpty)
    }

    @Test func aConnectedPublisherFeedsTheHub() async throws {
        let (id, pipeline) = try await launched(publisher)
        guard case .publish(let plan) = pipeline.plan.work else { return }
        pipeline.say(.started, .localDescription(sdp: SampleOffer.answer(to: plan.offer)), .connected)
        #expect(await heard(.connected))
        guard case .answer(let sdp)? = events.all.first else {
            Issue.record("\(events.all)")
            return
        }
        #expect(sdp.contains("a=recvonly") && sdp.contains("a=end-of-candidates"))
        #expect(hub.calls == [.publish(StreamID("camera"), tracks: plan.tracks, sources: pipeline.media)])
        let stream = try #require(await streams.live.first)
        #expect(stream.peer == id && stream.context == publisher && stream.since == clock.wall)
        #expect(stream.source == .child(pipeline.media[0]))
    }

    @Test func iceThatComesBackPublishesNothingAnew() async throws {
        let (_, pipeline) = try await launched(publisher)
        pipeline.say(.connected, .disconnected, .connected)
        #expect(await eventually { events.all == [.connected, .disconnected, .connected] })
        #expect(hub.calls.count == 1)
    }

    @Test func theSourceOfADeadChildIsGoneAndItsStreamWaits() async throws {
        let (_, pipeline) = try await launched(publisher)
        pipeline.say(.connected)
        #expect(await heard(.connected))
        let crash = BridgeError(.pipelineCrashed, "signal 9")
        pipeline.end(.failed(crash))
        #expect(await heard(.ended(crash)))
        #expect(await streams.live.isEmpty)
        #expect(await streams.stream(StreamID("camera")) != nil)
        #expect(await director.count == 0)
        #expect(await director.tracks(of: publisher.session) == nil)
    }

    @Test func aPublisherThatComesBackContinuesItsStream() async throws {
        let (_, first) = try await launched(publisher)
        first.say(.connected)
        #expect(await heard(.connected))
        first.end(.failed(BridgeError(.pipelineCrashed, "signal 9")))
        let (id, second) = try await launched(publisher)
        second.say(.connected)
        #expect(await eventually { await streams.live.first?.peer == id })
        await streams.shutDown()
        var changes: [StreamTable.Change] = []
        for await change in streams.changes { changes.append(change) }
        guard case (.started, .lost, .returned(let stream)) = (changes[0], changes[1], changes[2]) else {
            Issue.record("\(changes)")
            return
        }
        #expect(stream.peer == id && changes.count == 3)
    }

    @Test func anEndThatNobodyAskedForIsALossOfTheConnection() async throws {
        let (_, pipeline) = try await launched(publisher)
        pipeline.end()
        #expect(await eventually { events.all.count == 1 })
        guard case .ended(let reason?)? = events.all.first else {
            Issue.record("\(events.all)")
            return
        }
        #expect(reason.code == .connectionLost)
    }

    @Test func anotherAccountsStreamIsRefusedAtTheDoor() async throws {
        _ = await streams.publish(Sample.stream(Sample.context("s9", account: "other")), sources: [])
        #expect(await refusal(publisher) == .unacceptableOffer)
        #expect(launcher.pipelines.isEmpty)
    }

    @Test func anotherAccountMayBeQuickerToConnect() async throws {
        let (id, pipeline) = try await launched(publisher)
        _ = await streams.publish(Sample.stream(Sample.context("s9", account: "other")), sources: [])
        pipeline.say(.connected)
        #expect(await eventually { pipeline.isStopped })
        pipeline.end()
        #expect(await eventually { events.all.count == 1 })
        guard case .ended(let reason?)? = events.all.first else {
            Issue.record("\(events.all)")
            return
        }
        #expect(reason.code == .unacceptableOffer)
        #expect(await streams.live.map(\.peer) == [PeerID("p1")])
        await director.close(id)
    }

    @Test func anOfferWithoutAnythingUsefulIsRefused() async {
        #expect(await refusal(publisher, "v=0\r\n") == .unacceptableOffer)
        #expect(await refusal(publisher, SampleOffer.view) == .unacceptableOffer)
        #expect(await refusal(publisher, "") == .unacceptableOffer)
        #expect(await director.count == 0)
    }

    @Test func anEnginesAnswerThatDoesNotFitEndsThePeer() async throws {
        let (_, pipeline) = try await launched(publisher)
        pipeline.say(.localDescription(sdp: SampleOffer.answer(to: "v=0\r\n")))
        #expect(await eventually { pipeline.isStopped })
        pipeline.end()
        #expect(await eventually { events.all.count == 1 })
        guard case .ended(let reason?)? = events.all.first else {
            Issue.record("\(events.all)")
            return
        }
        #expect(reason.code == .internal)
    }

    // MARK: - Candidates

    @Test func candidatesKeepTheirOrderFromBeforeTheLaunch() async throws {
        launcher.gate.close()
        let id = try await open(publisher)
        for port in [5001, 5002] { try await director.add(IceCandidate(candidate: SampleOffer.candidate(port), sdpMid: "0"), to: id) }
        launcher.gate.open()
        let pipeline = try #require(await launcher.pipeline())
        #expect(await eventually { pipeline.commands.count == 2 })
        try await director.add(IceCandidate(candidate: SampleOffer.candidate(5003), sdpMid: "1"), to: id)
        try await director.add(.end, to: id)
        let ports = pipeline.commands.map { command -> String in
            guard case .candidate(let candidate) = command else { return "?" }
            return candidate.candidate.split(separator: " ").dropFirst(5).first.map(String.init) ?? "end"
        }
        #expect(ports == ["5001", "5002", "5003", "end"])
    }

    @Test func candidatesThatCannotBeReadAreRefusedAndStrangersIgnored() async throws {
        let (id, pipeline) = try await launched(publisher)
        for bad in [IceCandidate(candidate: "garbage"), IceCandidate(candidate: SampleOffer.candidate(5001), sdpMid: "9")] {
            await #expect(throws: BridgeError.self) { try await director.add(bad, to: id) }
        }
        try await director.add(IceCandidate(candidate: SampleOffer.candidate(5001)), to: PeerID("nobody"))
        #expect(pipeline.commands.isEmpty)
    }

    @Test func theEnginesCandidatesReachThePeer() async throws {
        let (_, pipeline) = try await launched(publisher)
        pipeline.say(.candidate(IceCandidate(candidate: SampleOffer.candidate(6001), sdpMid: "0", sdpMLineIndex: 0)), .candidate(.end))
        #expect(await eventually { events.all.count == 2 })
        #expect(events.all.last == .candidate(IceCandidate(candidate: "", sdpMid: "0", sdpMLineIndex: 0)))
    }

    // MARK: - Layers

    @Test func theStreamsVideoIsOneLayer() async throws {
        _ = await streams.publish(Sample.stream(publisher), sources: [])
        let (id, _) = try await launched(Sample.context("w1", .watch), SampleOffer.view)
        #expect(await director.layers(of: id) == [VideoLayer(mid: "0", bitrate: 0)])
        func isPossible(_ choose: (inout LayerChoice) -> Void, _ peer: PeerID) async -> Bool {
            var choice = LayerChoice()
            choose(&choice)
            return (try? await director.select(choice, for: peer)) != nil
        }
        #expect(await isPossible({ $0.spatialID = 0 }, id))
        #expect(await isPossible({ $0.highestTemporalID = 3 }, id))
        #expect(await !isPossible({ $0.spatialID = 1 }, id))
        #expect(await !isPossible({ $0.rid = "hd" }, id))
        #expect(await !isPossible({ $0.mid = "1" }, id), "audio has no layers")
        #expect(await !isPossible({ _ in }, PeerID("nobody")))
        #expect(await director.layers(of: PeerID("nobody")).isEmpty)
    }

    @Test func webrtcbinCannotRestartIce() async throws {
        #expect(director.abilities == .trickle)
        let (id, _) = try await launched(publisher)
        let offer = IceRestartOffer(credentials: IceParameters(ufrag: "next", password: Redacted("x")), candidates: [])
        await #expect(throws: BridgeError.self) { try await director.restart(id, with: offer) }
    }
}
