package import BridgeModel

/// Something that happened in front of a camera or in it (motion, an alarm, a button), as somebody outside reported it.
package struct StreamEvent: Sendable, Equatable {
    /// Made by the bridge.
    package var id: String
    package var stream: StreamID
    package var report: StreamEventReport
    /// When the bridge was told.
    package var at: WallTime
    /// The recording that ran then, or that the event began.
    package var recording: RecordingID?

    package init(id: String, stream: StreamID, report: StreamEventReport, at: WallTime, recording: RecordingID?) {
        self.id = id
        self.stream = stream
        self.report = report
        self.at = at
        self.recording = recording
    }
}

/// What a report says.
package struct StreamEventReport: Sendable, Equatable {
    /// A word of the reporter's.
    package var type: String
    /// For people.
    package var note: String

    /// nil when the type is not 1 to 64 letters, digits, dots, hyphens and underscores, or the note has more than 500 bytes.
    package init?(type: String, note: String = "") {
        let isWord = type.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
            default: false
            }
        }
        guard isWord, (1...64).contains(type.utf8.count), note.utf8.count <= 500 else { return nil }
        self.type = type
        self.note = note
    }
}
