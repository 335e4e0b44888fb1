package import BridgeModel

/// The life of one file of a recording.
package enum SegmentState: String, Sendable, Codable, CaseIterable {
    /// A recorder writes it.
    case recording
    /// It takes no more media; its parts are being joined.
    case closing
    /// Complete, in its place in the spool.
    case ready
    case uploading
    /// The destination has it.
    case delivered
    /// There was nothing to keep, or the destination did not take it.
    case failed
    /// Its file has left the spool: by retention, quota or an order.
    case removed

    /// The spool has the complete file, as far as the ledger knows.
    package var hasFile: Bool {
        switch self {
        case .recording, .closing, .removed: false
        case .ready, .uploading, .delivered, .failed: true
        }
    }
}

/// A time in which a recording has no media although it was running.
package struct RecordingGap: Sendable, Equatable, Codable {
    /// Why there is none.
    package enum Cause: String, Sendable, Codable, CaseIterable {
        /// The source was away, or sent nothing.
        case source
        /// The recorder ended unexpectedly.
        case recorder
        /// The bridge was not there.
        case bridge
        /// The disk took no more.
        case storage
    }

    /// From the segment's beginning.
    package var offset: Duration
    /// How long.
    package var length: Duration
    package var cause: Cause

    package init(offset: Duration, length: Duration, cause: Cause) {
        self.offset = offset
        self.length = length
        self.cause = cause
    }
}

/// A file of a recording in the ledger. Segments follow each other in time; a recording that is not cut has one.
package struct SegmentRow: Sendable, Equatable, Codable {
    package var recording: RecordingID
    /// From 1.
    package var number: Int
    package var stream: StreamID
    package var state: SegmentState
    package var container: Container
    /// The complete file's name inside the spool: made of ids and numbers, never of a user's text.
    package var file: String
    /// Wall-clock time of its first frame; nil before that was written.
    package var startedAt: WallTime?
    /// Of the media that is durable: written, synchronised, and counted.
    package var duration: Duration
    /// Bytes that are durable.
    package var sizeBytes: Int64
    /// Of the complete file, 32 bytes as lower-case hexadecimal.
    package var sha256: String?
    package var gaps: [RecordingGap]
    /// Set in `failed`, where a part was lost, and where the complete file cannot be read.
    package var failure: BridgeError?

    package init(
        recording: RecordingID, number: Int, stream: StreamID, container: Container, file: String, state: SegmentState = .recording
    ) {
        self.recording = recording
        self.number = number
        self.stream = stream
        self.state = state
        self.container = container
        self.file = file
        duration = .zero
        sizeBytes = 0
        gaps = []
    }

    /// Where its media ends, as far as it is durable; nil before the first frame.
    package var endsAt: WallTime? { startedAt?.advanced(by: duration) }

    /// The name of the complete file of a segment: the first one's is the recording's own.
    package static func fileName(of recording: RecordingID, number: Int, container: Container) -> String {
        number == 1 ? "\(recording).\(container.fileExtension)" : "\(recording)-\(number).\(container.fileExtension)"
    }
}

extension SegmentRow {
    /// Its file was tried, and cannot be read.
    package var isUnreadable: Bool { failure?.code == .recordingUnreadable }

    /// Its file is complete, stays here, and nothing is known of it yet.
    fileprivate var awaitsRegistration: Bool { state == .ready && sha256 == nil && !isUnreadable }

    /// Reads a segment's number as a query has it; the first one when it is absent.
    package static func number(reading text: String?) throws(FieldFault) -> Int {
        guard let text else { return 1 }
        guard let number = WholeNumber.read(text, in: 1...999_999) else { throw FieldFault("segment", "a number from 1 to 999999") }
        return Int(number)
    }
}

extension RecordingRow {
    /// The row and its event when all uploads are over; nil while one is not, and for a recording that is not so far or ended before.
    package func settled(with segments: [SegmentRow]) -> (row: RecordingRow, event: BridgeEvent)? {
        let isOver = segments.allSatisfy { [.delivered, .failed, .removed].contains($0.state) }
        guard state == .uploading, isOver else { return nil }
        var row = self
        // A segment that held no media is no failure of the others.
        let lost = segments.first { $0.state == .failed && $0.failure?.code != .noMedia }
        guard let lost else {
            row.state = .delivered
            return (row, .recordingDelivered(row))
        }
        row.state = .failed
        row.failure = lost.failure
        return (row, .recordingFailed(row))
    }

    /// The event of a recording that stays on the bridge: when it is complete and each of its files has a hash, or cannot be read. nil before.
    package func completion(with segments: [SegmentRow]) -> BridgeEvent? {
        guard state == .ready, !segments.contains(where: \.awaitsRegistration) else { return nil }
        return .recordingDelivered(self)
    }
}
