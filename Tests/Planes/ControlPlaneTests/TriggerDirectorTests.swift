import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Synchronization
import Testing

/// Policies and events in memory.
private final class MemoryTriggers: RecordingPolicyStore, StreamEventArchive {
    let stored = Mutex<[StreamID: RecordingPolicy]>([:])

    func policies() async throws(BridgeError) -> [StreamID: RecordingPolicy] { stored.withLock { $0 } }
    func save(_ policy: RecordingPolicy?, for stream: StreamID) async throws(BridgeError) { stored.withLock { $0[stream] = policy } }
    func streamEvents(_ query: StreamEventQuery) async throws(BridgeError) -> [StreamEvent] { [] }
}

/// Policies among fakes: what a stream's recordings do by themselves.
@Suite struct TriggerDirectorTests {
    private static let camera = StreamID("camera")

    private let store = MemoryTriggers()
    private let stream = Sample.stream()

    private func withTriggers(
        _ policy: RecordingPolicy?, _ configure: (inout RecordingSettings) -> Void = { _ in },
        _ body: (RecordingBench, TriggerDirector) async throws -> Void
    ) async throws {
        let bench = RecordingBench(configure)
        if let policy { try await store.save(policy, for: Self.camera) }
        let triggers = TriggerDirector(services: bench.services, recordings: bench.director, store: store, zones: SystemTimeZones())
        try await triggers.recover()
        let running = Task { await triggers.run() }
        try await body(bench, triggers)
        running.cancel()
        await running.value
    }

    private func tell(_ change: StreamTable.Change, _ bench: RecordingBench, _ triggers: TriggerDirector) async {
        await bench.director.streamChanged(change)
        await triggers.streamChanged(change)
    }

    private func timings(_ bench: RecordingBench) -> [SubscriptionTiming] {
        bench.hub.calls.compactMap { if case .subscribe(_, _, _, _, let timing) = $0 { timing } else { nil } }
    }

    @Test func aStoredPolicyHoldsAfterARestart() async throws {
        try await withTriggers(RecordingPolicy(.always)) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            _ = try #require(await bench.launcher.pipeline())
            #expect(timings(bench) == [.recorded(since: MonotonicTime(nanoseconds: 0), reachesBack: true)])
        }
    }

    @Test func anAlwaysRecordingGoesOnInTheNextSession() async throws {
        try await withTriggers(nil, { $0.trigger = .always }) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            let recorder = try #require(await bench.launcher.pipeline())
            recorder.say(.firstFrame(writtenAt: bench.clock.wall, capturedAt: nil))
            #expect(await eventually { bench.ledger.recordingStates.last == .recording })
            await bench.director.finish(session: SessionID("s1"), forGood: false)
            await tell(.lost(Self.camera), bench, triggers)
            #expect(await eventually { bench.ledger.recordingStates.last == .gap })
            await tell(.returned(Sample.stream(Sample.context("s2"), peer: "p2")), bench, triggers)
            #expect(await eventually { bench.ledger.recordingStates.last == .recording })
            #expect(bench.launcher.pipelines.count == 1 && !recorder.isStopped)
            // The end of the session that it began in is nothing to it now, that of the new one is.
            await bench.director.finish(session: SessionID("s1"))
            #expect(!recorder.isStopped)
            await bench.director.finish(session: SessionID("s2"))
            #expect(recorder.isStopped)
            recorder.closeFile()
            #expect(await bench.isIdle())
            // Its publisher has left: nothing begins in its place.
            for _ in 0..<100 { bench.clock.advance(by: .seconds(1)) }
            #expect(bench.launcher.pipelines.count == 1)
        }
    }

    @Test func anAlwaysRecordingThatFailsIsBegunAgain() async throws {
        try await withTriggers(RecordingPolicy(.always)) { bench, triggers in
            bench.files.refuseToOpen(BridgeError(.storageFull, "full"))
            await tell(.started(stream), bench, triggers)
            #expect(bench.launcher.pipelines.isEmpty)
            await bench.clock.sleeper(for: .seconds(1))
            bench.clock.advance(by: .seconds(1))
            await bench.clock.sleeper(for: .seconds(2))
            bench.files.refuseToOpen(nil)
            bench.clock.advance(by: .seconds(2))
            #expect(await bench.launcher.pipeline() != nil)
        }
    }

    @Test func whatAUserStopsStaysStopped() async throws {
        try await withTriggers(RecordingPolicy(.always)) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            let recorder = try #require(await bench.launcher.pipeline())
            let id = try #require(bench.files.deeds.first.flatMap { if case .open(let id) = $0 { id } else { nil } })
            recorder.say(.firstFrame(writtenAt: bench.clock.wall, capturedAt: nil))
            try await bench.director.stop(id)
            recorder.closeFile()
            #expect(await bench.isIdle())
            for _ in 0..<100 { bench.clock.advance(by: .seconds(1)) }
            #expect(bench.launcher.pipelines.count == 1)
        }
    }

    @Test func anEventIsStoredWithTheRecordingThatItBegan() async throws {
        try await withTriggers(RecordingPolicy(.event, preRoll: .seconds(4), postRoll: .seconds(20))) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            #expect(bench.hub.calls.contains(.keepPreRoll(Self.camera, .seconds(4))))
            let report = try #require(StreamEventReport(type: "motion", note: "gate"))
            let event = try await triggers.report(report, on: Self.camera)
            let recorder = try #require(await bench.launcher.pipeline())
            let since = bench.clock.now.advanced(by: .seconds(-4))
            #expect(timings(bench) == [.recorded(since: since, reachesBack: true)])
            #expect(event.recording != nil && event.at == bench.clock.wall)
            #expect(bench.ledger.transactions.contains { $0.first == .streamEvent(event) })
            #expect(bench.ledger.events.last?.kind == .streamEvent && bench.ledger.events.last?.party.session == SessionID("s1"))
            recorder.say(.firstFrame(writtenAt: bench.clock.wall, capturedAt: nil))
            await bench.clock.sleeper(for: .seconds(20))
            bench.clock.advance(by: .seconds(20))
            #expect(await eventually { recorder.isStopped })
        }
    }

    @Test func anEventOfAStreamThatIsNotThereIsStored() async throws {
        try await withTriggers(RecordingPolicy(.event)) { bench, triggers in
            let event = try await triggers.report(try #require(StreamEventReport(type: "alarm")), on: Self.camera)
            #expect(event.recording == nil && bench.ledger.events.last?.party == EventParty(stream: Self.camera))
        }
    }

    @Test func aRecordingBeganWhenItsFirstPictureWasTaken() async throws {
        try await withTriggers(RecordingPolicy(.event)) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            let event = try await triggers.report(try #require(StreamEventReport(type: "alarm")), on: Self.camera)
            let recorder = try #require(await bench.launcher.pipeline())
            let first = bench.clock.wall.advanced(by: .seconds(-11))
            recorder.say(.fileBegan(part: 1, startedAt: first))
            let id = try #require(event.recording)
            #expect(await eventually { (try? await bench.ledger.recording(id))?.startedAt == first })
        }
    }

    @Test func aPolicyHoldsAtOnceAndUntilItIsTakenAway() async throws {
        try await withTriggers(nil) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            #expect(bench.launcher.pipelines.isEmpty)
            try await triggers.set(RecordingPolicy(.always), for: Self.camera)
            let recorder = try #require(await bench.launcher.pipeline())
            #expect(await triggers.policy(of: Self.camera) == (RecordingPolicy(.always), true))
            try await triggers.set(nil, for: Self.camera)
            #expect(await eventually { recorder.isStopped })
            #expect(await triggers.policy(of: Self.camera) == (RecordingPolicy(.request), false))
            #expect(store.stored.withLock { $0.isEmpty })
        }
    }

    @Test func aStreamOfItsOwnPolicyDoesNotFollowTheConfiguration() async throws {
        try await withTriggers(RecordingPolicy(.request), { $0.trigger = .session }) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            #expect(await bench.director.count == 0)
        }
        try await withTriggers(RecordingPolicy(.session)) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            #expect(await bench.director.count == 1)
        }
    }

    @Test func neverForbidsEveryPolicy() async throws {
        try await withTriggers(RecordingPolicy(.always), { $0.trigger = .never }) { bench, triggers in
            await tell(.started(stream), bench, triggers)
            #expect(await bench.director.count == 0)
        }
    }

    @Test func anUnknownTimeZoneIsRefusedAndKnownOnesHaveSummers() async throws {
        let window = try #require(WeeklySchedule.Window("daily 08:00-18:00"))
        try await withTriggers(nil) { _, triggers in
            await #expect(throws: BridgeError.self) {
                try await triggers.set(
                    RecordingPolicy(.schedule(WeeklySchedule(timeZone: "Mars/Olympus", windows: [window]))), for: Self.camera)
            }
            #expect(store.stored.withLock { $0.isEmpty })
        }
        let zones = SystemTimeZones()
        // 2026-03-29, a second before 01:00 UTC and then.
        #expect(zones.offset(of: "Europe/Berlin", at: WallTime(milliseconds: 1_774_745_999_000)) == .seconds(3600))
        #expect(zones.offset(of: "Europe/Berlin", at: WallTime(milliseconds: 1_774_746_000_000)) == .seconds(7200))
        #expect(zones.offset(of: "Asia/Kolkata", at: WallTime(milliseconds: 0)) == .seconds(19_800))
        #expect(zones.offset(of: "UTC", at: WallTime(milliseconds: 0)) == .zero)
    }
}
