package import BridgeModel

/// Something that a camera's agent is asked to do. An order means a state, so that one that is given twice changes nothing.
package enum CameraOrder: Sendable, Hashable {
    /// Send the camera's stream to the bridge, with pictures of at most so many lines; nil: as the camera is set up.
    case publish(greatestHeight: Int?)
    /// Send nothing until `publish` comes.
    case idle
    case torch(Bool)
    /// How many times nearer than the whole picture; 1 is the whole.
    case zoom(Double)
    case rotate(PictureRotation)
    /// Send nothing to be heard, or seen, in the stream's tracks of this kind.
    case mute(MediaKind, Bool)
    /// Play this stream of the bridge to whoever stands by the camera; nil: nothing any more.
    case talk(StreamID?)
}

extension CameraOrder {
    /// What an order is about: of several about the same, the newest counts.
    package enum Kind: Hashable, Sendable {
        case publishing, torch, zoom, rotation
        case mute(MediaKind)
        case talk
    }

    package var kind: Kind {
        switch self {
        case .publish, .idle: .publishing
        case .torch: .torch
        case .zoom: .zoom
        case .rotate: .rotation
        case .mute(let kind, _): .mute(kind)
        case .talk: .talk
        }
    }

    /// For whoever works with the camera; the rest is decided by where the camera is wanted.
    package var isControl: Bool {
        switch kind {
        case .publishing, .talk: false
        case .torch, .zoom, .rotation, .mute: true
        }
    }
}

/// How far a picture is turned, clockwise.
package enum PictureRotation: Int, Codable, Sendable, CaseIterable {
    case none = 0
    case quarter = 90
    case half = 180
    case threeQuarters = 270
}

/// What a camera can be asked to do.
package struct CameraAbilities: Sendable, Equatable {
    /// It begins and ends its stream when it is told to.
    package var publishes: Bool
    package var torch: Bool
    /// The greatest zoom; 1: none.
    package var greatestZoom: Double
    package var rotates: Bool
    /// The tracks that it can mute.
    package var mutes: Set<MediaKind>
    /// It has something to play voices with.
    package var talks: Bool

    package init(
        publishes: Bool = false, torch: Bool = false, greatestZoom: Double = 1, rotates: Bool = false, mutes: Set<MediaKind> = [],
        talks: Bool = false
    ) {
        self.publishes = publishes
        self.torch = torch
        self.greatestZoom = greatestZoom
        self.rotates = rotates
        self.mutes = mutes
        self.talks = talks
    }

    /// Whether a camera of these abilities can do what it is asked.
    package func allow(_ order: CameraOrder) -> Bool {
        switch order {
        case .publish, .idle: publishes
        case .torch: torch
        case .zoom(let factor): factor >= 1 && factor <= greatestZoom
        case .rotate: rotates
        case .mute(let kind, _): mutes.contains(kind)
        case .talk: talks
        }
    }
}
