import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

@Suite(.timeLimit(.minutes(1))) struct RoomCameraTests {
    private let bench = RoomBench()
    private let room = RoomBench.room

    private func seatState() async -> RoomSeat.State? { await bench.directory.room(room)?.seats.first?.state }

    private static func order(_ source: SeatOrder.Source, height: Int? = nil) -> SeatOrder {
        SeatOrder(source: source, displayName: "Helmet", greatestHeight: height)
    }

    @Test func aSeatedStreamComesGoesAndComesBackByItself() async throws {
        try await bench.open()
        let anna = try await bench.join("standup host anna")
        let (seat, isNew) = try await bench.directory.seat(Self.order(.stream(StreamID("camera")), height: 360), in: room)
        #expect(isNew && seat.state == .waiting && bench.media.calls.all.isEmpty)

        await bench.directory.streamChanged(.started(Sample.stream()))
        #expect(await eventually { bench.media.calls.all.contains("open t2 from camera 1") })
        #expect(await seatState() == .live && bench.media.calls.all.first == "open t1 from camera 0")
        // Anna sees it no higher than was ordered.
        await bench.send(.view([RoomTrackID("t1"): TrackView(isVisible: true, width: 1920, height: 1080)]), anna)
        #expect(await bench.clock.pass { bench.media.calls.all.contains("subscribe anna +t1@360 +t2") })

        await bench.directory.streamChanged(.lost(StreamID("camera")))
        #expect(await eventually { bench.media.calls.all.contains("drop t2") })
        #expect(await seatState() == .away)
        await bench.directory.streamChanged(.returned(Sample.stream(Sample.context("s2"))))
        #expect(await eventually { bench.media.calls.all.contains("open t4 from camera 1") })
        #expect(await seatState() == .live)
        // Nobody makes a peer for a stream.
        #expect(!bench.media.calls.all.contains { $0.hasPrefix("subscribe camera:") })

        try await bench.directory.administer(.unseat(seat.id), in: room)
        let told = await bench.told()
        #expect(told.suffix(4) == ["room.track_unpublished", "room.track_unpublished", "participant.left", "camera.unseated"])
        #expect(told.count { $0 == "camera.seated" } == 1 && told.count { $0 == "room.track_published" } == 4)
    }

    @Test func whoeverStandsBehindASeatedCameraSpeaks() async throws {
        try await bench.open()
        let anna = try await bench.join("standup host anna")
        let (seat, _) = try await bench.directory.seat(Self.order(.stream(StreamID("camera"))), in: room)
        await bench.directory.streamChanged(.started(Sample.stream()))
        let track = RoomTrackID("t2")
        #expect(await eventually { bench.media.ear(of: track) != nil })
        let ear = try #require(bench.media.ear(of: track))
        let speaks = RoomSocketEvent.notice(.speaker(seat.participant))
        let isTold = await bench.clock.pass {
            ear(RoomLevel(track, 10))
            return anna.heard.all.contains(speaks)
        }
        #expect(isTold)
    }

    @Test func aCameraIsBroughtByTheStreamOfItsNameAndHasOneSeat() async throws {
        try await bench.open()
        await bench.directory.streamChanged(.started(Sample.stream()))
        let order = Self.order(.camera(ClientID("camera")))
        let (seat, _) = try await bench.directory.seat(order, in: room)
        #expect(await seatState() == .live)
        let again = try await bench.directory.seat(order, in: room)
        #expect(again.seat.id == seat.id && !again.isNew)
        await #expect { try await bench.directory.seat(Self.order(.stream(StreamID("camera"))), in: room) } throws: {
            ($0 as? RoomError)?.code == .alreadySeated
        }
        // The same camera in another room has a seat there, too.
        try await bench.open("other")
        #expect(try await bench.directory.seat(order, in: RoomID("other")).isNew)
    }

    @Test func aParticipantSeatsOnlyStreamsOfTheRoomsAccount() async throws {
        try await bench.open()
        await bench.directory.streamChanged(.started(Sample.stream(Sample.context("s1", account: "umbrella"))))
        let anna = try await bench.join("standup host anna")
        await bench.send(.request(.seat(Self.order(.stream(StreamID("camera"))))), anna)
        #expect(await seatState() == .waiting && bench.media.calls.all.isEmpty)
        // The account seats any, as its API shows any.
        try await bench.open("other")
        _ = try await bench.directory.seat(Self.order(.stream(StreamID("camera"))), in: RoomID("other"))
        #expect(await bench.directory.room(RoomID("other"))?.seats.first?.state == .live)
    }

    @Test func aTrackThatCannotBeOpenedIsASeatThatWaits() async throws {
        try await bench.open()
        bench.media.fail("open", BridgeError(.notFound, "not live"))
        _ = try await bench.directory.seat(Self.order(.stream(StreamID("camera"))), in: room)
        await bench.directory.streamChanged(.started(Sample.stream()))
        #expect(await eventually { await seatState() == .away })
        bench.media.fail("open", nil)
        await bench.directory.streamChanged(.returned(Sample.stream()))
        #expect(await eventually { await seatState() == .live })
    }

    @Test func aMuteOfAParticipantIsAHostsMuteOfAKind() async throws {
        try await bench.open()
        let ben = try await bench.join("standup worker ben")
        await bench.send(.publish(.microphone, mid: "0"), ben)
        await bench.send(.publish(.camera, mid: "1"), ben)
        try await bench.directory.mute(ParticipantID("ben"), [.microphone, .screen], isMuted: true, in: room)
        #expect(try #require(await bench.directory.room(room)).tracks.map(\.isMutedByHost) == [true, false])
        #expect(bench.media.calls.all.last == "forward t1 false")
        await #expect { try await bench.directory.mute(ParticipantID("ben"), [.screen], isMuted: true, in: room) } throws: {
            ($0 as? RoomError)?.code == .notFound
        }
    }
}
