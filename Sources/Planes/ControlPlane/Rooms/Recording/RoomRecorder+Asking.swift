package import Bridge
package import BridgeModel
internal import Foundation
internal import Signaling

extension RoomRecorder: RoomRecordings {
    /// Journals that are read for one answer, beside those of rooms that are recorded now.
    private static let mostBoards = 1000

    package func roomRecordings(_ query: RoomRecordingQuery) async throws(BridgeError) -> [RoomRecordingSummary] {
        try await services.ledger.roomRecordings(query).map(\.summary)
    }

    package func manifest(of id: RoomRecordingID) async throws(BridgeError) -> JSONValue? {
        let row = try await services.ledger.roomRecording(id)
        guard isUnderWay(id) || row != nil, let manifest = await services.folder.read(id) else { return nil }
        let files = try await files(of: manifest)
        guard let row, let name = row.host, let host = files[name]?.row else { return manifest.document(files) }
        return manifest.document(files, RoomRecordingKeys(of: row.pictures, beside: host))
    }

    package func boards(of stream: StreamID) async throws(BridgeError) -> [JSONValue] {
        let drawn = try await services.ledger.roomRecordings(drawnOn: stream, limit: Self.mostBoards)
        var found: [(startedAt: WallTime, boards: [JSONValue])] = []
        for id in Set(drawn).union(underWay) {
            guard let manifest = await services.folder.read(id), let startedAt = manifest.startedAt else { continue }
            found.append((startedAt, manifest.boards(of: stream)))
        }
        return found.sorted { $0.startedAt < $1.startedAt }.flatMap(\.boards)
    }

    package func picture(_ id: String, in room: RoomID) async -> String? {
        isTaken(id, in: room) ? services.folder.picture(id) : nil
    }

    package func picture(_ id: String, of recording: RoomRecordingID) async throws(BridgeError) -> String? {
        let kept =
            if isUnderWay(recording) {
                await services.folder.read(recording)?.pictureIDs
            } else {
                try await services.ledger.roomRecording(recording)?.pictures
            }
        return kept?.contains(id) == true && services.folder.hasPicture(id) ? services.folder.picture(id) : nil
    }
}
