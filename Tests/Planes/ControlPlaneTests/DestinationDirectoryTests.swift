import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

@Suite struct DestinationDirectoryTests {
    private let store = MemoryDestinations()

    private func name(_ text: String) throws -> DestinationName { try #require(DestinationName(text)) }

    private func make(_ text: String) async throws -> DestinationChoice {
        let choice = DestinationChoice(.folder(path: "/\(text)"), fallback: .folder(path: "/spare"))
        try await store.save(NamedDestination(name: try name(text), choice: choice, changedAt: WallTime(nanoseconds: 0)))
        return choice
    }

    private func choice(_ order: DestinationOrder? = nil, configured: String = "/usual") async throws -> DestinationChoice {
        let directory = DestinationDirectory(store: store, configured: Redacted(configured))
        return try await directory.choice(for: RecordingRequest(context: Sample.context("s1"), destination: order), file: "r.webm")
    }

    @Test func theMostSpecificWins() async throws {
        let context = Sample.context("s1")
        #expect(try await choice() == DestinationChoice(.folder(path: "/usual")))
        let (account, stream, order) = (try await make("account"), try await make("stream"), try await make("order"))
        try await store.assign(name("account"), to: .account(context.account))
        #expect(try await choice() == account)
        try await store.assign(name("stream"), to: .stream(context.stream))
        #expect(try await choice() == stream)
        #expect(try await choice(.named(name("order"))) == order)
        #expect(try await choice(.to(.keep)) == .keep)
        #expect(try await choice(configured: "name:order") == stream)
        try await store.assign(nil, to: .stream(context.stream))
        try await store.assign(nil, to: .account(context.account))
        #expect(try await choice(configured: "name:order") == order)
    }

    @Test func aNameThatStandsForNothingIsNotFound() async throws {
        for order in [DestinationOrder.named(try name("gone")), nil] {
            let error = await #expect(throws: BridgeError.self) { try await choice(order, configured: "name:gone") }
            #expect(error?.code == .notFound)
        }
        let error = await #expect(throws: BridgeError.self) { try await choice(configured: "name:A B") }
        #expect(error?.code == .invalidURL)
    }

    @Test func aRecordingKeepsWhatBelongsToTheChoice() async throws {
        let bench = RecordingBench()
        let choice = DestinationChoice(.folder(path: "/a"), fallback: .folder(path: "/b"), keepLocal: .delete)
        let id = try await bench.start { $0.destination = .given(choice) }
        #expect(await bench.director.row(of: id)?.choice == choice)
    }
}
