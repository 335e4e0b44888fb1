package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: SidecarLedger {
    package func sidecarUploads(of recording: RecordingID) async throws(BridgeError) -> [DeliveryRow] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(
                    sql: "SELECT * FROM deliveries WHERE recording = ? AND work = 'upload' ORDER BY created_at, id"),
                arguments: [recording.rawValue]
            ).filter { row in (row["file"] as String?).flatMap(SidecarName.init) != nil }.map { try DeliveryRow($0, box) }
        }
    }
}
