package import BridgeModel

/// A piece of a file that a camera recorded by itself while it was not connected, on its way to the bridge.
package struct FootagePiece: Sendable, Equatable {
    /// Whose it is; its stream is what the file becomes a recording of.
    package var context: SessionContext
    /// Of the whole file: 64 digits of lower-case hexadecimal.
    package var sha256: String
    /// Bytes of the whole file.
    package var size: Int64
    /// Where in the file the piece lies.
    package var offset: Int64
    package var bytes: [UInt8]

    package init(context: SessionContext, sha256: String, size: Int64, offset: Int64, bytes: [UInt8]) {
        self.context = context
        self.sha256 = sha256
        self.size = size
        self.offset = offset
        self.bytes = bytes
    }

    /// Larger files are not taken: a camera cuts its own below that.
    package static let largestFile: Int64 = 2 << 30
    /// A piece is held in memory.
    package static let largestPiece = 4 << 20

    /// What the file becomes: the same file of the same stream is the same recording, however often it is sent. 128 bits of the file's hash, in the form
    /// of other recordings' ids, with the stream's name in them.
    package var recording: RecordingID {
        // FNV-1a: which of a file's streams is meant, not who may name it.
        let name = context.stream.rawValue.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let mixed = (UInt64(sha256.prefix(16), radix: 16) ?? 0) ^ name
        let digits = Array(Self.hexadecimal(mixed) + sha256.dropFirst(16).prefix(16))
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { range in
            String(digits[min(range.lowerBound, digits.count)..<min(range.upperBound, digits.count)])
        }
        return RecordingID(groups.joined(separator: "-"))
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// What became of a piece.
package enum FootageReceipt: Sendable, Equatable {
    /// So many bytes are here, durably or not; what follows them is wanted.
    case wants(from: Int64)
    /// The file is this recording, durably.
    case recorded(RecordingID, isNew: Bool)
}

/// What cameras recorded while they were not connected. Implemented by ControlPlane.
package protocol FootageCommands: Sendable {
    /// Takes a piece; one that does not lie where the bytes here end changes nothing. Throws `invalid_field` for a file that is no recording of ours,
    /// `storage_full`, `limit_reached`, and `unavailable` while the same file is being read.
    func take(_ piece: FootagePiece) async throws(BridgeError) -> FootageReceipt
}

/// The files of footage until they are recordings. Implemented by RecordingPlane.
package protocol FootageFiles: Sendable {
    /// Adds a piece where it fits; returns how many bytes are here then. Throws `storage_full` and `limit_reached`.
    func add(_ piece: FootagePiece) async throws(BridgeError) -> Int64
    /// Reads a complete file. One that cannot be taken is removed. Throws `invalid_field`.
    func inspect(_ piece: FootagePiece) async throws(BridgeError) -> FootageFacts
    /// Moves a complete file to where its recording's only part is, durably.
    func move(_ piece: FootagePiece, to path: String) async throws(BridgeError)
}

/// What a camera's own file says of itself.
package struct FootageFacts: Sendable, Equatable {
    package var startedAt: WallTime
    package var duration: Duration
    package var codecs: [Codec]

    package init(startedAt: WallTime, duration: Duration, codecs: [Codec]) {
        self.startedAt = startedAt
        self.duration = duration
        self.codecs = codecs
    }

    private static let ofWebM: Set<Codec> = [.vp8, .vp9, .av1, .opus]

    /// What the recording's file is.
    package var container: Container { codecs.allSatisfy(Self.ofWebM.contains) ? .webm : .matroska }
}
