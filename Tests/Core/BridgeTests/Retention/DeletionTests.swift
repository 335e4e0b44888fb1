import Bridge
import BridgeModel
import Testing

/// What may be removed and sent again, and the steps of a removal.
@Suite struct DeletionTests {
    private let now = WallTime(milliseconds: 1_700_000_000_000)
    private let here = DeletionOrder(by: .retention, cause: "age", includesDestination: false)
    private let everywhere = DeletionOrder(by: .commandLine, cause: "ordered", includesDestination: true)

    private func row(_ state: RecordingState, to destination: Destination = .keep) -> RecordingRow {
        let context = SessionContext(
            session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
        return RecordingRow(
            id: RecordingID("r"), context: context, state: state, container: .webm, file: "r.webm", destination: destination,
            webhookURL: nil, startedAt: now)
    }

    private func segment(_ state: SegmentState, _ number: Int = 1) -> SegmentRow {
        SegmentRow(
            recording: RecordingID("r"), number: number, stream: StreamID("c"), container: .webm,
            file: SegmentRow.fileName(of: RecordingID("r"), number: number, container: .webm), state: state)
    }

    private func code(_ row: RecordingRow, _ order: DeletionOrder) -> BridgeError.Code? {
        do throws(BridgeError) {
            _ = try row.deletion(order, at: now)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: RecordingState.allCases)
    func onlyWhatIsOverCanBeRemoved(state: RecordingState) {
        #expect(code(row(state), here) == (state.isFinal ? nil : .recordingInUse))
        var held = row(state)
        held.hold = RecordingHold(reason: "case 7", by: .commandLine, placedAt: now)
        #expect(code(held, here) == .recordingHeld)
    }

    @Test func whatAPlainURLHasTakenStaysThere() {
        let put = Destination.put(url: Redacted("https://bucket.example/x?signature=secret"))
        #expect(code(row(.delivered, to: put), everywhere) == .destinationKeeps)
        #expect(code(row(.delivered, to: put), here) == nil)
        var second = row(.delivered, to: .folder(path: "/srv"))
        second.fallback = .http(HTTPDestination(url: Redacted("https://x.example/")))
        #expect(code(second, everywhere) == .destinationKeeps && !second.hasRemovableCopy)
        #expect(row(.delivered, to: .folder(path: "/srv")).hasRemovableCopy)
        #expect(!row(.failed, to: .folder(path: "/srv")).hasRemovableCopy && !row(.ready).hasRemovableCopy)
    }

    @Test func aSecondOrderChangesOnlyWhatItAdds() throws {
        var removed = row(.delivered, to: .folder(path: "/srv"))
        let first = try #require(try removed.deletion(here, at: now))
        removed.deletion = first
        #expect(try removed.deletion(here, at: now) == nil)
        let both = try #require(try removed.deletion(everywhere, at: now))
        #expect(both.includesDestination && both.step == .files)
        removed.deletion = both.filesRemoved(at: now).attempted(.stored, .delivered, at: now)
        #expect(removed.deletion?.step == .done)
        #expect(try removed.deletion(everywhere, at: now) == nil)
        #expect(try removed.deletion(here, at: now) == nil)
        removed.deletion?.step = .failed
        #expect(try removed.deletion(here, at: now)?.includesDestination == true, "what failed is tried again, and all of it")
    }

    @Test func theStepsOfARemovalFollowEachOther() {
        let local = Deletion(here, at: now).filesRemoved(at: now)
        #expect(local.step == .done && local.endedAt == now)
        let files = Deletion(everywhere, at: now)
        let stuck = files.filesStuck("the disk is read-only", until: now.advanced(by: .seconds(60)))
        #expect(stuck.step == .files && stuck.lastError != nil && stuck.dueAt > now)
        let waiting = stuck.filesRemoved(at: now)
        #expect(waiting.step == .destination && waiting.endedAt == nil && waiting.lastError == nil)
        let later = now.advanced(by: .seconds(5))
        let again = waiting.attempted(.failed(.unreachable), .retry(at: later), at: now)
        #expect(again.step == .destination && again.attempts == 1 && again.dueAt == later && again.lastStatus == 0)
        let locked = again.attempted(.refused(status: 403, .credentials), .dead, at: later)
        #expect(locked.step == .failed && locked.lastStatus == 403 && locked.lastError?.contains("locked") == true)
    }

    @Test func aRemovalGivesUpTheFilesAtOnce() throws {
        let changes = try row(.failed).removal(here, [segment(.failed), segment(.removed, 2), segment(.delivered, 3)], at: now).get()
        #expect(changes.count == 4)
        #expect(changes.compactMap { if case .segment(let row) = $0 { row.number } else { nil } } == [1, 3])
        #expect(changes.contains { if case .audit(let draft) = $0 { draft.actor == .retention && draft.action == .delete } else { false } })
    }

    @Test func whatIsThereCanBeSentAgain() throws {
        func send(_ row: RecordingRow, _ segments: [SegmentRow], to choice: DestinationChoice? = nil) -> Result<[LedgerChange], BridgeError>
        {
            row.redelivery(to: choice, segments, by: .commandLine, at: now) { segment, row in
                .delivery(
                    DeliveryRow(
                        id: DeliveryID(segment.file), work: .upload(recording: row.id, file: segment.file, destination: row.destination),
                        account: row.context.account, session: row.context.session, dueAt: now, createdAt: now))
            }
        }
        let folder = Destination.folder(path: "/srv")
        let changes = try send(row(.failed, to: folder), [segment(.failed), segment(.removed, 2)]).get()
        #expect(changes.contains { if case .recording(let row) = $0 { row.state == .uploading } else { false } })
        #expect(changes.filter { if case .delivery = $0 { true } else { false } }.count == 1, "of what is there")
        let elsewhere = try send(row(.ready), [segment(.ready)], to: DestinationChoice(folder)).get()
        #expect(elsewhere.contains { if case .recording(let row) = $0 { row.destination == folder } else { false } })
        var removed = row(.delivered, to: folder)
        removed.deletion = Deletion(here, at: now)
        let refused = [
            send(row(.uploading, to: folder), [segment(.uploading)]), send(row(.delivered, to: folder), [segment(.removed)]),
            send(removed, [segment(.delivered)]), send(row(.ready), [segment(.ready)]),
        ].map { result -> BridgeError.Code? in if case .failure(let error) = result { error.code } else { nil } }
        #expect(refused == [.recordingInUse, .recordingGone, .recordingGone, .invalidField])
    }
}
