package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger {
    package func bringUploadsForward(within longest: LongestWaits, of now: WallTime) async throws(BridgeError) {
        try await bringForward("deliveries", where: "work", is: "upload", longest, now)
    }

    package func bringForward(
        _ terms: DeliveryTerms, within longest: LongestWaits, of now: WallTime
    ) async throws(BridgeError) {
        try await bringForward("webhooks", where: "terms", is: terms.rawValue, longest, now)
    }

    private func bringForward(
        _ table: String, where column: String, is value: String, _ longest: LongestWaits, _ now: WallTime
    ) async throws(BridgeError) {
        let waits = "[\(longest.waits.map { String($0.wholeNanoseconds) }.joined(separator: ","))]"
        let arguments: StatementArguments = [now.nanoseconds, waits, longest.asked.wholeNanoseconds, value]
        let sql = """
            UPDATE \(table) SET due_at = \(Self.latest)
            WHERE state = 'pending' AND \(column) = ?4 AND due_at > ?1 AND due_at > \(Self.latest)
            """
        try await database.write { try $0.execute(sql: sql, arguments: arguments) }
    }

    /// The last moment at which a row can be due: it waits by its number of attempts, or as long as its receiver asked for.
    private static let latest = """
        ?1 + max(
            CASE WHEN attempts > 0 THEN coalesce(json_extract(?2, '$[' || (attempts - 1) || ']'), 0) ELSE 0 END,
            CASE WHEN last_status IN (429, 503) THEN ?3 ELSE 0 END)
        """
}
