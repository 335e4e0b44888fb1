/// What can travel with a recording's file: it lies beside the file at its destination, under the file's key with another ending.
package enum Sidecar: String, Sendable, Codable, CaseIterable {
    /// What the file is, as JSON (`RecordingManifest`).
    case manifest
    /// One picture that stands for the file.
    case poster
    /// Sheets of small pictures, and the WebVTT track that says which of them shows which time.
    case thumbnails

    /// Is made of the file's pictures.
    package var isPicture: Bool { self != .manifest }
}
