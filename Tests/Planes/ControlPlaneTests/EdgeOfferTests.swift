import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import SDP
import Testing

/// Offers of our own engine to viewers.
@Suite struct EdgeOfferTests {
    private let clock = TestClock()
    private let edge = FakeEdge()
    private let streams: StreamRegister
    private let director: EdgeDirector
    private let events = Journal<PeerEvent>()
    private let viewer = Sample.context("s2", stream: "camera", .watch)

    init() async {
        let hub = FakeHub()
        streams = StreamRegister(hub: hub, edge: edge, clock: clock.clock)
        director = EdgeDirector(edge: edge, hub: hub, streams: streams, clock: clock.clock, logger: Sample.logger)
        _ = await streams.publish(Sample.stream(Sample.context("s1")), sources: [])
    }

    private func offer() async throws -> EngineOffer {
        let events = events
        return try await director.offer(viewer) { events.note($0) }
    }

    /// What a viewer that goes along with everything says.
    private static func answer(to offer: EngineOffer) -> String {
        SampleOffer.answer(to: offer.sdp).replacing("a=ice-lite\r\n", with: "").replacing("a=ice-ufrag:ours", with: "a=ice-ufrag:theirs")
    }

    @Test func anOfferHoldsTheStreamAndHowToReachUs() async throws {
        let offer = try await offer()
        for line in [
            "a=ice-lite", "a=ice-ufrag:ours", "a=sendonly", "a=setup:actpass", "a=end-of-candidates", "a=group:BUNDLE 0 1",
            "a=fingerprint:sha-256 \(Sample.identity.fingerprint.value)",
        ] { #expect(offer.sdp.contains(line + "\r\n"), "\(line) is missing") }
        #expect(offer.sdp.contains("opus/48000/2") && offer.sdp.contains("VP8/90000"))
        #expect(edge.calls == [.prepare(.watch(StreamID("camera")))], "nobody is let in before the answer")
        #expect(await director.count == 0)
    }

    @Test func anAnswerLetsTheViewerIn() async throws {
        let offer = try await offer()
        try await director.accept(Self.answer(to: offer), of: offer.peer)
        let negotiated = try #require(edge.negotiated(offer.peer))
        #expect(negotiated.remote.ufrag == "theirs" && negotiated.dtlsRole == .passive)
        #expect(Set(negotiated.sections.map(\.trackIndex)) == [0, 1])
        #expect(Set(negotiated.sections.compactMap(\.localSource?.ssrc)).count == 2)
        edge.say(.connected, of: offer.peer)
        #expect(await eventually { events.all == [.connected] })
        #expect(await director.layers(of: offer.peer).count == 1)
        await #expect(throws: BridgeError.self) { try await director.accept(Self.answer(to: offer), of: offer.peer) }
        await director.close(offer.peer)
        #expect(events.all.last == .ended(nil))
    }

    @Test(arguments: ["", "hello", SampleOffer.view, SampleOffer.viewOfH264])
    func anAnswerThatDoesNotFitLeavesTheOffer(_ answer: String) async throws {
        let offer = try await offer()
        do throws(BridgeError) {
            try await director.accept(answer, of: offer.peer)
            Issue.record("taken")
        } catch {
            #expect(error.code == .unacceptableOffer)
        }
        try await director.accept(Self.answer(to: offer), of: offer.peer)
        #expect(edge.negotiated(offer.peer) != nil)
    }

    @Test func anOfferIsWithdrawnSilently() async throws {
        let offer = try await offer()
        await director.close(offer.peer)
        #expect(edge.calls.last == .close(offer.peer) && events.all.isEmpty)
        await #expect(throws: BridgeError.self) { try await director.accept(Self.answer(to: offer), of: offer.peer) }
    }

    @Test func thereMustBeSomethingToWatchAndRoomForIt() async throws {
        let absent = Sample.context("s3", stream: "absent", .watch)
        await #expect { try await director.offer(absent) { _ in } } throws: { ($0 as? BridgeError)?.code == .notFound }
        let publisher = Sample.context("s1")
        await #expect { try await director.offer(publisher) { _ in } } throws: { ($0 as? BridgeError)?.code == .forbidden }
        edge.isFull = true
        await #expect { try await offer() } throws: { ($0 as? BridgeError)?.code == .limitReached }
    }
}
