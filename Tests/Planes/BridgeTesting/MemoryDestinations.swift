package import Bridge
package import BridgeModel
import Synchronization

/// Named destinations in memory.
package final class MemoryDestinations: DestinationStore {
    private struct State {
        var named: [DestinationName: NamedDestination] = [:]
        var assignments: [DestinationScope: DestinationName] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func destinations() async throws(BridgeError) -> [NamedDestination] {
        state.withLock { $0.named.values.sorted { $0.name.rawValue < $1.name.rawValue } }
    }

    package func destination(_ name: DestinationName) async throws(BridgeError) -> NamedDestination? { state.withLock { $0.named[name] } }

    package func save(_ destination: NamedDestination) async throws(BridgeError) {
        state.withLock { $0.named[destination.name] = destination }
    }

    package func remove(_ name: DestinationName) async throws(BridgeError) -> Bool {
        let removed = state.withLock { state -> Bool? in
            guard !state.assignments.values.contains(name) else { return nil }
            return state.named.removeValue(forKey: name) != nil
        }
        guard let removed else { throw BridgeError(.limitReached, "it is assigned") }
        return removed
    }

    package func assign(_ name: DestinationName?, to scope: DestinationScope) async throws(BridgeError) {
        let isKnown = state.withLock { state in
            guard name.map({ state.named[$0] != nil }) ?? true else { return false }
            state.assignments[scope] = name
            return true
        }
        guard isKnown else { throw BridgeError(.notFound, "there is none") }
    }

    package func assigned(to scope: DestinationScope) async throws(BridgeError) -> DestinationName? {
        state.withLock { $0.assignments[scope] }
    }
}
