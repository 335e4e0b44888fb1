package import BridgeModel

extension Container {
    /// True when players expect this codec in this container. Matroska takes everything.
    package func holds(_ codec: Codec) -> Bool {
        switch (self, codec) {
        case (.matroska, _): true
        case (.webm, .vp8), (.webm, .vp9), (.webm, .av1), (.webm, .opus): true
        case (.webm, _): false
        case (.mp4, .h264), (.mp4, .h265), (.mp4, .vp9), (.mp4, .av1), (.mp4, .opus), (.mp4, .aac): true
        case (.mp4, _): false
        }
    }

    /// What players like best for these tracks where nobody says otherwise: WebM where it holds them, else MP4.
    package static func usual(for tracks: [TrackDescription]) -> Container {
        tracks.allSatisfy { Container.webm.holds($0.codec) } ? .webm : .mp4
    }

    /// The container for these tracks: the one that was asked for if it holds them all, else Matroska. Nobody's wish (nil) is WebM, the
    /// rule of the streamrec dialect (section 7).
    package static func suitable(for tracks: [TrackDescription], requested: Container?) -> Container {
        let wish = requested ?? .webm
        return tracks.allSatisfy { wish.holds($0.codec) } ? wish : .matroska
    }
}
