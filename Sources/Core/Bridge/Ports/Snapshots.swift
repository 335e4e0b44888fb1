package import BridgeModel
package import Playback

/// Single pictures of streams. Implemented by ControlPlane.
package protocol Snapshots: Sendable {
    /// What a live stream shows now. Throws `not_found`, `no_media` when no picture comes in time, `limit_reached`, and what befalls a child.
    func live(of stream: StreamID, _ spec: PictureSpec) async throws(BridgeError) -> Picture
    /// What a recording of a stream shows at a moment. Throws `nothingAt`, and `failed` with the same.
    func recorded(of stream: StreamID, at moment: WallTime, _ spec: PictureSpec) async throws(PlaybackError) -> Picture
}
