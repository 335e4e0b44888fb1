package import BridgeModel

/// A multipart upload that has begun.
package struct BegunUpload: Sendable, Equatable {
    /// Endpoint, bucket and key, to notice that a file goes elsewhere now.
    package var location: String
    /// The store's id of it.
    package var uploadID: String

    package init(location: String, uploadID: String) {
        self.location = location
        self.uploadID = uploadID
    }
}

/// A part that was sent, and the MD5 of its bytes in lower-case hexadecimal.
package struct SentPart: Sendable, Equatable {
    package var part: StoredPart
    package var md5: String

    package init(_ part: StoredPart, md5: String) {
        self.part = part
        self.md5 = md5
    }
}

/// What a restarted bridge has to know of uploads, by the file's name in the spool. Implemented by StoragePlane.
package protocol UploadLedger: Sendable {
    /// Pending uploads with `dueAt <= now`, oldest first, at most `limit`, without those in `excluding` (under way now).
    func dueUploads(at now: WallTime, limit: Int, excluding: Set<DeliveryID>) async throws(BridgeError) -> [DeliveryRow]
    /// The multipart upload of a file; nil when none has begun.
    func begunUpload(of file: String) async throws(BridgeError) -> BegunUpload?
    /// Remembers it, and forgets an earlier one of the file with its parts.
    func begin(_ upload: BegunUpload, of file: String) async throws(BridgeError)
    /// The parts that were sent, in order.
    func sentParts(of file: String) async throws(BridgeError) -> [SentPart]
    /// Remembers a part.
    func sent(_ part: SentPart, of file: String) async throws(BridgeError)
    /// The upload is complete or given up.
    func forgetUpload(of file: String) async throws(BridgeError)
}
