package import BridgeModel

/// Whoever keeps files of the spool open. Implemented by PlaybackPlane.
package protocol SpoolReaders: Sendable {
    /// Closes those that have been removed: only then does the disk get their space back.
    func letGo() async
}

/// What is done with complete files of the spool. Implemented by RecordingPlane.
package protocol SpoolKeeping: Sendable {
    /// Reads a segment's complete file once, and writes its manifest beside it where manifests are wanted. Returns the file's SHA-256 as lower-case
    /// hexadecimal. Throws `internal` when the file cannot be read, `storage_full` when the manifest cannot be written.
    func describe(_ segment: SegmentRow, of recording: RecordingRow) async throws(BridgeError) -> String
    /// Removes delivered files, the oldest first, until there is room; those that are to be kept always stay. True when there is room then.
    func makeRoom() async -> Bool
    /// Whether a segment's file has a poster and a track of thumbnails beside it.
    func hasThumbnails(_ segment: SegmentRow) async -> Bool
    /// Removes the MP4 that a part's recorder has written beside it, as far as it got; nothing happens where there is none.
    func removeMovie(of part: PartName, in recording: RecordingID) async
    /// How much room there is.
    func shortage() async -> StorageShortage
}
