package import BridgeModel

/// What is done to a camera's pictures and sound before they are encoded. The size of what is sent stays, so that nobody downstream notices more than
/// another picture.
package struct CaptureAdjustment: Codable, Sendable, Equatable {
    /// A picture of 1280x720 is cut to 160x90 by this; more shows nothing more.
    package static let greatestZoom = 8.0

    /// How many times nearer than the whole picture.
    package var zoom = 1.0
    package var rotation = PictureRotation.none
    /// What is black, or silent.
    package var mutes: Set<MediaKind> = []

    package init() {}

    /// Takes an order about pictures or sound; false for every other, which changes nothing.
    package mutating func take(_ order: CameraOrder) -> Bool {
        switch order {
        case .zoom(let factor): zoom = factor
        case .rotate(let rotation): self.rotation = rotation
        case .mute(let kind, true): mutes.insert(kind)
        case .mute(let kind, false): mutes.remove(kind)
        case .publish, .idle, .torch, .talk: return false
        }
        return true
    }
}

/// A zoom on its way to where it shall be: a little nearer, or farther, with each picture.
package struct ZoomGlide: Sendable, Equatable {
    /// The greatest change from one picture to the next: from 1 to 2 in some ten pictures.
    private static let step = 1.08

    package private(set) var zoom: Double

    package init(at zoom: Double) { self.zoom = Self.possible(zoom) }

    /// The zoom of the next picture.
    package mutating func advance(towards target: Double) {
        let target = Self.possible(target)
        zoom = target > zoom ? min(target, zoom * Self.step) : max(target, zoom / Self.step)
    }

    private static func possible(_ zoom: Double) -> Double {
        zoom.isFinite ? min(max(zoom, 1), CaptureAdjustment.greatestZoom) : 1
    }
}

/// What is cut off a picture's edges, in pixels; even, since its colours have half the resolution.
package struct PictureMargins: Sendable, Equatable {
    package var horizontal: Int
    package var vertical: Int

    /// Leaves the middle of a picture of this size, which `zoom` makes as large as the whole.
    package init(zoom: Double, width: Int, height: Int) {
        horizontal = Self.margin(zoom, width)
        vertical = Self.margin(zoom, height)
    }

    private static func margin(_ zoom: Double, _ length: Int) -> Int {
        let cut = Int(Double(length) * (1 - 1 / zoom) / 2) & ~1
        return max(0, min(cut, length / 2 - 2))
    }
}
