import Bridge
import BridgeModel
import Testing

@Suite struct SessionTableTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private func at(_ seconds: Int) -> MonotonicTime { start.advanced(by: .seconds(seconds)) }

    private func context(
        _ id: String, client: String = "c", account: String = "a", direction: SessionContext.Direction = .publish
    ) -> SessionContext {
        SessionContext(
            session: SessionID(id), account: AccountID(account), client: ClientID(client), stream: StreamID(client), direction: direction)
    }

    @Test func anUnusedSessionIsForgottenAfterTwoMinutes() throws {
        var table = SessionTable(limits: .init())
        try table.create(context("1"), now: at(0))
        #expect(table.context(of: SessionID("1"), now: at(119)) != nil)
        #expect(table.context(of: SessionID("1"), now: at(120)) == nil)
    }

    @Test func theOldestUnusedSessionMakesRoom() throws {
        var table = SessionTable(limits: .init())
        for id in ["1", "2", "3"] { try table.create(context(id), now: at(0)) }
        try table.create(context("other", client: "d"), now: at(0))
        try table.create(context("4"), now: at(1))
        #expect(table.context(of: SessionID("1"), now: at(1)) == nil)
        for id in ["2", "3", "4", "other"] { #expect(table.context(of: SessionID(id), now: at(1)) != nil) }
    }

    @Test func aStartedSessionReplacesTheClientsOlderOne() throws {
        var table = SessionTable(limits: .init())
        try table.create(context("1"), now: at(0))
        try table.create(context("2"), now: at(0))
        try table.create(context("w", direction: .watch), now: at(0))
        try table.create(context("x", account: "b"), now: at(0))
        #expect(table.start(SessionID("1")) == [])
        #expect(table.start(SessionID("w")) == [])
        #expect(table.start(SessionID("x")) == [])
        #expect(table.start(SessionID("2")) == [SessionID("1")])
        #expect(table.watching(StreamID("c")) == [SessionID("w")])
    }

    @Test func aClientMayPublishSeveralStreams() throws {
        var table = SessionTable(limits: .init())
        for id in ["1", "2", "3", "4"] {
            var stream = context(id)
            stream.stream = StreamID(id)
            try table.create(stream, now: at(0))
        }
        for id in ["1", "2", "3", "4"] { #expect(table.start(SessionID(id)) == []) }
        #expect(table.running.count == 4)
    }

    @Test func anAccountRunsSoManySessionsAndNoMore() throws {
        var table = SessionTable(limits: .init(runningPerAccount: 2))
        for id in ["1", "2"] {
            try table.create(context(id, client: id), now: at(0))
            _ = table.start(SessionID(id))
        }
        #expect(throws: BridgeError.self) { try table.create(context("3", client: "3"), now: at(0)) }
        try table.create(context("4", account: "b"), now: at(0))
        table.end(SessionID("1"))
        try table.create(context("3", client: "3"), now: at(0))
    }

    @Test func aRunningSessionIsNeverForgotten() throws {
        var table = SessionTable(limits: .init())
        try table.create(context("1"), now: at(0))
        _ = table.start(SessionID("1"))
        for id in ["2", "3", "4", "5"] { try table.create(context(id), now: at(200)) }
        #expect(table.context(of: SessionID("1"), now: at(86_400)) == context("1"))
        #expect(table.context(of: SessionID("2"), now: at(200)) == nil)
        #expect(table.running == [context("1")])
    }

    @Test func sessionsOfOtherClientsAndDirectionsDoNotCount() throws {
        var table = SessionTable(limits: .init(unusedPerClient: 1))
        try table.create(context("publish"), now: at(0))
        try table.create(context("watch", direction: .watch), now: at(0))
        try table.create(context("other", account: "b"), now: at(0))
        for id in ["publish", "watch", "other"] { #expect(table.context(of: SessionID(id), now: at(0)) != nil) }
    }

    @Test(arguments: [0, 1]) func theNewestUnusedSessionAlwaysHasRoom(_ room: Int) throws {
        var table = SessionTable(limits: .init(unusedPerClient: room))
        for id in ["1", "2"] { try table.create(context(id), now: at(0)) }
        #expect(table.context(of: SessionID("1"), now: at(0)) == nil)
        #expect(table.context(of: SessionID("2"), now: at(0)) != nil)
    }

    @Test func unusedSessionsDoNotCountAsRunning() throws {
        var table = SessionTable(limits: .init(runningPerAccount: 1))
        for id in ["1", "2", "3"] { try table.create(context(id, client: id), now: at(0)) }
        _ = table.start(SessionID("1"))
        #expect(throws: BridgeError.self) { try table.create(context("4", client: "4"), now: at(0)) }
    }

    @Test func whatIsOverIsUnknown() throws {
        var table = SessionTable(limits: .init())
        try table.create(context("1"), now: at(0))
        _ = table.start(SessionID("1"))
        table.end(SessionID("1"))
        #expect(table.context(of: SessionID("1"), now: at(0)) == nil)
        #expect(table.running.isEmpty)
        #expect(table.start(SessionID("1")) == [] && table.running.isEmpty)
        table.end(SessionID("unknown"))
    }

    @Test func onlyRunningViewersWatch() throws {
        var table = SessionTable(limits: .init())
        try table.create(context("1", direction: .watch), now: at(0))
        #expect(table.watching(StreamID("c")).isEmpty)
        _ = table.start(SessionID("1"))
        #expect(table.watching(StreamID("c")) == [SessionID("1")])
        #expect(table.watching(StreamID("d")).isEmpty)
    }
}
