package import BridgeModel

extension RecordingRow {
    /// What an order to remove the recording changes: its files are given up at once, and leave the disk from then on.
    package func removal(_ order: DeletionOrder, _ segments: [SegmentRow], at now: WallTime) -> Result<[LedgerChange], BridgeError> {
        Result { () throws(BridgeError) in
            guard let deletion = try self.deletion(order, at: now) else { return [] }
            let removed = segments.filter(\.state.hasFile).map { segment in
                var removed = segment
                removed.state = .removed
                return LedgerChange.segment(removed)
            }
            let detail = order.cause + (order.includesDestination ? ", at its destination as well" : "")
            return removed + [.deletion(id, deletion), .audit(AuditDraft(.delete, by: order.by, of: self, detail: detail, at: now))]
        }
    }

    /// What an order to send the recording again changes: the rows, and an upload of each file. `choice`: nil for where it went before; `upload` makes the
    /// row of the outbox.
    package func redelivery(
        to choice: DestinationChoice?, _ segments: [SegmentRow], by actor: AuditActor, at now: WallTime,
        upload: (SegmentRow, RecordingRow) -> LedgerChange
    ) -> Result<[LedgerChange], BridgeError> {
        guard state.isFinal else {
            return .failure(BridgeError(.recordingInUse, "The recording \(id) runs or is being delivered; wait until that has ended."))
        }
        let files = segments.filter(\.state.hasFile)
        guard deletion == nil, !files.isEmpty else {
            return .failure(
                BridgeError(.recordingGone, "The files of the recording \(id) are not on the bridge any more; it cannot be sent again."))
        }
        var row = self
        if let choice { row.choice = choice }
        guard row.destination != .keep else {
            return .failure(
                BridgeError(.invalidField, "The recording \(id) has no destination; name one of GET /bridge/v1/destinations."))
        }
        row.state = .uploading
        row.failure = nil
        row.uploadStatus = nil
        let sent = files.flatMap { segment in
            var sent = segment
            (sent.state, sent.failure) = (.uploading, nil)
            return [LedgerChange.segment(sent), upload(sent, row)]
        }
        let detail = "to \(row.destination.origin)"
        return .success([.recording(row)] + sent + [.audit(AuditDraft(.redeliver, by: actor, of: row, detail: detail, at: now))])
    }
}
