package import Bridge
package import BridgeModel
package import LinuxIO

/// What a camera does with its pictures, its sound, its light and its speaker when it is told to.
package actor CaptureControls: CameraControls {
    private let director: CameraDirector
    private let torch: CameraTorch?
    private let talk: TalkPlayer?
    private let mutes: Set<MediaKind>

    /// `torch` and `talk`: nil where the camera has no light, or no speaker. Every source of ours is encoded here, so that its pictures can be cut
    /// and turned.
    package init(_ director: CameraDirector, tracks: [TrackDescription], torch: CameraTorch?, talk: TalkPlayer?) {
        self.director = director
        self.torch = torch
        self.talk = talk
        mutes = Set(tracks.map(\.kind))
    }

    /// The abilities of `CameraControls`; `publishes` is another's.
    package var abilities: CameraAbilities {
        CameraAbilities(
            torch: torch != nil, greatestZoom: CaptureAdjustment.greatestZoom, rotates: true, mutes: mutes, talks: talk != nil)
    }

    /// Does an order; those to publish and to be idle are another's.
    package func perform(_ order: CameraOrder) async throws(BridgeError) {
        switch order {
        case .zoom, .rotate, .mute:
            guard abilities.allow(order) else { throw Self.refused }
            await director.adjust(order)
        case .torch(let isOn):
            guard let torch else { throw Self.refused }
            do throws(SystemError) {
                try torch.light(isOn)
            } catch {
                throw BridgeError(.unavailable, "The camera's light cannot be switched: \(error).")
            }
        case .talk(let stream):
            guard let talk else { throw Self.refused }
            await talk.play(stream)
        case .publish, .idle: throw Self.refused
        }
    }

    private static var refused: BridgeError { BridgeError(.invalidField, "The camera cannot do that; its abilities say what it can.") }
}
