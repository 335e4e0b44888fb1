package import Bridge
package import BridgeModel

/// The native API's recordings: commands go to the director, questions to the ledger.
package struct RecordingCatalog: RecordingCommands {
    private let director: RecordingDirector
    private let streams: StreamRegister
    private let ledger: any Ledger & SegmentLedger & SidecarLedger
    private let files: any RecordingFiles & SpoolKeeping
    private let now: @Sendable () -> MonotonicTime

    package init(
        director: RecordingDirector, streams: StreamRegister, ledger: any Ledger & SegmentLedger & SidecarLedger,
        files: any RecordingFiles & SpoolKeeping,
        now: @escaping @Sendable () -> MonotonicTime
    ) {
        self.now = now
        self.director = director
        self.streams = streams
        self.ledger = ledger
        self.files = files
    }

    package func startRecording(of stream: StreamID, _ order: RecordingOrder) async throws(BridgeError) -> RecordingRow {
        guard let source = await streams.live.first(where: { $0.id == stream }) else {
            throw BridgeError(.notFound, "The stream \(stream) is not published now.")
        }
        let request = RecordingRequest(
            context: source.context, destination: order.destination, webhookURL: order.webhookURL,
            container: order.container ?? .usual(for: source.tracks))
        let id = try await director.start(
            request, tracks: source.tracks, source: { source }, beginning: order.preRoll.map(beginning), updates: { _ in })
        return try await existing(id)
    }

    package func stopRecording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow {
        // Not running is no error: the row says how it ended.
        try? await director.stop(id)
        return try await existing(id)
    }

    package func recordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow] {
        try await ledger.recentRecordings(limit: limit, after: after)
    }

    package func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow? {
        try await ledger.recording(id)
    }

    package func segments(of id: RecordingID) async throws(BridgeError) -> [SegmentRow] {
        try await ledger.segments(of: id)
    }

    package func file(of id: RecordingID, segment number: Int) async throws(BridgeError) -> String? {
        guard let segment = try await ledger.segments(of: id).first(where: { $0.number == number }) else { return nil }
        return await files.finishedPath(segment)
    }

    package func sidecars(of row: RecordingRow, _ segments: [SegmentRow]) async throws(BridgeError) -> [Int: [SidecarCopy]] {
        guard row.destination != .keep else { return [:] }
        let uploads = try await ledger.sidecarUploads(of: row.id)
        let copies = segments.map { ($0.number, row.sidecarCopies(of: $0, in: uploads)) }
        return Dictionary(copies, uniquingKeysWith: { $1 })
    }

    package func hasThumbnails(_ segment: SegmentRow) async -> Bool { await files.hasThumbnails(segment) }

    private func beginning(_ preRoll: Duration) -> RecordingBeginning {
        RecordingBeginning(since: now().advanced(by: .zero - preRoll), reachesBack: true)
    }

    private func existing(_ id: RecordingID) async throws(BridgeError) -> RecordingRow {
        if let row = await director.row(of: id) { return row }
        guard let row = try await ledger.recording(id) else { throw BridgeError(.notFound, "There is no recording with this id.") }
        return row
    }
}
