import Bridge
import BridgeModel
import Testing

/// Every role and the account, with every action: written out, so that a change of the rules is a change of this table.
@Suite struct RoomPermissionTests {
    /// Columns: host, expert, worker, viewer, camera, the account.
    private static let table: [(action: RoomAction, permissions: [RoomPermission])] = [
        (.publishMicrophone, [.own, .own, .own, .never, .own, .never]),
        (.publishCamera, [.own, .own, .own, .never, .own, .never]),
        (.publishScreen, [.own, .own, .own, .never, .never, .never]),
        (.mute, [.always, .own, .own, .never, .own, .always]),
        (.admit, [.always, .never, .never, .never, .never, .always]),
        (.remove, [.always, .never, .never, .never, .never, .always]),
        (.hand, [.always, .own, .own, .own, .never, .always]),
        (.pin, [.own, .own, .own, .own, .never, .never]),
        (.spotlight, [.always, .always, .never, .never, .never, .always]),
        (.view, [.own, .own, .own, .own, .own, .never]),
        (.describe, [.always, .own, .own, .own, .own, .always]),
        (.chat, [.own, .own, .own, .own, .never, .never]),
        (.seatCamera, [.always, .own, .never, .never, .never, .always]),
        (.commandCamera, [.always, .always, .own, .never, .never, .never]),
        (.freeze, [.always, .always, .own, .never, .never, .always]),
        (.annotate, [.always, .always, .always, .never, .never, .never]),
        (.erase, [.always, .own, .own, .never, .never, .always]),
        (.point, [.always, .always, .always, .never, .never, .never]),
        (.record, [.always, .always, .always, .never, .never, .always]),
        (.clip, [.always, .always, .always, .never, .never, .never]),
        (.snapshot, [.always, .always, .always, .never, .never, .never]),
        (.close, [.always, .never, .never, .never, .never, .always]),
    ]

    @Test func everyRoleMayWhatTheTableSays() {
        #expect(Self.table.map(\.action) == RoomAction.allCases)
        #expect(RoomRole.allCases == [.host, .expert, .worker, .viewer, .camera])
        for (action, expected) in Self.table {
            let actual = RoomRole.allCases.map { action.permission(of: $0) } + [action.permissionOfAccount]
            #expect(actual == expected, "\(action)")
        }
    }

    /// The machine obeys the table: each role does each action, on what is its own and on what is somebody else's.
    @Test(arguments: RoomRole.allCases) func theMachineObeysTheTable(role: RoomRole) throws {
        for (action, permissions) in Self.table {
            let column = try #require(RoomRole.allCases.firstIndex(of: role))
            for isOwn in [true, false] {
                var stage = RoomStage()
                guard let command = stage.prepare(action, by: role, isOwn: isOwn) else { continue }
                let refusal = stage.refusal(of: command, by: "actor")
                let isAllowed = permissions[column] == .always || (permissions[column] == .own && isOwn)
                #expect((refusal != .forbidden) == isAllowed, "\(role) \(action) own: \(isOwn): \(String(describing: refusal))")
                if isAllowed { #expect(refusal == nil, "\(role) \(action)") }
            }
        }
    }

    @Test func theAccountObeysTheTable() {
        for (action, permissions) in Self.table {
            var stage = RoomStage()
            guard let command = stage.prepare(action, by: .host, isOwn: false) else { continue }
            let refusal = stage.administer(command)?.code
            #expect((refusal == nil) == (permissions[5] == .always), "\(action): \(String(describing: refusal))")
        }
    }
}

extension RoomStage {
    /// A room in which `actor` could do this to what is theirs, or to what is another's; the command. nil: the case does not exist.
    fileprivate mutating func prepare(_ action: RoomAction, by role: RoomRole, isOwn: Bool) -> RoomCommand? {
        settings.admission = .knock
        enter("chief", .host)
        if role == .camera { seatAgent("actor") } else { enter("actor", role, admittedBy: "chief") }
        enter("other", .host)
        let owner = isOwn ? "actor" : "other"
        switch action {
        case .publishMicrophone: return isOwn ? .publish(.microphone, mid: "9") : nil
        case .publishCamera: return isOwn ? .publish(.camera, mid: "9") : nil
        case .publishScreen: return isOwn ? .publish(.screen, mid: "9") : nil
        case .mute: return track(of: owner).map { .mute($0, true) }
        case .admit:
            knock("waiting", .worker)
            return isOwn ? nil : .admit(ParticipantID("waiting"))
        case .remove: return isOwn ? nil : .remove(ParticipantID("other"))
        case .hand:
            guard !isOwn else { return .hand(nil, isRaised: true) }
            command(.hand(nil, isRaised: true), by: "other")
            return .hand(ParticipantID("other"), isRaised: false)
        case .pin: return isOwn ? .pin([]) : nil
        case .spotlight: return track(of: owner).map { .spotlight([$0]) }
        case .view: return isOwn ? .view([:]) : nil
        case .describe: return .describe(isOwn ? nil : ParticipantID("other"), name: "N", metadata: [:])
        case .chat: return isOwn ? .chat("hello") : nil
        case .seatCamera:
            if isOwn { return .seat(SeatID("new"), SeatOrder(source: .stream(StreamID("s")), displayName: "S")) }
            command(.seat(SeatID("theirs"), SeatOrder(source: .stream(StreamID("s")), displayName: "S")), by: "other")
            return .unseat(SeatID("theirs"))
        case .commandCamera:
            // Only some roles can have seated one.
            guard !isOwn || RoomAction.seatCamera.permission(of: role) != .never else { return nil }
            command(.seat(SeatID("lamp"), SeatOrder(source: .camera(ClientID("lamp")), displayName: "L")), by: owner)
            return .commandCamera(SeatID("lamp"), .torch(true))
        case .freeze: return track(of: owner, .camera).map { .freeze($0, at: wall) }
        case .annotate: return board().map { .annotate($0, AnnotationID("a"), RoomStage.arrow, colour: 0) }
        case .erase: return erasure(owner)
        case .point: return track(of: "other", .camera).map { .point($0, PicturePoint(x: 0, y: 0)) }
        case .record: return isOwn ? nil : .record(RoomRecordingOrder(id: RoomRecordingID("r")))
        case .clip:
            _ = administer(.record(RoomRecordingOrder(id: RoomRecordingID("r"))))
            return isOwn ? nil : .clip(nil, seconds: 10)
        case .snapshot: return track(of: "other", .camera).map { .snapshot($0) }
        case .close: return isOwn ? nil : .close
        }
    }

    private mutating func board() -> BoardID? {
        guard let track = track(of: "other", .camera) else { return nil }
        command(.freeze(track, at: wall), by: "other")
        return machine.boards.last?.id
    }

    private mutating func erasure(_ owner: String) -> RoomCommand? {
        guard let board = board() else { return nil }
        command(.annotate(board, AnnotationID("a"), RoomStage.arrow, colour: 0), by: owner)
        guard machine.boards.last?.annotations.isEmpty == false else { return nil }
        return .erase(board, AnnotationID("a"))
    }
}
