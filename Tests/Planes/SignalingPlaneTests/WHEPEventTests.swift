import Bridge
import BridgeModel
import SignalingPlane
import SignalingTesting
import Synchronization
import Testing

@Suite struct WHEPEventTests {
    private static func viewer() async throws -> (WHIPStage, SessionID) {
        let stage = WHIPStage(.watch)
        stage.directory.memory.withLock { $0.publisher = stage.publisher }
        stage.engine.show([VideoLayer(mid: "0", bitrate: 1000)])
        return (stage, try await stage.service.create(stage.order(.watch)).context.session)
    }

    private static let layers = WHEPEvent.layers([.init(section: 0, layers: [VideoLayer(mid: "0", bitrate: 1000)])])

    /// Notes events as they come.
    private final class Listener: Sendable {
        private let heard = Mutex<[WHEPEvent]>([])

        var events: [WHEPEvent] { heard.withLock { $0 } }

        func listen(to stream: AsyncStream<WHEPEvent>) async {
            for await event in stream { heard.withLock { $0.append(event) } }
        }
    }

    @Test func aReaderIsToldWhatIsAndThenWhatChanges() async throws {
        let (stage, session) = try await Self.viewer()
        let listener = Listener()
        let events = try await stage.service.events(of: session, stream: nil)
        let listening = Task { await listener.listen(to: events) }
        await stage.service.streamChanged(.lost(StreamID("front")))
        await stage.service.streamChanged(.lost(StreamID("front")))
        await stage.service.streamChanged(.ended(StreamID("other")))
        await stage.service.streamChanged(.returned(stage.live))
        stage.directory.memory.withLock { $0.viewers = 4 }
        // The reporter's wait begins at some moment: the time is moved until it is over.
        _ = await eventually(that: {
            stage.time.advance(by: .seconds(2))
            return listener.events.count >= 6
        })
        try await stage.service.end(session)
        await listening.value
        #expect(listener.events == [.active, Self.layers, .viewerCount(3), .inactive, .active, .viewerCount(4)], "no news comes twice")
    }

    @Test func aStreamOfEventsHoldsOnlyWhatWasAskedFor() async throws {
        let (stage, session) = try await Self.viewer()
        let stream = try await stage.service.openEvents(of: session, [.viewerCount])
        #expect(stream.rawValue.utf8.count == 32)
        var events = try await stage.service.events(of: session, stream: stream).makeAsyncIterator()
        #expect(await events.next() == .viewerCount(3))
        try await stage.service.closeEvents(stream, of: session)
        #expect(await events.next() == nil)
        await #expect(throws: WHIPError.notFound) { try await stage.service.events(of: session, stream: stream) }
        await #expect(throws: WHIPError.notFound) { try await stage.service.closeEvents(stream, of: session) }
    }

    @Test func anInactiveStreamIsNotToldAtTheBeginning() async throws {
        let (stage, session) = try await Self.viewer()
        stage.directory.memory.withLock { $0.publisher = nil }
        var events = try await stage.service.events(of: session, stream: nil).makeAsyncIterator()
        #expect(await events.next() == Self.layers)
    }

    @Test func eventsEndWithTheSession() async throws {
        let (stage, session) = try await Self.viewer()
        let events = try await stage.service.events(of: session, stream: nil)
        try await stage.service.end(session)
        var count = 0
        for await _ in events { count += 1 }
        #expect(count == 3)
        await #expect(throws: WHIPError.notFound) { try await stage.service.events(of: session, stream: nil) }
    }

    /// Before anybody has said so of the stream.
    @Test func aReaderHearsThatTheStreamIsOver() async throws {
        let (stage, session) = try await Self.viewer()
        let events = try await stage.service.events(of: session, stream: nil)
        stage.engine.peer(1, .ended(BridgeError(.notFound, "the watched stream has ended")))
        var heard: [WHEPEvent] = []
        for await event in events { heard.append(event) }
        #expect(heard.last == .inactive && heard.count == 4)
        await stage.service.streamChanged(.ended(StreamID("front")))
    }

    @Test func aSecondReaderTakesTheFirstOnesPlace() async throws {
        let (stage, session) = try await Self.viewer()
        let first = try await stage.service.events(of: session, stream: nil)
        var second = try await stage.service.events(of: session, stream: nil).makeAsyncIterator()
        for await _ in first {}
        #expect(await second.next() == .active)
    }

    @Test func aSessionHasSoManyStreamsOfEvents() async throws {
        let (stage, session) = try await Self.viewer()
        for _ in 0..<8 { _ = try await stage.service.openEvents(of: session, []) }
        do throws(WHIPError) {
            _ = try await stage.service.openEvents(of: session, [])
            Issue.record("taken")
        } catch {
            guard case .tooMany = error else { throw error }
        }
    }

    @Test func publishersHaveNoEventsAndNoLayers() async throws {
        let stage = WHIPStage()
        let session = try await stage.service.create(stage.order()).context.session
        await #expect(throws: WHIPError.notFound) { try await stage.service.openEvents(of: session, []) }
        await #expect(throws: WHIPError.notFound) { try await stage.service.events(of: session, stream: nil) }
        await #expect(throws: WHIPError.notFound) { try await stage.service.selectLayer(LayerChoice(), section: nil, for: session) }
    }

    @Test func aLayerIsChosenBySection() async throws {
        let (stage, session) = try await Self.viewer()
        try await stage.service.selectLayer(LayerChoice(), section: nil, for: session)
        try await stage.service.selectLayer(LayerChoice(), section: 0, for: session)
        #expect(stage.engine.calls.suffix(2) == ["select 0 - for peer-1", "select 0 - for peer-1"])
        var choice = LayerChoice()
        choice.rid = "hd"
        for (choice, section) in [(choice, nil), (LayerChoice(), 1)] as [(LayerChoice, Int?)] {
            do throws(WHIPError) {
                try await stage.service.selectLayer(choice, section: section, for: session)
                Issue.record("taken")
            } catch {
                guard case .unsupported = error else { throw error }
            }
        }
    }
}
