/// Makes the poster, the sheets and the track of a recording's complete file, from its keyframes alone, when nothing else wants the cores.
package struct ThumbnailPlan: Codable, Sendable, Equatable {
    /// Absolute path of the file; the results lie beside it, under `ThumbnailNames`.
    package var path: String
    package var container: Container
    /// The least distance between two pictures.
    package var interval: Duration

    package init(path: String, container: Container, interval: Duration) {
        self.path = path
        self.container = container
        self.interval = interval
    }
}
