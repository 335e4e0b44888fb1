import Synchronization

/// What a server has done and holds.
package struct WebServerStatistics: Sendable, Equatable {
    /// Open connections of every kind.
    package var connections = 0
    /// Open WebSockets among them.
    package var webSockets = 0
    /// Requests understood, since the start.
    package var requests = 0
    /// Connections refused for a limit, since the start.
    package var refusals = 0
}

/// The counters, written on the loop and read anywhere.
final class StatisticsCounters: Sendable {
    private let values = Mutex(WebServerStatistics())

    var current: WebServerStatistics { values.withLock { $0 } }

    func setOpenConnections(_ count: Int) { values.withLock { $0.connections = count } }

    func countWebSocket(_ change: Int) { values.withLock { $0.webSockets += change } }

    func countRequest() { values.withLock { $0.requests += 1 } }

    func countRefusal() { values.withLock { $0.refusals += 1 } }
}
