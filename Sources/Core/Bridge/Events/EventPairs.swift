package import BridgeModel

/// Which fact an event begins or ends.
package struct EventPairing: Sendable, Equatable {
    /// Which of the two it is.
    package enum Side: Sendable, Equatable {
        case begins, ends
    }

    package var side: Side
    /// The fact: the same text at its beginning and its end.
    package var subject: Subject

    package init(_ side: Side, _ subject: Subject) {
        self.side = side
        self.subject = subject
    }

    /// A thing that begins and ends.
    package struct Subject: Hashable, Sendable {
        /// A word and an id.
        package let rawValue: String

        /// Wraps what was stored.
        package init(rawValue: String) { self.rawValue = rawValue }

        /// A session, of its own id once.
        package static func session(_ id: SessionID) -> Subject { Subject(rawValue: "session:\(id)") }
        /// A stream, which has one source at a time and may come back under its name.
        package static func stream(_ id: StreamID) -> Subject { Subject(rawValue: "stream:\(id)") }
        /// A stream's place in a conference, which may be lost and come back.
        package static func conference(_ id: ConferenceID) -> Subject { Subject(rawValue: conferencePrefix + id.rawValue) }

        /// A composite, which begins once.
        package static func composite(_ id: CompositeID) -> Subject { Subject(rawValue: compositePrefix + id.rawValue) }

        /// A stream on its way to a server elsewhere, which may be lost and come back.
        package static func push(_ id: ConferenceID) -> Subject { Subject(rawValue: pushPrefix + id.rawValue) }

        /// Sessions in a conference that fail one after the other.
        package static func conferenceTrouble(_ id: ConferenceID) -> Subject { Subject(rawValue: conferenceTroublePrefix + id.rawValue) }

        /// The same at a server elsewhere.
        package static func pushTrouble(_ id: ConferenceID) -> Subject { Subject(rawValue: pushTroublePrefix + id.rawValue) }

        private static let (conferencePrefix, compositePrefix, pushPrefix) = ("conference:", "composite:", "push:")
        private static let (conferenceTroublePrefix, pushTroublePrefix) = ("conference-trouble:", "push-trouble:")

        /// What an event must say of it that its party does not.
        fileprivate var facts: [JSONText.Member] {
            let names = [
                (Self.conferencePrefix, "conference_id"), (Self.compositePrefix, "composite_id"), (Self.pushPrefix, "push_id"),
                (Self.conferenceTroublePrefix, "conference_id"), (Self.pushTroublePrefix, "push_id"),
            ]
            for (prefix, name) in names {
                guard rawValue.hasPrefix(prefix) else { continue }
                return [.init(name, .string(String(rawValue.dropFirst(prefix.count))))]
            }
            return cameraFacts ?? roomFacts
        }
    }
}

/// A fact that has begun and not ended, as the ledger keeps it beside the events.
package struct OpenFact: Sendable, Equatable {
    package var subject: EventPairing.Subject
    /// The kind that began it.
    package var kind: EventKind
    package var party: EventParty

    package init(subject: EventPairing.Subject, kind: EventKind, party: EventParty) {
        self.subject = subject
        self.kind = kind
        self.party = party
    }

    /// The event that ends it, for a reason that its own end cannot tell any more; nil for a kind that this version does not know.
    package func end(_ cause: Cause, id: EventID, at moment: WallTime) -> EventDraft? {
        guard let end = kind.end else { return nil }
        let facts = subject.facts + [.init("cause", .string(cause.rawValue))]
        return EventDraft(id: id, kind: end, party: party, facts: .object(facts), at: moment, pairing: EventPairing(.ends, subject))
    }

    /// Why a fact was ended by somebody else.
    package enum Cause: String, Sendable, CaseIterable {
        /// The bridge ended without a word; whatever was open is over since then.
        case bridgeRestarted = "bridge_restarted"
        /// Another session took the stream's name.
        case replaced
    }
}

/// Beginnings and ends in pairs, whatever is told twice, too late or never: pure, asked inside the transaction that writes the events.
package enum EventPairs {
    /// The events to write for a draft, in their order; `open` is what the ledger holds of its subject. A second beginning of the same session
    /// and an end without a beginning are not told; another session's beginning ends the one before first. `id` makes ids.
    package static func admit(_ draft: EventDraft, open: OpenFact?, id: () -> EventID) -> [EventDraft] {
        guard let pairing = draft.pairing else { return [draft] }
        switch (pairing.side, open) {
        case (.begins, nil): return [draft]
        case (.begins, let open?):
            guard open.party.session != draft.party.session else { return [] }
            return [open.end(.replaced, id: id(), at: draft.at), draft].compactMap { $0 }
        case (.ends, nil): return []
        case (.ends, let open?):
            var end = draft
            // The end belongs to the session that saw the beginning.
            end.party = open.party
            return [end]
        }
    }

    /// What is open after these events were written; nil when nothing is.
    package static func open(after draft: EventDraft) -> OpenFact? {
        guard let pairing = draft.pairing, pairing.side == .begins else { return nil }
        return OpenFact(subject: pairing.subject, kind: draft.kind, party: draft.party)
    }
}
