package import BridgeModel

/// An upload in parts that has begun.
package struct BegunUpload: Sendable, Equatable {
    /// Endpoint, bucket and key, or what stands for the file's URL or path, to notice that a file goes elsewhere now. Stands in logs.
    package var location: String
    /// The store's id of it, or what is its own in the name of the temporary file.
    package var uploadID: String

    package init(location: String, uploadID: String) {
        self.location = location
        self.uploadID = uploadID
    }
}

/// What it takes to end an upload in parts, whatever has become of the recording meanwhile.
package struct UploadOrigin: Sendable, Equatable {
    package var recording: RecordingID
    package var destination: Destination
    /// Of the object, or of the file below its folder.
    package var key: String

    package init(recording: RecordingID, destination: Destination, key: String) {
        self.recording = recording
        self.destination = destination
        self.key = key
    }
}

/// An upload that nothing goes on with: its parts lie at the store, and cost, or at the server or in the folder, until it is aborted.
package struct LeftoverUpload: Sendable, Equatable {
    package var upload: BegunUpload
    package var origin: UploadOrigin
    /// How often it was tried to abort it.
    package var attempts: Int

    package init(upload: BegunUpload, origin: UploadOrigin, attempts: Int) {
        self.upload = upload
        self.origin = origin
        self.attempts = attempts
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
    /// Gives pending uploads that lie further ahead of `now` than they can the longest wait that they may have.
    func bringUploadsForward(within longest: LongestWaits, of now: WallTime) async throws(BridgeError)
    /// The upload of a file in parts; nil when none has begun.
    func begunUpload(of file: String) async throws(BridgeError) -> BegunUpload?
    /// Remembers it. An earlier one of the file is a leftover from here on, if it had an origin.
    func begin(_ upload: BegunUpload, from origin: UploadOrigin?, of file: String) async throws(BridgeError)
    /// The parts that were sent, in order.
    func sentParts(of file: String) async throws(BridgeError) -> [SentPart]
    /// Remembers a part.
    func sent(_ part: SentPart, of file: String) async throws(BridgeError)
    /// The upload is complete, or the store does not know it any more.
    func forgetUpload(of file: String) async throws(BridgeError)
    /// Nothing goes on with the upload: it is a leftover from here on.
    func leaveUpload(of file: String) async throws(BridgeError)
}

/// What uploads in parts have left at stores and in folders, until it is removed there. Implemented by StoragePlane.
package protocol UploadLeftovers: Sendable {
    /// Files with an upload that nothing will complete: their recording or segment is over, and no delivery of them is pending.
    func strayUploads() async throws(BridgeError) -> [String]
    /// Leftovers that are to be aborted by `now`, at most `limit`.
    func leftovers(dueAt now: WallTime, limit: Int) async throws(BridgeError) -> [LeftoverUpload]
    /// The destination has nothing of it any more, or it is given up.
    func forget(_ leftover: LeftoverUpload) async throws(BridgeError)
    /// It could not be aborted: one attempt more, the next one at that moment.
    func postpone(_ leftover: LeftoverUpload, until moment: WallTime) async throws(BridgeError)
}

/// A multipart upload that a store is asked for. As long as it is remembered, the store may have one whose id nobody knows: the answer was lost, or the
/// bridge ended before it could be stored.
package struct UploadIntention: Sendable, Equatable {
    package var id: String
    package var origin: UploadOrigin
    /// As of the upload that comes of it.
    package var location: String
    /// When the store was asked.
    package var since: WallTime
    /// How often it was tried to find out what has become of it.
    package var attempts: Int

    package init(id: String, origin: UploadOrigin, location: String, since: WallTime, attempts: Int = 0) {
        self.id = id
        self.origin = origin
        self.location = location
        self.since = since
        self.attempts = attempts
    }
}

/// Uploads of which it is not known whether they have begun. Implemented by StoragePlane.
package protocol UploadIntentions: Sendable {
    /// Remembers it; call it before the store is asked.
    func intend(_ intention: UploadIntention) async throws(BridgeError)
    /// The upload is remembered, or the store has none of it.
    func forget(_ intention: UploadIntention) async throws(BridgeError)
    /// Those before `moment` that are to be looked after by `now`, oldest first, at most `limit`.
    func intentions(before moment: WallTime, dueAt now: WallTime, limit: Int) async throws(BridgeError) -> [UploadIntention]
    /// It could not be found out: one attempt more, the next one at that moment.
    func postpone(_ intention: UploadIntention, until moment: WallTime) async throws(BridgeError)
    /// The ids of all uploads there that somebody goes on with or aborts; nil when a store has been asked for another one at `moment` or later.
    func knownUploads(at location: String, askedBefore moment: WallTime) async throws(BridgeError) -> Set<String>?
}
