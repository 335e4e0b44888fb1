@testable import Bridge
import BridgeModel
import Foundation
import Testing

/// The documents of the code against the schemas of `signaling/events`.
@Suite struct EventDocumentTests {
    private static let now = WallTime(milliseconds: 1_700_000_000_000)
    private static let context = SessionContext(
        session: SessionID("s1"), account: AccountID("acme"), client: ClientID("client-0"), stream: StreamID("camera"), direction: .publish)

    private static func session(ended: Bool) -> SessionRow {
        var row = SessionRow(
            context: context, state: ended ? .terminated : .active, webhookURL: Redacted("https://a/secret"), createdAt: now)
        if ended { (row.endedAt, row.cause) = (now.advanced(by: .seconds(9)), .clientStop) }
        return row
    }

    private static func recording(_ state: RecordingState, _ destination: Destination) -> RecordingRow {
        var row = RecordingRow(
            id: RecordingID("r1"), context: context, state: state, container: .mp4, file: "r1.mp4", destination: destination,
            webhookURL: Redacted("https://a/secret"), startedAt: now)
        row.failure = state == .failed ? BridgeError(.unavailable, "destination replied 403") : nil
        return row
    }

    private static let put = Destination.put(url: Redacted("https://bucket.example/secret"))
    private static let segment = SegmentRow(
        recording: RecordingID("r1"), number: 2, stream: StreamID("camera"), container: .mp4, file: "r1-2.mp4", state: .ready)

    private static var alarms: [(BridgeEvent, EventKind)] {
        guard let report = StreamEventReport(type: "alarm") else { return [] }
        let alarm = StreamEvent(id: "e1", stream: StreamID("camera"), report: report, at: now, recording: nil)
        return [(.streamEvent(alarm, context), .streamEvent), (.streamEvent(alarm, nil), .streamEvent)]
    }

    private static var conferences: [(BridgeEvent, EventKind)] {
        guard let url = try? DeliveryURL(parsing: Redacted("https://meet.example/secret"), rules: AddressRules()) else { return [] }
        let row = ConferenceRow(
            id: ConferenceID("c1"), stream: StreamID("camera"), target: .whip(WHIPTarget(url: url, token: Redacted("secret"))),
            createdAt: now)
        let reason = BridgeError(.connectionLost, "The peer closed its transport.")
        var push = row
        if let target = try? PushTarget(url: Redacted("rtmp://live.example/app/secret"), rules: AddressRules()) {
            push.target = .push(target)
        }
        return [
            (.conferenceConnected(push, context), .pushStarted), (.conferenceDisconnected(push, context, reason), .pushEnded),
            (.conferenceConnected(row, context), .conferenceConnected), (.conferenceConnected(row, nil), .conferenceConnected),
            (.conferenceDisconnected(row, context, reason), .conferenceDisconnected),
            (.conferenceTroubled(row, context, reason, attempts: 3), .conferenceTroubleStarted),
            (.conferenceFailed(row, context, reason), .conferenceFailed), (.conferenceFailed(push, nil, reason), .pushFailed),
            (.conferenceTroubled(push, nil, reason, attempts: 3), .pushTroubleStarted),
        ]
            + ConferenceTroubleEnd.allCases.flatMap { end in
                [
                    (.conferenceTroubleEnded(row, context, end), .conferenceTroubleEnded),
                    (.conferenceTroubleEnded(push, nil, end), .pushTroubleEnded),
                ]
            }
    }

    private static var rooms: [(BridgeEvent, EventKind)] {
        let anna = RoomParticipant(id: ParticipantID("anna"), role: .host, name: "Anna")
        let track = RoomTrack(id: RoomTrackID("t1"), owner: anna.id, kind: .screen, mid: "1")
        let order = SeatOrder(source: .stream(StreamID("door")), displayName: "Door")
        let camera = SeatOrder(source: .camera(ClientID("helmet")), displayName: "Helmet")
        let events: [(RoomEvent, EventKind)] = [
            (.started, .roomStarted), (.ended(.idle), .roomEnded), (.joined(anna), .participantJoined),
            (.left(anna, .connectionLost), .participantLeft), (.trackPublished(track), .roomTrackPublished),
            (.trackUnpublished(track), .roomTrackUnpublished),
            (.cameraSeated(RoomSeat(id: SeatID("s1"), order: order, owner: anna.id)), .cameraSeated),
            (.cameraUnseated(RoomSeat(id: SeatID("s1"), order: camera, owner: nil), .timeOver), .cameraUnseated),
        ]
        return (events + recordings(by: anna)).map { (.room(RoomID("standup"), AccountID("acme"), $0.0), $0.1) }
    }

    private static func recordings(by starter: RoomParticipant) -> [(RoomEvent, EventKind)] {
        let recording = RoomRecording(id: RoomRecordingID("r1"), mode: .tracks, since: now, participant: starter.id)
        let other = RoomRecording(id: RoomRecordingID("r2"), mode: .both, since: now, participant: nil)
        return [
            (.recordingStarted(recording), .roomRecordingStarted), (.recordingStarted(other), .roomRecordingStarted),
            (.recordingEnded(recording, .stopped), .roomRecordingEnded), (.recordingEnded(other, .failed), .roomRecordingEnded),
        ]
    }

    private static var readyRooms: [(BridgeEvent, EventKind)] {
        var row = RoomRecordingRow(id: RoomRecordingID("r1"), room: RoomID("standup"), account: AccountID("acme"), startedAt: now)
        row.parts = [.init(recording: RecordingID("a"), stream: StreamID("camera"), isShared: false, isDrawnOn: false)]
        row.pictures = ["p1", "p2"]
        var keys = RoomRecordingKeys()
        keys.manifest = "k/a.room.json"
        keys.pictures = ["p1": "k/a.room-p1.jpg"]
        return [
            (.roomRecordingReady(row, RoomRecordingKeys()), .roomRecordingReady), (.roomRecordingReady(row, keys), .roomRecordingReady),
        ]
    }

    private static var composites: [(BridgeEvent, EventKind)] {
        let body: JSONValue = ["inputs": [["stream": "camera"]]]
        guard let order = try? CompositeOrder(reading: body) else { return [] }
        let status = CompositeStatus(id: CompositeID("k1"), order: order, stream: StreamID("wall"), createdAt: now)
        return [(.compositeStarted(status, context), .compositeStarted), (.compositeEnded(status, context), .compositeEnded)]
    }

    private static let cameras: [(BridgeEvent, EventKind)] = {
        let able = CameraAbilities(publishes: true, torch: true, greatestZoom: 2.5, rotates: true, mutes: [.audio], talks: true)
        let events: [(CameraEvent, EventKind)] =
            [(.online(able), .cameraOnline), (.online(CameraAbilities()), .cameraOnline)]
            + CameraEnd.allCases.map { (.offline($0, since: now), .cameraOffline) }
        return events.map { (.camera(ClientID("yard/gate: 1"), AccountID("acme"), $0.0), $0.1) }
    }()

    private static let events: [(BridgeEvent, EventKind)] =
        [
            (.sessionStarted(session(ended: false)), .sessionStarted), (.sessionEnded(session(ended: true)), .sessionEnded),
            (.streamStarted(context, tracks: [TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")]), .streamStarted),
            (.streamEnded(context), .streamEnded), (.recordingAdvanced(recording(.recording, put), .started), .recordingStarted),
            (.recordingAdvanced(recording(.gap, put), .gap), .recordingGap),
            (.recordingAdvanced(recording(.recording, put), .resumed), .recordingResumed),
            (.recordingAdvanced(recording(.recording, put), .segment(segment)), .recordingSegment),
            (.recordingAdvanced(recording(.uploading, put), .ready), .recordingReady),
            (.recordingDelivered(recording(.ready, .keep)), .recordingReady),
            (.recordingDelivered(recording(.delivered, put)), .recordingDelivered),
            (.recordingFailed(recording(.failed, put)), .recordingFailed),
            (.storageLow(StorageShortage(freeBytes: nil, reserveBytes: 5)), .storageLow),
            (
                .destinationFailing(recording(.uploading, put), DestinationTrouble(attempts: 1, status: 503, reason: "no", retryAt: now)),
                .destinationFailing
            ),
            (
                .recordingKept(recording(.delivered, put), .held(RecordingHold(reason: "case 7", by: .commandLine, placedAt: now))),
                .recordingHeld
            ),
            (.recordingKept(recording(.delivered, put), .released(by: .commandLine)), .recordingReleased),
            (.recordingKept(recording(.delivered, put), .deleted(removal(.done))), .recordingDeleted),
            (.recordingKept(recording(.delivered, put), .deleted(removal(.failed))), .recordingDeletionFailed),
        ] + alarms + conferences + rooms + cameras + readyRooms + composites

    private static func removal(_ step: Deletion.Step) -> Deletion {
        Deletion(
            step: step, order: DeletionOrder(by: .retention, cause: "age", includesDestination: true), orderedAt: now, dueAt: now)
    }

    private func schema(_ kind: EventKind) throws -> JSONValue {
        let file = URL(filePath: #filePath).appending(path: "../../../../../signaling/events/\(kind.rawValue).json").standardized
        return try JSONValue.read(Data(contentsOf: file))
    }

    @Test(arguments: events) func anEventHasTheMembersOfItsSchema(event: BridgeEvent, kind: EventKind) throws {
        let draft = event.draft(id: EventID("evt_1"), at: Self.now)
        #expect(draft.kind == kind)
        let row = EventRow(draft, sequence: 7, sessionSequence: draft.party.session == nil ? nil : 3)
        let document = try JSONValue.read(row.body.utf8)
        #expect(document["type"]?.string == kind.rawValue && document["sequence"]?.integer == 7)
        let data = try #require(try schema(kind)["properties"]?["data"])
        guard case .array(let required)? = data["required"], case .object(let known)? = data["properties"],
            case .object(let members)? = document["data"]
        else {
            Issue.record("\(kind.rawValue) has no members")
            return
        }
        #expect(Set(required.compactMap(\.string)).isSubset(of: members.keys), "\(row.body)")
        #expect(Set(members.keys).isSubset(of: known.keys), "\(row.body)")
        #expect(!row.body.contains("secret"))
    }

    /// What a process that died left open in rooms is ended by the next, by its ids alone.
    @Test(arguments: rooms.filter { $0.1.end != nil }) func anEndAfterARestartHasTheMembersOfItsSchema(
        event: BridgeEvent, kind: EventKind
    ) throws {
        let draft = event.draft(id: EventID("evt_1"), at: Self.now)
        let end = try #require(EventPairs.open(after: draft)?.end(.bridgeRestarted, id: EventID("evt_2"), at: Self.now))
        let data = try #require(try JSONValue.read(EventRow(end, sequence: 8, sessionSequence: nil).body.utf8)["data"])
        guard case .array(let required)? = try schema(end.kind)["properties"]?["data"]?["required"], case .object(let members) = data else {
            Issue.record("\(end.kind.rawValue) has no members")
            return
        }
        #expect(Set(required.compactMap(\.string)).isSubset(of: members.keys))
        #expect(data["room_id"] == "standup" && data["cause"] == "bridge_restarted")
    }

    @Test func aCamerasEndHasTheCausesOfItsSchema() throws {
        guard case .array(let causes)? = try schema(.cameraOffline)["properties"]?["data"]?["properties"]?["cause"]?["enum"] else {
            Issue.record("no causes")
            return
        }
        #expect(causes.compactMap(\.string) == CameraEnd.allCases.map(\.rawValue) + [OpenFact.Cause.bridgeRestarted.rawValue])
    }

    /// What a process that died left open elsewhere is ended by the next, by its ids alone.
    @Test(arguments: conferences.filter { $0.1.end != nil }) func whatWasElsewhereIsOverAfterARestart(event: BridgeEvent, kind: EventKind)
        throws
    {
        #expect(EventKind.conferenceBeginnings.contains(kind))
        let draft = event.draft(id: EventID("evt_1"), at: Self.now)
        let end = try #require(EventPairs.open(after: draft)?.end(.bridgeRestarted, id: EventID("evt_2"), at: Self.now))
        let data = try JSONValue.read(EventRow(end, sequence: 8, sessionSequence: nil).body.utf8)["data"]
        #expect(data == [kind.rawValue.hasPrefix("push") ? "push_id" : "conference_id": "c1", "cause": "bridge_restarted"])
    }

    @Test(arguments: [EventKind.conferenceTroubleEnded, .pushTroubleEnded]) func troubleEndsForTheCausesOfItsSchema(kind: EventKind) throws
    {
        guard case .array(let causes)? = try schema(kind)["properties"]?["data"]?["properties"]?["cause"]?["enum"] else {
            Issue.record("no causes")
            return
        }
        #expect(causes.compactMap(\.string) == ConferenceTroubleEnd.allCases.map(\.rawValue) + [OpenFact.Cause.bridgeRestarted.rawValue])
    }

    /// A camera's name is free text.
    @Test(arguments: cameras.filter { $0.1 == .cameraOnline }) func aCameraThatWasThereIsOfflineAfterARestart(
        event: BridgeEvent, kind: EventKind
    ) throws {
        let draft = event.draft(id: EventID("evt_1"), at: Self.now)
        let end = try #require(EventPairs.open(after: draft)?.end(.bridgeRestarted, id: EventID("evt_2"), at: Self.now))
        let document = try JSONValue.read(EventRow(end, sequence: 8, sessionSequence: nil).body.utf8)
        #expect(document["type"] == "camera.offline" && document["client_id"] == "yard/gate: 1" && document["account_id"] == "acme")
        #expect(document["data"] == ["camera": "yard/gate: 1", "cause": "bridge_restarted"])
    }

    @Test func everyKindHasAnEventAndASchema() throws {
        #expect(Set(Self.events.map(\.1)) == Set(EventKind.all))
        for kind in EventKind.all { #expect(try schema(kind)["title"]?.string == kind.rawValue) }
        let pairs = EventKind.all.compactMap { kind in kind.end.map { "\(kind.rawValue) \($0.rawValue)" } }
        #expect(
            pairs == [
                "session.started session.ended", "stream.started stream.ended", "conference.connected conference.disconnected",
                "room.started room.ended", "participant.joined participant.left", "room.track_published room.track_unpublished",
                "camera.seated camera.unseated", "camera.online camera.offline", "room_recording.started room_recording.ended",
                "composite.started composite.ended",
                "push.started push.ended", "conference.trouble_started conference.trouble_ended",
                "push.trouble_started push.trouble_ended",
            ])
    }

    @Test(
        arguments: [
            (nil, RecordingState.recording, RecordingStep.started), (.armed, .recording, .started), (.recording, .gap, .gap),
            (.gap, .recording, .resumed), (.closing, .uploading, .ready), (.recording, .uploading, .ready), (nil, .armed, nil),
            (.recording, .recording, nil), (.uploading, .uploading, nil), (.recording, .closing, nil), (.closing, .ready, nil),
            (.uploading, .delivered, nil), (.uploading, .failed, nil), (.gap, .closing, nil),
        ] as [(RecordingState?, RecordingState, RecordingStep?)])
    func stepsAreToldOnce(earlier: RecordingState?, later: RecordingState, step: RecordingStep?) {
        #expect(RecordingStep(from: earlier, to: later) == step)
    }

    @Test func anEventsWebhookHasItsDigits() {
        var random = SeededGenerator(seed: 1)
        let id = EventID.make(at: Self.now, using: &random)
        #expect(id.rawValue.hasPrefix("evt_") && id.rawValue.utf8.count == 30)
        #expect(id.webhook.rawValue == "msg_" + id.rawValue.dropFirst(4))
        #expect(EventID("other").webhook == DeliveryID("msg_other"))
    }

    @Test func aReceiverIsToldWhereThereIsOne() {
        var random = SeededGenerator(seed: 2)
        for (url, told) in [(nil, nil), ("", nil), ("https://a.example/", "https://a.example/")] as [(String?, String?)] {
            let reporter = EventReporter(translators: [], receiver: url.map { Redacted($0) })
            guard case .event(_, let receiver)? = reporter.changes(for: .streamEnded(Self.context), at: Self.now, using: &random).first
            else {
                Issue.record("no event")
                return
            }
            #expect(receiver?.revealed == told)
        }
    }
}
