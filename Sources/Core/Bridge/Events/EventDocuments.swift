package import BridgeModel

// The native words of each event: kinds and the members of `data` (`signaling/events/`). URLs and secrets are none of them.
extension BridgeEvent {
    /// The event as the log keeps it.
    package func draft(id: EventID, at moment: WallTime) -> EventDraft {
        EventDraft(id: id, kind: kind, party: party, facts: .object(facts), at: moment, pairing: pairing)
    }

    private var kind: EventKind {
        switch self {
        case .sessionStarted: .sessionStarted
        case .sessionEnded: .sessionEnded
        case .streamStarted: .streamStarted
        case .streamEnded: .streamEnded
        case .streamEvent: .streamEvent
        case .recordingAdvanced(_, let step): step.kind
        // Without a destination it is where it belongs as soon as it is complete.
        case .recordingDelivered(let row): row.destination == .keep ? .recordingReady : .recordingDelivered
        case .recordingFailed: .recordingFailed
        case .storageLow: .storageLow
        case .destinationFailing: .destinationFailing
        case .conferenceConnected(let row, _): row.target.kind.isPush ? .pushStarted : .conferenceConnected
        case .conferenceDisconnected(let row, _, _): row.target.kind.isPush ? .pushEnded : .conferenceDisconnected
        case .conferenceTroubled(let row, _, _, _): row.target.kind.isPush ? .pushTroubleStarted : .conferenceTroubleStarted
        case .conferenceTroubleEnded(let row, _, _): row.target.kind.isPush ? .pushTroubleEnded : .conferenceTroubleEnded
        case .conferenceFailed(let row, _, _): row.target.kind.isPush ? .pushFailed : .conferenceFailed
        case .room(_, _, let event): event.kind
        case .camera(_, _, let event): event.kind
        case .roomRecordingReady: .roomRecordingReady
        case .compositeStarted: .compositeStarted
        case .compositeEnded: .compositeEnded
        case .recordingKept(_, .held): .recordingHeld
        case .recordingKept(_, .released): .recordingReleased
        case .recordingKept(_, .deleted(let deletion)): deletion.step == .failed ? .recordingDeletionFailed : .recordingDeleted
        }
    }

    private var party: EventParty {
        switch self {
        case .sessionStarted(let row), .sessionEnded(let row): EventParty(row.context)
        case .streamStarted(let context, _), .streamEnded(let context): EventParty(context)
        case .recordingAdvanced(let row, _), .recordingDelivered(let row), .recordingFailed(let row), .destinationFailing(let row, _),
            .recordingKept(let row, _):
            EventParty(row.context)
        case .streamEvent(let event, let context): context.map { EventParty($0) } ?? EventParty(stream: event.stream)
        case .conferenceConnected(let row, let context), .conferenceDisconnected(let row, let context, _),
            .conferenceTroubled(let row, let context, _, _), .conferenceTroubleEnded(let row, let context, _),
            .conferenceFailed(let row, let context, _):
            context.map { EventParty($0) } ?? EventParty(stream: row.stream)
        case .room(_, let account, _): EventParty(account: account)
        case .camera(let camera, let account, _): EventParty(account: account, client: camera, stream: StreamID(camera.rawValue))
        case .roomRecordingReady(let row, _): EventParty(account: row.account)
        case .compositeStarted(_, let context), .compositeEnded(_, let context): EventParty(context)
        case .storageLow: EventParty()
        }
    }

    private var pairing: EventPairing? {
        switch self {
        case .sessionStarted(let row): EventPairing(.begins, .session(row.context.session))
        case .sessionEnded(let row): EventPairing(.ends, .session(row.context.session))
        case .streamStarted(let context, _): EventPairing(.begins, .stream(context.stream))
        case .streamEnded(let context): EventPairing(.ends, .stream(context.stream))
        case .conferenceConnected(let row, _): EventPairing(.begins, row.subject)
        case .conferenceDisconnected(let row, _, _): EventPairing(.ends, row.subject)
        case .conferenceTroubled(let row, _, _, _): EventPairing(.begins, row.trouble)
        case .conferenceTroubleEnded(let row, _, _): EventPairing(.ends, row.trouble)
        case .room(let room, _, let event): event.pairing(in: room)
        case .camera(let camera, let account, let event): event.pairing(of: camera, account)
        case .compositeStarted(let status, _): EventPairing(.begins, .composite(status.id))
        case .compositeEnded(let status, _): EventPairing(.ends, .composite(status.id))
        case .streamEvent, .recordingAdvanced, .recordingDelivered, .recordingFailed, .storageLow, .destinationFailing, .recordingKept,
            .roomRecordingReady, .conferenceFailed:
            nil
        }
    }

    private var facts: [JSONText.Member] {
        switch self {
        case .sessionStarted(let row): [.init("direction", .string(row.context.direction.rawValue))]
        case .sessionEnded(let row): row.endFacts
        case .streamStarted(_, let tracks): [.init("tracks", .array(tracks.map(\.facts)))]
        case .streamEnded: [.init("cause", .string("source_ended"))]
        case .streamEvent(let event, _): event.facts
        case .recordingAdvanced(let row, let step): row.facts + step.facts
        case .recordingDelivered(let row): row.facts + row.fileFacts + row.flawFacts
        case .recordingFailed(let row): row.facts + row.fileFacts + row.failureFacts
        case .storageLow(let shortage):
            [.init("free_bytes", .optional(shortage.freeBytes)), .init("reserve_bytes", .integer(shortage.reserveBytes))]
        case .destinationFailing(let row, let trouble): row.facts + trouble.facts
        case .recordingKept(let row, let step): row.facts + step.facts
        case .room(let room, _, let event): event.facts(in: room)
        case .camera(let camera, _, let event): event.facts(of: camera)
        case .roomRecordingReady(let row, let keys): row.facts(keys)
        case .conferenceConnected(let row, _): row.facts
        case .compositeStarted(let status, _): status.facts
        case .compositeEnded(let status, _): status.facts + [.init("cause", .string(status.end.rawValue))]
        case .conferenceDisconnected(let row, _, let reason), .conferenceFailed(let row, _, let reason): row.facts + reason.facts
        case .conferenceTroubled(let row, _, let reason, let attempts):
            row.facts + reason.facts + [.init("attempts", .integer(Int64(attempts)))]
        case .conferenceTroubleEnded(let row, _, let end): row.facts + [.init("cause", .string(end.rawValue))]
        }
    }
}

extension RecordingStep {
    fileprivate var kind: EventKind {
        switch self {
        case .started: .recordingStarted
        case .gap: .recordingGap
        case .resumed: .recordingResumed
        case .segment: .recordingSegment
        case .ready: .recordingReady
        }
    }

    fileprivate var facts: [JSONText.Member] {
        guard case .segment(let segment) = self else { return [] }
        return [
            .init("segment", .integer(Int64(segment.number))), .init("segment_started_at", .optional(segment.startedAt?.iso8601)),
            .init("segment_duration_ms", .integer(segment.duration.wholeMilliseconds)),
            .init("segment_size_bytes", .integer(segment.sizeBytes)), .init("segment_sha256", .optional(segment.sha256)),
        ]
    }
}

extension StreamEvent {
    fileprivate var facts: [JSONText.Member] {
        [
            .init("event_id", .string(id)), .init("event_type", .string(report.type)), .init("note", .string(report.note)),
            .init("recording_id", .optional(recording?.rawValue)),
        ]
    }
}

extension ConferenceRow {
    fileprivate var subject: EventPairing.Subject { target.kind.isPush ? .push(id) : .conference(id) }
    fileprivate var trouble: EventPairing.Subject { target.kind.isPush ? .pushTrouble(id) : .conferenceTrouble(id) }

    /// Nothing of the target but where it is.
    fileprivate var facts: [JSONText.Member] {
        [
            .init(target.kind.isPush ? "push_id" : "conference_id", .string(id.rawValue)), .init("kind", .string(target.kind.rawValue)),
            .init("origin", .string(target.origin)),
        ]
    }
}

extension BridgeError {
    fileprivate var facts: [JSONText.Member] {
        [.init("cause", .string(code.rawValue)), .init("detail", .string(message))]
    }
}

extension CompositeStatus {
    fileprivate var facts: [JSONText.Member] {
        [
            .init("composite_id", .string(id.rawValue)), .init("inputs", .array(order.content.inputs.map { .string($0.stream.rawValue) })),
        ] + (order.content.room.map { [.init("room_id", .string($0.room.rawValue))] } ?? [])
    }
}

extension KeepingStep {
    fileprivate var facts: [JSONText.Member] {
        switch self {
        case .held(let hold): [.init("actor", .string(hold.by.rawValue)), .init("reason", .string(hold.reason))]
        case .released(let actor): [.init("actor", .string(actor.rawValue))]
        case .deleted(let deletion):
            [
                .init("actor", .string(deletion.by.rawValue)), .init("cause", .string(deletion.cause)),
                .init("destination", .bool(deletion.includesDestination)), .init("detail", .optional(deletion.lastError)),
            ]
        }
    }
}

extension SessionRow {
    fileprivate var endFacts: [JSONText.Member] {
        let length = endedAt.map { Duration.nanoseconds($0.nanoseconds &- createdAt.nanoseconds).wholeMilliseconds }
        return [
            .init("direction", .string(context.direction.rawValue)), .init("cause", .string((cause ?? .internalError).rawValue)),
            .init("started_at", .string(createdAt.iso8601)), .init("duration_ms", .optional(length)),
        ]
    }
}

extension TrackDescription {
    fileprivate var facts: JSONText {
        .object([.init("kind", .string(kind.rawValue)), .init("codec", .string(codec.rawValue))])
    }
}

extension RecordingRow {
    fileprivate var facts: [JSONText.Member] {
        [
            .init("recording_id", .string(id.rawValue)), .init("state", .string(state.rawValue)),
            .init("container", .string(container.rawValue)), .init("started_at", .string(startedAt.iso8601)),
        ]
    }

    fileprivate var fileFacts: [JSONText.Member] {
        [
            .init("first_frame_at", .optional(firstFrameWrittenAt?.iso8601)), .init("stopped_at", .optional(stoppedAt?.iso8601)),
            .init("duration_ms", .optional(durationMilliseconds)), .init("size_bytes", .optional(sizeBytes)),
        ]
    }

    /// Of a recording that stays here although not all of it is well.
    fileprivate var flawFacts: [JSONText.Member] {
        guard destination == .keep, let failure else { return [] }
        return [.init("code", .string(failure.code.rawValue)), .init("detail", .string(failure.message))]
    }

    fileprivate var failureFacts: [JSONText.Member] {
        [
            .init("code", .optional(failure?.code.rawValue)), .init("detail", .optional(failure?.message)),
            .init("upload_status_code", .optional(uploadStatus.map { Int64($0) })),
        ]
    }
}

extension DestinationTrouble {
    fileprivate var facts: [JSONText.Member] {
        [
            .init("attempts", .integer(Int64(attempts))), .init("upload_status_code", .optional(status.map { Int64($0) })),
            .init("detail", .string(reason)), .init("retry_at", .string(retryAt.iso8601)),
        ]
    }
}
