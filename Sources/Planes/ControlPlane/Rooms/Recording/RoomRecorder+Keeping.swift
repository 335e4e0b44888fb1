package import Bridge
package import BridgeModel
internal import Logging
internal import Signaling

// What recordings of rooms leave behind, from one start of the bridge to the next, until it goes.
extension RoomRecorder {
    /// Those that are written, or carried out, in one go; the rest follows.
    private static let batch = 1000

    /// Takes up what an earlier run left: what was open is over, and its manifest is written when its files are complete. Reads the journals of those alone, and
    /// of what the ledger does not know. Call it once, when recordings were taken up.
    package func recover() async throws(BridgeError) {
        let folder = services.folder
        try folder.prepare()
        let known = try await services.ledger.roomRecordingIDs()
        let there = try folder.recordings()
        let lost = Set(known.keys).subtracting(there)
        if !lost.isEmpty { try await services.ledger.commit(lost.map { .roomRecordingGone($0) }) }
        var kept: Set<String> = []
        var found: [RoomRecordingRow] = []
        for id in there where known[id] != true {
            guard let manifest = await folder.read(id), var row = manifest.row else { continue }
            kept.formUnion(row.pictures)
            if !manifest.isOver {
                let now = services.clock.wall()
                try? RoomRecordingJournal.end(folder.journal(id), at: now)
                row.endedAt = now
            }
            // One that the ledger does not know was completed before there was this index.
            row.isReady = known[id] == nil && folder.isReady(id)
            found.append(row)
        }
        for begin in stride(from: 0, to: found.count, by: Self.batch) {
            try await services.ledger.commit(found[begin..<min(begin + Self.batch, found.count)].map { .roomRecording($0) })
        }
        for row in found where !row.isReady { goOn(row.id) }
        kept.formUnion(try await services.ledger.roomPictures())
        folder.removePictures { !kept.contains($0) }
    }

    /// Removes what has had its time, again and again, until the task is cancelled. Call it once, after `recover`.
    package func keep() async {
        while !Task.isCancelled {
            await sweep()
            guard (try? await services.clock.pause(services.retention.interval)) != nil else { return }
        }
    }

    /// Removes what has had its time, and goes on with what was to go before.
    package func sweep() async {
        do throws(BridgeError) {
            let now = services.clock.wall()
            let age = services.retention.rule.age.map { now.advanced(by: .zero - $0) }
            for row in try await services.ledger.removeRoomRecordings(endedBefore: age, at: now, limit: Self.batch) {
                try await carryOut(row)
            }
        } catch {
            services.logger.error(
                "what is left of rooms could not be looked at, and is later", metadata: ["error": "\(error.description)"])
        }
    }

    package func remove(_ id: RoomRecordingID, _ order: DeletionOrder) async throws(BridgeError) {
        guard !isUnderWay(id) else {
            throw BridgeError(
                .recordingInUse, "The room's recording \(id) runs, or its files are being completed; stop it, and wait for it.")
        }
        guard var row = try await services.ledger.roomRecording(id) else {
            throw BridgeError(.notFound, "There is no such recording of a room; GET /bridge/v1/room-recordings lists them.")
        }
        let now = services.clock.wall()
        for part in row.parts {
            guard let recording = try await services.ledger.recording(part.recording) else { continue }
            if part.isShared {
                try recording.refuseIfHeld()
            } else {
                _ = try recording.deletion(order, at: now)
            }
        }
        let detail = order.cause + (order.includesDestination ? ", at its destination as well" : "")
        row.removal = order
        try await services.ledger.commit([.roomRecording(row), .audit(row.audit(.delete, by: order.by, detail: detail, at: now))])
        try await carryOut(row)
    }

    /// Each step can be done twice: a bridge that ends in between goes on with its next look.
    private func carryOut(_ row: RoomRecordingRow) async throws(BridgeError) {
        guard let order = row.removal, try await giveUpRecordings(of: row, order) else { return }
        guard services.folder.remove(row, spool: services.spool) else {
            return services.logger.error(
                "what a room's recording has left cannot be removed, and is tried again; look at the data folder",
                metadata: ["room_recording": "\(row.id)"])
        }
        forget(row.pictures, of: row.room)
        try await services.ledger.commit([
            .roomRecordingGone(row.id), .audit(row.audit(.deleted, by: order.by, detail: "on the bridge", at: services.clock.wall())),
        ])
        services.logger.info("room recording removed", metadata: ["room": "\(row.room)", "room_recording": "\(row.id)"])
    }

    /// What retention decides is about what no recording is left of. False when one of its own recordings stays, since it was held meanwhile.
    private func giveUpRecordings(of row: RoomRecordingRow, _ order: DeletionOrder) async throws(BridgeError) -> Bool {
        guard order.by != .retention else { return true }
        let now = services.clock.wall()
        var isComplete = true
        for part in row.parts where !part.isShared {
            try await services.ledger.settle(part.recording) { row, segments in (try? row.removal(order, segments, at: now).get()) ?? [] }
            if let left = try await services.ledger.recording(part.recording), left.deletion == nil { isComplete = false }
        }
        services.deletions.wake()
        return isComplete
    }
}
