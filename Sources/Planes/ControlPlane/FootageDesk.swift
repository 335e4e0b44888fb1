package import Bridge
package import BridgeModel
internal import Logging

/// Takes the files that cameras recorded while they were not connected: each becomes a recording of its own, and is kept, delivered and told of as any
/// other. A file that was taken is known by its id for as long as the ledger knows its recording.
package actor FootageDesk: FootageCommands {
    private let files: any FootageFiles
    private let director: RecordingDirector
    private let services: RecordingServices
    private var reading: Set<RecordingID> = []

    /// A camera's clock may be ahead by so much.
    private static let tolerance = Duration.seconds(60)

    package init(files: any FootageFiles, director: RecordingDirector, services: RecordingServices) {
        self.files = files
        self.director = director
        self.services = services
    }

    package func take(_ piece: FootagePiece) async throws(BridgeError) -> FootageReceipt {
        let id = piece.recording
        guard !reading.contains(id) else { throw BridgeError(.unavailable, "The file is being read; ask again in some seconds.") }
        if try await services.ledger.recording(id) != nil { return .recorded(id, isNew: false) }
        let there = try await files.add(piece)
        guard there == piece.size else { return .wants(from: there) }
        // Another request may have brought the same bytes meanwhile.
        guard reading.insert(id).inserted else { throw BridgeError(.unavailable, "The file is being read; ask again in some seconds.") }
        defer { reading.remove(id) }
        if try await services.ledger.recording(id) != nil { return .recorded(id, isNew: false) }
        let facts = try await files.inspect(piece)
        guard facts.startedAt <= services.clock.wall().advanced(by: Self.tolerance) else {
            throw BridgeError(.invalidField, "The file begins in the future; set the clock of the camera.")
        }
        try await adopt(piece, facts)
        return .recorded(id, isNew: true)
    }

    private func adopt(_ piece: FootagePiece, _ facts: FootageFacts) async throws(BridgeError) {
        let file = "\(piece.recording).\(facts.container.fileExtension)"
        let choice = try await services.destinations.choice(for: RecordingRequest(context: piece.context), file: file)
        var row = RecordingRow(
            id: piece.recording, context: piece.context, state: .closing, container: facts.container, file: file,
            destination: choice.destination, webhookURL: nil, startedAt: facts.startedAt)
        row.choice = choice
        row.stoppedAt = facts.startedAt.advanced(by: facts.duration)
        row.firstFrameWrittenAt = facts.startedAt
        try await services.files.open(row.id)
        try await files.move(piece, to: services.files.partPath(PartName(segment: 1, number: 1), row: row))
        try await director.adopt(row)
        services.logger.notice(
            "what a camera recorded by itself is a recording now",
            metadata: row.context.metadata.adding("recording", row.id.rawValue).adding("began", facts.startedAt.iso8601))
    }
}
