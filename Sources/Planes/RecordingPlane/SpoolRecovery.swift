package import Bridge
package import BridgeModel
internal import Foundation
internal import LinuxIO
internal import Logging

// At the bridge's start.
extension RecordingSpool {
    private static let pollInterval: Duration = .milliseconds(100)

    /// Recorders of a bridge that died see their sockets close and complete their files: those that still hold the lock are waited for.
    package func reconcile(patience: Duration) async throws(BridgeError) -> SpoolFindings {
        var findings = SpoolFindings()
        let limit = ContinuousClock.now + patience
        for row in try await ledger.recordings(in: [.armed, .recording, .finalizing]) {
            await waitForRecorders(of: row, until: limit)
            findings.unfinished.append(SpoolFindings.Unfinished(row: row, remains: remains(of: row)))
        }
        for row in try await ledger.recordings(in: [.uploading]) where size(of: layout.finished(row)) == nil {
            findings.withoutFile.append(row)
        }
        for name in names(in: layout.folder) where name != SpoolLayout.orphansName {
            guard try await ledger.recording(SpoolLayout.recording(name)) == nil else { continue }
            if moveAway(name) { findings.orphans.append(name) }
        }
        return findings
    }

    private func remains(of row: RecordingRow) -> RecordingMachine.Remains {
        let folder = layout.workFolder(row.id)
        var parts: [Int] = []
        var lastWrittenAt: WallTime?
        for name in names(in: folder) {
            let path = "\(folder)/\(name)"
            guard let number = SpoolLayout.partNumber(name), size(of: path) ?? 0 > 0 else { continue }
            parts.append(number)
            lastWrittenAt = max(lastWrittenAt ?? WallTime(nanoseconds: 0), writtenAt(path) ?? WallTime(nanoseconds: 0))
        }
        return RecordingMachine.Remains(
            parts: parts.sorted(), finalBytes: size(of: layout.finished(row)), lastWrittenAt: lastWrittenAt)
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
        for name in names(in: layout.folder) where name != SpoolLayout.orphansName {
            guard let row = try await ledger.recording(SpoolLayout.recording(name)), let keep = retention(of: row.state) else { continue }
            let path = "\(layout.folder)/\(name)"
            let since = row.stoppedAt ?? writtenAt(path) ?? now
            guard since.advanced(by: keep) <= now else { continue }
            do {
                try FileManager.default.removeItem(atPath: path)
                removed.append(name)
            } catch {
                logger.warning("An expired recording cannot be removed", metadata: ["recording": "\(row.id)"])
            }
        }
        return removed
    }

    private func retention(of state: RecordingState) -> Duration? {
        switch state {
        case .uploaded: retention.delivered
        case .uploadFailed: retention.failed
        case .armed, .recording, .finalizing, .uploading, .stored: nil
        }
    }
}
