package import Bridge
package import BridgeModel
internal import Foundation
internal import LinuxIO
internal import Logging
internal import Playback

// At the bridge's start.
extension RecordingSpool {
    private static let pollInterval: Duration = .milliseconds(100)

    /// Recorders of a bridge that died see their sockets close and complete their files: those that still hold the lock are waited for.
    package func reconcile(patience: Duration) async throws(BridgeError) -> SpoolFindings {
        var findings = SpoolFindings()
        let limit = ContinuousClock.now + patience
        for row in try await ledger.recordings(in: RecordingState.incomplete) {
            await waitForRecorders(of: row, until: limit)
            removeMovies(of: row)
            let segments = try await ledger.segments(of: row.id)
            findings.unfinished.append(SpoolFindings.Unfinished(row: row, remains: remains(of: row, segments)))
        }
        findings.withoutFile = try await takeBackPromises()
        try await finishRemovals()
        for name in names(in: layout.folder) where name != SpoolLayout.orphansName {
            guard try await ledger.recording(SpoolLayout.segment(name).recording) == nil else { continue }
            if moveAway(name) { findings.orphans.append(name) }
        }
        return findings
    }

    /// Rows that promise a file which is not there. What was only kept is gone, and the ledger says so from now on; an upload fails by itself.
    private func takeBackPromises() async throws(BridgeError) -> [SegmentRow] {
        var lost: [SegmentRow] = []
        for var segment in try await ledger.segments(in: [.ready, .uploading], limit: .max) where size(of: layout.finished(segment)) == nil
        {
            // Its recording is not over, or is taken up: its file may still be on its way.
            guard let row = try await ledger.recording(segment.recording), !RecordingState.incomplete.contains(row.state) else { continue }
            lost.append(segment)
            guard segment.state == .ready else { continue }
            segment.state = .removed
            try await ledger.commit([.segment(segment)])
        }
        return lost
    }

    private func remains(of row: RecordingRow, _ segments: [SegmentRow]) -> RecordingMachine.Remains {
        let folder = layout.workFolder(row.id)
        var parts: [PartName] = []
        var lastWrittenAt: WallTime?
        for name in names(in: folder) {
            let path = "\(folder)/\(name)"
            guard let part = PartName(fileName: name), size(of: path) ?? 0 > 0 else { continue }
            parts.append(part)
            lastWrittenAt = max(lastWrittenAt ?? WallTime(nanoseconds: 0), writtenAt(path) ?? WallTime(nanoseconds: 0))
        }
        var files: [Int: Int64] = [:]
        for name in names(in: layout.folder)
        where name.hasPrefix(row.id.rawValue) && name != row.id.rawValue && !name.hasSuffix(".json")
            && SidecarName(name) == nil
        {
            let (recording, number) = SpoolLayout.segment(name)
            if recording == row.id, let size = size(of: "\(layout.folder)/\(name)") { files[number] = size }
        }
        return RecordingMachine.Remains(parts: parts.sorted(), files: files, lastWrittenAt: lastWrittenAt, segments: segments)
    }

    /// What recorders wrote beside their parts is of no use to a bridge that did not hear that it is whole: the finisher makes it anew.
    private func removeMovies(of row: RecordingRow) {
        let folder = layout.workFolder(row.id)
        for name in names(in: folder) where PartName.isMovie(fileName: name) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    private func waitForRecorders(of row: RecordingRow, until limit: ContinuousClock.Instant) async {
        let folder = layout.workFolder(row.id)
        while names(in: folder).contains(where: { (try? ReadableFile(path: "\(folder)/\($0)"))?.isBeingWritten ?? false }) {
            guard ContinuousClock.now < limit else {
                logger.warning(
                    "A recorder of the bridge before still writes; its file is taken as it is", metadata: ["recording": "\(row.id)"])
                return
            }
            try? await Task.sleep(for: Self.pollInterval)
        }
    }

    private func moveAway(_ name: String) -> Bool {
        do {
            try DurableFiles.rename("\(layout.folder)/\(name)", to: "\(layout.orphans)/\(name)")
            logger.warning("A file in the spool belongs to no recording and was moved to orphans", metadata: ["name": "\(name)"])
            return true
        } catch {
            logger.error(
                "A file in the spool belongs to no recording and cannot be moved", metadata: ["name": "\(name)", "error": "\(error)"])
            return false
        }
    }
}

// While it runs.
extension RecordingSpool {
    /// Removes finished files whose time is over; call it now and then. Files of recordings without a destination stay. Returns the names
    /// that were removed. Throws what the ledger throws.
    @discardableResult
    package func removeExpired(now: WallTime) async throws(BridgeError) -> [String] {
        var removed: [String] = []
        for name in names(in: layout.folder) where name != SpoolLayout.orphansName && !name.hasSuffix(".json") {
            let (recording, number) = SpoolLayout.segment(name)
            guard let row = try await ledger.recording(recording),
                let segment = try await ledger.segments(of: recording).first(where: { $0.number == number && $0.file == name }),
                let keep = time(of: segment, in: row)
            else { continue }
            let since = row.stoppedAt ?? writtenAt("\(layout.folder)/\(name)") ?? now
            guard since.advanced(by: keep) <= now else { continue }
            guard row.hold == nil, try await !awaitsSidecars(segment, of: row) else { continue }
            guard try await remove(segment, by: .expiry, at: now) else {
                logger.warning("An expired recording cannot be removed", metadata: ["recording": "\(row.id)"])
                continue
            }
            removed.append(name)
        }
        return removed
    }

    /// How long a file stays; nil: for good. A delivered one by its destination's rule, if that has one.
    private func time(of segment: SegmentRow, in row: RecordingRow) -> Duration? {
        switch segment.state {
        case .delivered:
            switch row.keepLocal {
            case .always: nil
            case .delete: .zero
            case .time(let time): time
            case nil: retention.delivered
            }
        case .failed: retention.failed
        case .recording, .closing, .ready, .uploading, .removed: nil
        }
    }
}
