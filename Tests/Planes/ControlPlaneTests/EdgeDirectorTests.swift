import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import SDP
import Testing

@Suite struct EdgeDirectorTests {
    private let clock = TestClock()
    private let edge = FakeEdge()
    private let hub = FakeHub()
    private let streams: StreamRegister
    private let director: EdgeDirector
    private let events = Journal<PeerEvent>()
    private let publisher = Sample.context("s1")
    private let viewer = Sample.context("s2", stream: "camera", .watch)

    init() {
        streams = StreamRegister(hub: hub, edge: edge, clock: clock.clock)
        director = EdgeDirector(edge: edge, hub: hub, streams: streams, clock: clock.clock, logger: Sample.logger)
    }

    private func open(_ context: SessionContext, _ offer: String = SampleOffer.publish) async throws -> PeerID {
        let events = events
        return try await director.open(context, offer: ReceivedOffer(offer)) { events.note($0) }
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

    @Test func theAnswerComesAtOnceAndIsComplete() async throws {
        let id = try await open(publisher)
        guard case .answer(let sdp)? = events.all.first else {
            Issue.record("\(events.all)")
            return
        }
        for line in [
            "a=ice-lite", "a=ice-ufrag:ours", "a=recvonly", "a=setup:passive", "a=end-of-candidates",
            "a=fingerprint:sha-256 \(Sample.identity.fingerprint.value)",
        ] { #expect(sdp.contains(line + "\r\n"), "\(line) is missing") }
        #expect(sdp.contains(" 127.0.0.1 8189 typ host"))
        #expect(edge.calls == [.prepare(.publish(StreamID("camera"))), .open(id)])
        #expect(await director.tracks(of: publisher.session)?.map(\.codec) == [.vp8, .opus])
        #expect(await streams.live.isEmpty && hub.calls.isEmpty)
    }

    @Test func aConnectedPublisherEntersItsStream() async throws {
        let id = try await open(publisher)
        edge.say(.connecting, of: id)
        edge.say(.connected, of: id)
        #expect(await heard(.connected))
        let stream = try #require(await streams.live.first)
        #expect(stream.source == .peer(id) && stream.peer == id && stream.context == publisher)
        #expect(edge.calls.last == .publish(id) && hub.calls.isEmpty)
    }

    @Test func aLossIsToldAndAReturnPublishesNothingAnew() async throws {
        let id = try await open(publisher)
        for event in [EdgePeerEvent.connected, .disconnected, .reconnected] { edge.say(event, of: id) }
        #expect(await eventually { events.all.dropFirst() == [.connected, .disconnected, .connected] })
        #expect(edge.calls.filter { $0 == .publish(id) }.count == 1)
    }

    @Test func theStreamOfALostPublisherWaitsAndThenLeavesTheHub() async throws {
        let id = try await open(publisher)
        edge.say(.connected, of: id)
        #expect(await heard(.connected))
        let reason = BridgeError(.connectionTimeout, "silence")
        edge.say(.ended(reason), of: id)
        #expect(await heard(.ended(reason)))
        #expect(await streams.live.isEmpty)
        #expect(await streams.stream(StreamID("camera")) != nil)
        clock.advance(by: .seconds(11))
        #expect(await eventually { hub.calls == [.unpublish(StreamID("camera"), source: .peer(id))] })
    }

    @Test func aPublisherThatComesBackContinuesItsStream() async throws {
        let first = try await open(publisher)
        edge.say(.connected, of: first)
        #expect(await heard(.connected))
        edge.say(.ended(BridgeError(.connectionLost, "gone")), of: first)
        let second = try await open(publisher)
        edge.say(.connected, of: second)
        #expect(await eventually { await streams.live.first?.peer == second })
        #expect(edge.calls.last == .publish(second) && hub.calls.isEmpty)
    }

    @Test func anotherAccountMayBeQuickerToConnect() async throws {
        let id = try await open(publisher)
        _ = await streams.publish(Sample.stream(Sample.context("s9", account: "other")), sources: [])
        edge.say(.connected, of: id)
        #expect(await eventually { events.all.count == 2 })
        guard case .ended(let reason?)? = events.all.last else {
            Issue.record("\(events.all)")
            return
        }
        #expect(reason.code == .unacceptableOffer && !edge.calls.contains(.publish(id)) && edge.calls.contains(.close(id)))
        #expect(await streams.live.map(\.peer) == [PeerID("p1")])
    }

    @Test func aViewerIsToldWhatTheStreamHas() async throws {
        _ = await streams.publish(Sample.stream(publisher), sources: [])
        let id = try await open(viewer, SampleOffer.view)
        let negotiated = try #require(edge.negotiated(id))
        #expect(negotiated.sections.map(\.trackIndex) == [0, 1])
        #expect(negotiated.sections.allSatisfy { $0.direction == .sendonly && $0.localSource != nil })
        #expect(edge.calls == [.prepare(.watch(StreamID("camera"))), .open(id)])
        edge.say(.connected, of: id)
        #expect(await heard(.connected))
        #expect(await director.layers(of: id).map(\.mid) == ["0"])
    }

    private func watcher() async throws -> PeerID {
        _ = await streams.publish(Sample.stream(publisher), sources: [])
        return try await open(viewer, SampleOffer.view)
    }

    /// Three encodings of two temporal layers each, the largest switched off.
    private func sendSimulcast() {
        hub.send([Self.encoding("q", width: 240, 100_000), Self.encoding("h", width: 480, 400_000), Self.encoding("f", width: 960, 0)])
    }

    private static func encoding(_ rid: String, width: Int, _ bitrate: Int64) -> EncodingStatistics {
        let height = width / 2
        let base = LayerStatistics(temporalID: 0, bitrate: bitrate / 2, width: width, height: height)
        let whole = LayerStatistics(temporalID: 1, bitrate: bitrate, width: width, height: height)
        var encoding = EncodingStatistics(rid: rid, bitrate: bitrate, layers: bitrate > 0 ? [base, whole] : [])
        (encoding.width, encoding.height) = (width, height)
        return encoding
    }

    private static func encoding(_ profile: CodecProfile) -> EncodingStatistics {
        var encoding = EncodingStatistics()
        encoding.profile = profile
        return encoding
    }

    @Test func layersAreListedBestFirst() async throws {
        let id = try await watcher()
        sendSimulcast()
        #expect(
            await director.layers(of: id) == [
                VideoLayer(mid: "0", rid: "f", bitrate: 0, width: 960, height: 480),
                VideoLayer(mid: "0", rid: "h", temporalID: 1, bitrate: 400_000, width: 480, height: 240),
                VideoLayer(mid: "0", rid: "q", temporalID: 1, bitrate: 100_000, width: 240, height: 120),
            ])
    }

    private static func choice(_ change: (inout LayerChoice) -> Void) -> LayerChoice {
        var choice = LayerChoice()
        change(&choice)
        return choice
    }

    private static let choices: [(LayerChoice, LayerBounds?)] = [
        (LayerChoice(), LayerBounds()), (choice { $0.mid = "0" }, LayerBounds()),
        (choice { $0.rid = "h" }, LayerBounds(encodings: 1...1)), (choice { $0.rid = "f" }, LayerBounds(encodings: 2...2)),
        (choice { $0.greatestWidth = 500 }, LayerBounds(encodings: 0...1)),
        (choice { $0.greatestHeight = 130 }, LayerBounds(encodings: 0...0)),
        (choice { $0.temporalID = 1 }, LayerBounds(temporal: 1...1)),
        (choice { $0.highestTemporalID = 0 }, LayerBounds(temporal: 0...0)),
        (choice { ($0.rid, $0.temporalID) = ("q", 0) }, LayerBounds(encodings: 0...0, temporal: 0...0)),
        (choice { $0.rid = "x" }, nil), (choice { $0.greatestWidth = 100 }, nil), (choice { $0.spatialID = 1 }, nil),
        (choice { $0.temporalID = 2 }, nil), (choice { $0.mid = "7" }, nil),
    ]

    @Test(arguments: choices)
    func aChoiceBecomesBounds(_ choice: LayerChoice, _ bounds: LayerBounds?) async throws {
        let id = try await watcher()
        sendSimulcast()
        do throws(BridgeError) {
            try await director.select(choice, for: id)
        } catch {
            #expect(bounds == nil && error.code == .invalidField, "\(choice): \(error)")
        }
        let calls = edge.calls.filter { if case .limit = $0 { true } else { false } }
        #expect(calls == (bounds.map { [.limit(id, $0, track: 0)] } ?? []), "\(choice)")
    }

    @Test func nobodyChoosesForAPeerThatIsGone() async throws {
        do throws(BridgeError) {
            try await director.select(LayerChoice(), for: PeerID("nobody"))
            Issue.record("no error")
        } catch {
            #expect(error.code == .notFound)
        }
    }

    @Test func aViewerIsAnsweredByWhatThePacketsAreAndNotByWhatWasPromised() async throws {
        let promised = TrackDescription(
            index: 0, codec: .h264, payloadType: 96, formatParameters: "packetization-mode=1;profile-level-id=42e01f", mid: "0")
        _ = await streams.publish(Sample.stream(publisher, tracks: [promised]), sources: [])
        hub.send([Self.encoding(.h264(profile: 0x42, constraints: 0xC0, level: 0x0D))])
        let id = try await open(viewer, SampleOffer.viewOfBaseline)
        let section = try #require(edge.negotiated(id)?.sections.first)
        #expect(section.format.parameters["profile-level-id"] == "42c00d")
        hub.send([Self.encoding(.h264(profile: 100, constraints: 0, level: 31))])
        #expect(await refusal(viewer, SampleOffer.viewOfBaseline) == .unacceptableOffer)
    }

    @Test func closingEndsAPeerWithoutReason() async throws {
        let id = try await open(publisher)
        edge.say(.connected, of: id)
        #expect(await heard(.connected))
        await director.close(id)
        #expect(events.all.last == .ended(nil))
        #expect(await director.count == 0)
        await director.close(id)
        #expect(edge.calls.filter { $0 == .close(id) }.count == 1)
    }

    @Test func whatCannotBeIsRefusedAtTheDoor() async {
        #expect(await refusal(viewer, SampleOffer.view) == .notFound)
        #expect(await refusal(publisher, "v=0\r\n") == .unacceptableOffer)
        #expect(await refusal(publisher, SampleOffer.view) == .unacceptableOffer)
        _ = await streams.publish(Sample.stream(Sample.context("s9", account: "other")), sources: [])
        #expect(await refusal(publisher) == .unacceptableOffer)
        #expect(edge.calls.isEmpty)
        edge.isFull = true
        #expect(await refusal(Sample.context("s3", client: "another")) == .limitReached)
        #expect(await director.count == 0)
    }

    @Test func iceBeginsAnewWithOtherCredentials() async throws {
        let id = try await open(publisher)
        let theirs = IceParameters(ufrag: "theirs", password: Redacted("theirpasswordtheirpass"))
        let offer = IceRestartOffer(credentials: theirs, candidates: [])
        let answer = try await director.restart(id, with: offer)
        #expect(answer.credentials.ufrag == "ours" && answer.candidates.count == 2)
        #expect(answer.candidates.first?.hasPrefix("candidate:1 1 udp ") == true)
        await #expect(throws: BridgeError.self) { try await director.restart(PeerID("nobody"), with: offer) }
    }

    @Test func candidatesAreReadAndNotNeeded() async throws {
        let id = try await open(publisher)
        try await director.add(IceCandidate(candidate: SampleOffer.candidate(5001), sdpMid: "0"), to: id)
        try await director.add(.end, to: id)
        await #expect(throws: BridgeError.self) { try await director.add(IceCandidate(candidate: "garbage"), to: id) }
        try await director.add(IceCandidate(candidate: "garbage"), to: PeerID("nobody"))
    }
}
