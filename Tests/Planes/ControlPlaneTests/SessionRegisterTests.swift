import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

@Suite struct SessionRegisterTests {
    private let clock = TestClock()
    private let ledger = MemoryLedger()
    private let delivery = FakeDelivery()
    private let register: SessionRegister
    private let webhook = Redacted("https://example.org/hook")

    init() {
        let outbox = OutboxWriter(reporter: EventReporter(translators: [PlainTranslator()]), clock: clock.clock, service: delivery)
        register = SessionRegister(
            ledger: ledger, outbox: outbox, limits: .init(runningPerAccount: 2), clock: clock.clock, logger: Sample.logger)
    }

    private func create(
        _ client: String = "camera", account: String = "acme", _ direction: SessionContext.Direction = .publish, stream: String = "camera"
    ) async throws -> SessionContext {
        try await register.create(account: AccountID(account), client: ClientID(client), direction: direction, stream: StreamID(stream))
    }

    /// A running session and its handle.
    private func start(
        _ client: String = "camera", _ direction: SessionContext.Direction = .publish
    ) async throws -> (SessionContext, FakeHandle) {
        let handle = FakeHandle()
        let context = try await create(client, direction)
        try await register.started(context, webhookURL: webhook, handle: handle)
        return (context, handle)
    }

    private func code(_ body: () async throws -> Void) async -> BridgeError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? BridgeError)?.code
        }
    }

    @Test func aStartedSessionIsDurableAndRuns() async throws {
        let (context, _) = try await start()
        let row = SessionRow(context: context, state: .active, webhookURL: webhook, createdAt: TestClock.epoch)
        #expect(ledger.transactions.map(\.count) == [2] && ledger.transactions.first?.first == .session(row))
        #expect(ledger.events.map(\.kind) == [.sessionStarted])
        #expect(await register.runningSessions == [context])
        #expect(await register.context(of: context.session) == context)
    }

    @Test func idsAreLowerCaseAndDifferent() async throws {
        let (first, second) = (try await create(), try await create())
        #expect(first.session != second.session)
        #expect(first.session.rawValue == first.session.rawValue.lowercased() && first.session.rawValue.count == 36)
    }

    @Test func aSessionThatIsNotStartedInTimeIsForgotten() async throws {
        let context = try await create()
        clock.advance(by: .milliseconds(119_999))
        #expect(await register.context(of: context.session) == context)
        clock.advance(by: .milliseconds(1))
        #expect(await register.context(of: context.session) == nil)
        let refusal = await code { try await register.started(context, webhookURL: nil, handle: FakeHandle()) }
        #expect(refusal == .notFound)
        #expect(ledger.transactions.isEmpty)
        #expect(await register.runningSessions.isEmpty)
    }

    @Test func aSessionThatCannotBeStoredDoesNotRunAndMayBeStartedAgain() async throws {
        let context = try await create()
        ledger.fail(1)
        let refusal = await code { try await register.started(context, webhookURL: nil, handle: FakeHandle()) }
        #expect(refusal == .unavailable)
        #expect(await register.runningSessions.isEmpty)
        try await register.started(context, webhookURL: nil, handle: FakeHandle())
        #expect(await register.runningSessions == [context])
    }

    @Test func theNewerSessionOfAPublisherReplacesTheOlder() async throws {
        let (_, older) = try await start()
        let (_, viewer) = try await start("camera", .watch)
        await register.ended(try #require(await register.runningSessions.first { $0.direction == .watch }), cause: .clientStop)
        let (_, newer) = try await start()
        #expect(await eventually { older.causes == [.replaced] })
        #expect(newer.causes.isEmpty && viewer.causes.isEmpty)
    }

    @Test func aViewerOfWhomNobodyIsToldWritesNothing() async throws {
        let viewer = try await create("viewer", .watch)
        let before = ledger.transactions.count
        try await register.started(viewer, webhookURL: nil, handle: FakeHandle())
        #expect(await register.runningSessions == [viewer])
        await register.ended(viewer, cause: .clientStop)
        #expect(await register.runningSessions.isEmpty)
        #expect(ledger.transactions.count == before)
    }

    @Test func theEndItsEventAndItsWebhookAreOneTransaction() async throws {
        let (context, _) = try await start()
        clock.advance(by: .seconds(5))
        await register.ended(context, cause: .clientStop)
        let last = try #require(ledger.transactions.last)
        guard case .session(let row)? = last.first, case .delivery(let webhook)? = last.last, last.count == 3 else {
            Issue.record("\(last)")
            return
        }
        #expect(row.state == .terminated && row.cause == .clientStop && row.endedAt == TestClock.epoch.advanced(by: .seconds(5)))
        #expect(webhook.words == "webhook ended \(context.session) CLIENT_STOP" && webhook.dueAt == clock.wall)
        #expect(ledger.events.map(\.kind) == [.sessionStarted, .sessionEnded])
        #expect(delivery.wakes == 2)
        #expect(await register.runningSessions.isEmpty)
        await register.ended(context, cause: .internalError)
        #expect(ledger.transactions.count == 2)
    }

    @Test func aSessionEndsAlsoWhenItsEndCannotBeStored() async throws {
        let (context, _) = try await start()
        ledger.fail(1)
        await register.ended(context, cause: .clientStop)
        #expect(await register.runningSessions.isEmpty)
        #expect(await register.context(of: context.session) == nil)
        #expect(ledger.deliveries.isEmpty && delivery.wakes == 1)
    }

    @Test func aViewerThatIsSlowToEndKeepsNoOtherWaiting() async throws {
        let (_, slow) = try await start("viewer-1", .watch)
        let (_, quick) = try await start("viewer-2", .watch)
        slow.gate.close()
        quick.gate.close()
        let ending = Task { await register.endWatchers(of: StreamID("camera")) }
        #expect(await eventually { slow.gate.waitingCount == 1 && quick.gate.waitingCount == 1 })
        slow.gate.open()
        quick.gate.open()
        await ending.value
        #expect(slow.causes == [.monitoredSessionEnded] && quick.causes == [.monitoredSessionEnded])
    }

    @Test func onlyTheStreamsOwnViewersAreEnded() async throws {
        let (_, publisher) = try await start()
        let (_, viewer) = try await start("viewer", .watch)
        await register.endWatchers(of: StreamID("another"))
        #expect(viewer.causes.isEmpty)
        await register.endWatchers(of: StreamID("camera"))
        #expect(viewer.causes == [.monitoredSessionEnded] && publisher.causes.isEmpty)
    }

    @Test func anAccountRunsAsManySessionsAsItMay() async throws {
        _ = try await start("a")
        let (second, _) = try await start("b")
        #expect(await code { _ = try await create("c") } == .limitReached)
        _ = try await create("c", account: "other")
        await register.ended(second, cause: .clientStop)
        _ = try await create("c")
    }

    @Test func aBridgeThatDrainsTakesNoSessions() async throws {
        await register.drain()
        #expect(await code { _ = try await create() } == .unavailable)
    }

    @Test func sessionsOfAnEarlierRunAreClosedAndReported() async throws {
        for id in ["s1", "s2"] {
            let row = SessionRow(context: Sample.context(id), state: .active, webhookURL: webhook, createdAt: TestClock.epoch)
            try await ledger.commit([.session(row)])
        }
        try await register.recover()
        #expect(ledger.deliveries.map(\.words) == ["webhook ended s1 INTERNAL_ERROR", "webhook ended s2 INTERNAL_ERROR"])
        #expect(ledger.transactions.dropFirst(2).allSatisfy { $0.count == 3 })
        let left = try await ledger.sessions(in: [.created, .active])
        #expect(left.isEmpty)
    }

    @Test func theDirectoryMakesSessionsOfGrants() async throws {
        let grant = Grant(
            account: AccountID("acme"), client: ClientID("viewer"), role: .watch, issuedAt: clock.wall, expiresAt: clock.wall, tokenID: "t")
        let directory: any SessionDirectory = register
        let context = try await directory.createSession(for: grant, direction: .watch, stream: StreamID("camera"))
        #expect(context == Sample.context(context.session.rawValue, client: "viewer", stream: "camera", .watch))
        #expect(await directory.session(context.session) == context)
    }
}
