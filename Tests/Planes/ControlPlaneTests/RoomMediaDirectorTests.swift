import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import SDP
import Synchronization
import Testing

/// The media of a room, on an engine that does what the test says.
@Suite struct RoomMediaDirectorTests {
    private let clock = TestClock()
    private let edge = FakeEdge()
    private let hub = FakeHub()
    private let streams: StreamRegister
    private let director: RoomMediaDirector
    private let events = Journal<RoomMediaEvent>()
    private let ada = RoomPeerOwner(account: AccountID("acme"), room: RoomID("r"), participant: ParticipantID("ada"))
    private let ben = RoomPeerOwner(account: AccountID("acme"), room: RoomID("r"), participant: ParticipantID("ben"))
    private let camera = RoomTrack(id: RoomTrackID("t1"), owner: ParticipantID("ada"), kind: .camera, mid: "0")
    private let microphone = RoomTrack(id: RoomTrackID("t2"), owner: ParticipantID("ada"), kind: .microphone, mid: "1")

    init() async {
        streams = StreamRegister(hub: hub, edge: edge, clock: clock.clock)
        director = RoomMediaDirector(
            RoomMediaDirector.Parts(edge: edge, hub: hub, streams: streams, clock: clock.clock, logger: Sample.logger))
    }

    private func tell(_ event: RoomMediaEvent) { events.note(event) }

    private func publish(_ owner: RoomPeerOwner? = nil, connects: Bool = true) async throws -> PeerID {
        let listener: @Sendable (RoomMediaEvent) -> Void = { [events] event in if !connects { events.note(event) } }
        _ = try await director.publish(ReceivedOffer(SampleOffer.publish), by: owner ?? ada, events: listener)
        let peer = try #require(opened.last)
        guard connects else { return peer }
        edge.say(.connected, of: peer)
        #expect(await eventually { edge.calls.contains(.publish(peer)) })
        return peer
    }

    private var opened: [PeerID] {
        edge.calls.compactMap { call in
            guard case .open(let peer) = call else { return nil }
            return peer
        }
    }

    private func update(_ old: [RoomTrack], _ new: [RoomTrack], _ bounds: TrackBounds = TrackBounds()) -> SubscriptionUpdate {
        SubscriptionUpdate(
            from: old.map { RoomSubscription($0.id, TrackBounds()) }, to: new.map { RoomSubscription($0.id, bounds) })
    }

    private var offers: [(sdp: String, tracks: [String: RoomTrackID])] {
        events.all.compactMap { event in
            guard case .offer(let sdp, let tracks) = event else { return nil }
            return (sdp, tracks)
        }
    }

    /// What a browser that goes along with everything says to the newest offer.
    private func answer(refusing mid: String? = nil) throws -> String {
        let offer = try #require(offers.last).sdp
        var text = SampleOffer.answer(to: offer).replacing("a=ice-lite\r\n", with: "").replacing(
            "a=ice-ufrag:ours", with: "a=ice-ufrag:theirs")
        guard let mid else { return text }
        // The section's port is its refusal (RFC 3264 section 6).
        var sections = text.split(separator: "m=", omittingEmptySubsequences: false).map(String.init)
        for index in sections.indices.dropFirst() where sections[index].contains("a=mid:\(mid)\r\n") {
            sections[index] = sections[index].replacing(" 9 UDP", with: " 0 UDP")
        }
        text = sections.joined(separator: "m=")
        return text
    }

    private func subscribe(_ update: SubscriptionUpdate) async { await director.subscribe(ben, to: update, events: tell) }

    /// Ben gets what Ada sends.
    private func joined(_ tracks: [RoomTrack]) async throws -> PeerID {
        for track in tracks { try await director.open(track, of: ada) }
        await subscribe(update([], tracks))
        try await director.accept(answer(), of: ben)
        return try #require(opened.last)
    }

    @Test func aPublisherIsLetInWhenItIsConnected() async throws {
        let peer = try await publish(connects: false)
        #expect(edge.calls.contains(.reportLevels(peer)) && !edge.calls.contains(.publish(peer)))
        edge.say(.connected, of: peer)
        #expect(await eventually { edge.calls.contains(.publish(peer)) && events.all == [.connected(.publish)] })
        edge.say(.disconnected, of: peer)
        edge.say(.ended(BridgeError(.connectionTimeout, "gone")), of: peer)
        #expect(
            await eventually {
                events.all.suffix(2) == [.disconnected(.publish), .ended(.publish, BridgeError(.connectionTimeout, "gone"))]
            })
        #expect(await eventually { hub.calls.contains { if case .unpublish(_, .peer(peer)) = $0 { true } else { false } } })
    }

    @Test func anOfferWithoutMediaIsRefused() async throws {
        for offer in [SampleOffer.view, SampleOffer.view.replacing("a=fingerprint", with: "a=finger")] {
            do throws(BridgeError) {
                _ = try await director.publish(ReceivedOffer(offer), by: ada, events: tell)
                Issue.record("taken")
            } catch {
                #expect(error.code == .unacceptableOffer)
            }
        }
        #expect(opened.isEmpty)
    }

    @Test(arguments: [("7", RoomTrackKind.camera), ("1", .camera), ("0", .microphone)])
    func aTrackNeedsASectionOfItsKind(mid: String, kind: RoomTrackKind) async throws {
        _ = try await publish()
        do throws(BridgeError) {
            try await director.open(RoomTrack(id: RoomTrackID("t1"), owner: ParticipantID("ada"), kind: kind, mid: mid), of: ada)
            Issue.record("taken")
        } catch {
            #expect(error.code == .invalidField)
        }
    }

    @Test func aSecondPeerTakesThePlaceOfTheFirst() async throws {
        let first = try await publish(connects: false)
        try await director.open(camera, of: ada)
        await director.forward(camera.id, false)
        let second = try await publish(connects: false)
        #expect(edge.calls.contains(.close(first)) && edge.calls.contains(.forward(0, second, false)))
        #expect(await eventually { events.all == [.ended(.publish, nil)] })
        #expect(!hub.calls.contains { if case .unpublish = $0 { true } else { false } }, "the stream waits for the second")
        await director.close([.publish], of: ada)
        #expect(hub.calls.count { if case .unpublish = $0 { true } else { false } } == 2)
    }

    /// Pages say what they publish as soon as they are answered; the hub has no stream to join before the peer is connected.
    @Test func tracksOfAPeerThatIsNotConnectedAreSentWhenItIs() async throws {
        let publisher = try await publish(connects: false)
        let peer = try await joined([camera, microphone])
        #expect(edge.sections.isEmpty)
        await director.drop(microphone.id)
        edge.say(.connected, of: publisher)
        #expect(await eventually { edge.sections.map(\.section.mid) == ["0"] })
        let order = edge.calls.compactMap { call -> String? in
            switch call {
            case .publish(publisher): "publish"
            case .attach(_, _, peer): "attach"
            default: nil
            }
        }
        #expect(order == ["publish", "attach"])
        // Another peer in its place: the stream is there all the time.
        _ = try await publish(connects: false)
        let screen = RoomTrack(id: RoomTrackID("t3"), owner: ParticipantID("ada"), kind: .screen, mid: "0")
        try await director.open(screen, of: ada)
        await subscribe(update([camera], [camera, screen]))
        try await director.accept(answer(), of: ben)
        #expect(await eventually { edge.sections.count == 2 })
    }

    @Test func changesThatComeBeforeTheAnswerGoIntoTheNextOffer() async throws {
        _ = try await publish()
        let screen = RoomTrack(id: RoomTrackID("t3"), owner: ParticipantID("ada"), kind: .screen, mid: "0")
        for track in [camera, microphone, screen] { try await director.open(track, of: ada) }
        await subscribe(update([], [camera, microphone]))
        await subscribe(update([camera, microphone], [microphone, screen]))
        #expect(offers.map { Set($0.tracks.values) } == [[camera.id, microphone.id]], "one offer at a time")
        try await director.accept(answer(), of: ben)
        let peer = try #require(opened.last)
        #expect(edge.sections.map(\.section.mid) == ["1"], "what is not wanted any more is not sent")
        #expect(offers.count == 2 && Set(offers[1].tracks.values) == [microphone.id, screen.id])
        #expect(offers[1].sdp.contains("a=inactive") && offers[1].sdp.contains(" 2 IN IP4"), "the next version of one description")
        try await director.accept(answer(), of: ben)
        #expect(edge.calls.suffix(1).allSatisfy { if case .attach(_, _, peer) = $0 { true } else { false } })
        #expect(opened.last == peer, "one peer, whatever is renegotiated")
        await #expect(throws: BridgeError.self) { try await director.accept("v=0", of: ben) }
    }

    @Test func sectionsOfDeadTracksAreUsedAgain() async throws {
        _ = try await publish()
        let peer = try await joined([camera, microphone])
        let mid = try #require(offers[0].tracks.first { $0.value == camera.id }?.key)
        await director.drop(camera.id)
        #expect(edge.calls.last == .detach(mid, peer))
        await subscribe(update([camera, microphone], [microphone]))
        try await director.accept(answer(), of: ben)
        let next = RoomTrack(id: RoomTrackID("t4"), owner: ParticipantID("ada"), kind: .camera, mid: "0")
        try await director.open(next, of: ada)
        await subscribe(update([microphone], [microphone, next]))
        #expect(offers.last?.tracks == [mid: next.id, mid == "0" ? "1" : "0": microphone.id])
        try await director.accept(answer(), of: ben)
        let sources = edge.sections.filter { $0.section.mid == mid }.compactMap(\.section.localSource?.ssrc)
        #expect(sources.count == 2 && Set(sources).count == 2, "a source is never used twice")
    }

    @Test func whatAParticipantCannotPlayIsLeftOut() async throws {
        _ = try await publish()
        for track in [camera, microphone] { try await director.open(track, of: ada) }
        await subscribe(update([], [camera, microphone]))
        let mid = try #require(offers[0].tracks.first { $0.value == camera.id }?.key)
        try await director.accept(answer(refusing: mid), of: ben)
        #expect(edge.sections.map(\.section.kind) == [.audio])
        let screen = RoomTrack(id: RoomTrackID("t3"), owner: ParticipantID("ada"), kind: .screen, mid: "0")
        try await director.open(screen, of: ada)
        await subscribe(update([camera, microphone], [camera, microphone, screen]))
        #expect(offers[1].sdp.contains("m=video 0 ") && offers[1].tracks.count == 2 && offers[1].tracks[mid] == nil)
    }

    @Test(arguments: ["", "hello", SampleOffer.view])
    func anAnswerThatDoesNotFitLeavesTheOffer(_ text: String) async throws {
        _ = try await publish()
        try await director.open(camera, of: ada)
        await subscribe(update([], [camera]))
        do throws(BridgeError) {
            try await director.accept(text, of: ben)
            Issue.record("taken")
        } catch {
            #expect(error.code == .unacceptableOffer)
        }
        try await director.accept(answer(), of: ben)
        #expect(edge.sections.count == 1)
    }

    @Test func theLastOneThatANarrowLineTakesAwayIsThePreferredOne() async throws {
        _ = try await publish()
        let peer = try await joined([camera])
        var bounds = TrackBounds()
        bounds.isPreferred = true
        await subscribe(update([camera], [camera], bounds))
        #expect(edge.calls.last == .bound("0", peer, SectionBounds(weight: 4)))
        bounds.isPaused = true
        await subscribe(update([camera], [camera], bounds))
        #expect(edge.calls.last == .bound("0", peer, SectionBounds(isPaused: true, weight: 4)))
        #expect(offers.count == 1, "no description is needed")
    }

    @Test func sizesFollowWhatThePublisherSends() async throws {
        _ = try await publish()
        let peer = try await joined([camera])
        var bounds = TrackBounds()
        (bounds.width, bounds.height) = (640, 360)
        await subscribe(update([camera], [camera], bounds))
        let encodings = [(320, 180), (640, 360), (1280, 720)].map { width, height in
            var encoding = EncodingStatistics(bitrate: 1, layers: [LayerStatistics(bitrate: 1, width: width, height: height)])
            (encoding.width, encoding.height) = (width, height)
            return encoding
        }
        hub.send(encodings)
        let wanted = FakeEdge.Call.bound("0", peer, SectionBounds(layers: LayerBounds(encodings: 0...1)))
        #expect(
            await eventually {
                clock.advance(by: .seconds(2))
                return edge.calls.contains(wanted)
            })
    }

    /// A worker answers between two frames: in a room of fifty it would be asked thousands of times.
    @Test func aStreamIsLookedAtOnceHoweverManyWatchIt() async throws {
        _ = try await publish()
        try await director.open(camera, of: ada)
        var bounds = TrackBounds()
        (bounds.width, bounds.height) = (640, 360)
        for number in 0..<8 {
            let owner = RoomPeerOwner(account: ada.account, room: ada.room, participant: ParticipantID("viewer \(number)"))
            await director.subscribe(owner, to: update([], [camera], bounds), events: tell)
            try await director.accept(answer(), of: owner)
        }
        await clock.sleeper(for: .seconds(2))
        let before = hub.looks.withLock(\.self)
        clock.advance(by: .seconds(2))
        // It looked, and waits again.
        await clock.sleeper(for: .seconds(2))
        #expect(hub.looks.withLock(\.self) == before + 1)
    }

    @Test func theTracksOfAStreamAreOfThatStream() async throws {
        let seat = RoomTrack(id: RoomTrackID("t9"), owner: ParticipantID("camera:1"), kind: .camera, mid: "0")
        await #expect(throws: BridgeError.self) { try await director.open(seat, from: StreamID("camera"), index: 0) }
        _ = await streams.publish(Sample.stream(Sample.context("s1")), sources: [])
        await #expect(throws: BridgeError.self) { try await director.open(seat, from: StreamID("camera"), index: 7) }
        try await director.open(seat, from: StreamID("camera"), index: 0)
        await subscribe(update([], [seat]))
        try await director.accept(answer(), of: ben)
        let peer = try #require(opened.last)
        #expect(edge.calls.last == .attach(mid: "0", StreamID("camera"), peer))
        await director.forward(seat.id, false)
        #expect(edge.calls.last == .bound("0", peer, SectionBounds(isPaused: true)), "muted in the room, and nowhere else")
    }

    @Test func loudnessIsToldOfTheTracksThatAreOpen() async throws {
        let peer = try await publish(connects: false)
        try await director.open(microphone, of: ada)
        edge.say(.connected, of: peer)
        edge.say(.levels([TrackLevel(track: 1, level: 30), TrackLevel(track: 0, level: 9)]), of: peer)
        #expect(await eventually { events.all.last == .levels([RoomLevel(microphone.id, 30)]) })
    }

    /// Its peer is a session of its own, which tells how loud it is where it tells all the rest.
    @Test func aSeatedCameraIsHeardUntilItGoes() async throws {
        let seat = RoomTrack(id: RoomTrackID("t9"), owner: ParticipantID("camera:s"), kind: .microphone, mid: "1")
        let (camera, heard) = (StreamID("camera"), Journal<RoomLevel>())
        var stream = Sample.stream(Sample.context("s1"))
        stream.source = .peer(PeerID("p1"))
        _ = await streams.publish(stream, sources: [])
        try await director.open(seat, from: camera, index: 1)
        await director.listen(to: seat.id) { heard.note($0) }
        #expect(edge.calls.contains(.reportLevels(PeerID("p1"))))
        streams.levels.tell([TrackLevel(track: 0, level: 3), TrackLevel(track: 1, level: 20)], of: camera)
        #expect(await eventually { heard.all == [RoomLevel(seat.id, 20)] })
        streams.levels.tell([TrackLevel(track: 1, level: 5)], of: StreamID("other"))
        await director.drop(seat.id)
        streams.levels.tell([TrackLevel(track: 1, level: 21)], of: camera)
        #expect(heard.all == [RoomLevel(seat.id, 20)])
    }

    @Test func whoIsClosedHearsNothingMoreAndWhoIsLostWhy() async throws {
        _ = try await publish(connects: false)
        let peer = try await joined([camera])
        await director.close(Set(RoomPeerKind.allCases), of: ada)
        #expect(events.all.last == .ended(.publish, nil))
        edge.say(.connected, of: peer)
        edge.say(.ended(BridgeError(.connectionLost, "lost")), of: peer)
        #expect(await eventually { events.all.last == .ended(.subscribe, BridgeError(.connectionLost, "lost")) })
        await #expect(throws: BridgeError.self) { try await director.open(camera, of: ada) }
    }

    @Test func anEngineThatIsFullEndsThePeerWithTheReason() async throws {
        _ = try await publish()
        try await director.open(camera, of: ada)
        edge.isFull = true
        await subscribe(update([], [camera]))
        #expect(events.all == [.ended(.subscribe, BridgeError(.limitReached, "Full."))])
    }
}
