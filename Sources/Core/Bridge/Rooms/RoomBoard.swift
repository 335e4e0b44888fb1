package import BridgeModel

/// A place in a picture: fractions of its width and height, from the upper left corner.
package struct PicturePoint: Sendable, Hashable {
    /// 0...1.
    package var x: Double
    /// 0...1.
    package var y: Double

    package init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }

    var isInside: Bool { (0...1).contains(x) && (0...1).contains(y) }
}

/// Something drawn.
package enum AnnotationShape: Sendable, Equatable {
    case arrow(from: PicturePoint, to: PicturePoint)
    case pen([PicturePoint])
    /// The radius in widths of the picture.
    case circle(center: PicturePoint, radius: Double)
    case text(String, at: PicturePoint)

    /// Points of one stroke at most.
    package static let greatestPointCount = 1000

    /// What it weighs in a board.
    var pointCount: Int {
        switch self {
        case .arrow, .circle, .text: 2
        case .pen(let points): points.count
        }
    }

    /// Why it cannot be drawn; nil when it can.
    package var fault: RoomError? {
        switch self {
        case .arrow(let from, let to): return Self.fault([from, to])
        case .pen(let points):
            guard (1...Self.greatestPointCount).contains(points.count) else {
                return RoomError(.invalidField, "a stroke has 1 to \(Self.greatestPointCount) points; draw the rest as another one")
            }
            return Self.fault(points)
        case .circle(let center, let radius):
            guard radius > 0, radius <= 1 else {
                return RoomError(.invalidField, "a circle's radius is above 0 and at most 1, in widths of the picture")
            }
            return Self.fault([center])
        case .text(let text, let place):
            guard (1...RoomText.labelBytes).contains(text.utf8.count) else {
                return RoomError(.invalidField, "a text on a picture has 1 to \(RoomText.labelBytes) bytes")
            }
            return Self.fault([place])
        }
    }

    private static func fault(_ points: [PicturePoint]) -> RoomError? {
        points.allSatisfy(\.isInside) ? nil : RoomError(.invalidField, "a point in a picture has coordinates from 0 to 1")
    }
}

/// A drawing with its author.
package struct Annotation: Sendable, Equatable {
    package let id: AnnotationID
    package let author: ParticipantID
    package var shape: AnnotationShape
    /// 0xRRGGBB.
    package var colour: UInt32
    package var at: WallTime

    package init(id: AnnotationID, author: ParticipantID, shape: AnnotationShape, colour: UInt32, at: WallTime) {
        self.id = id
        self.author = author
        self.shape = shape
        self.colour = colour
        self.at = at
    }
}

/// The picture that a board is drawn on, the same for everybody.
package struct BoardFrame: Sendable, Equatable {
    /// Of the picture's file.
    package let id: String
    /// Where it is fetched, as a `RoomPicture`.
    package let path: String
    /// The moment that it shows.
    package let at: WallTime
    package let width: Int
    package let height: Int

    package init(id: String, path: String, at: WallTime, width: Int, height: Int) {
        self.id = id
        self.path = path
        self.at = at
        self.width = width
        self.height = height
    }
}

/// A frozen frame with what is drawn on it, oldest first.
package struct RoomBoard: Sendable, Equatable {
    package let id: BoardID
    package let track: RoomTrackID
    /// Whose track it is of; it may be gone by now.
    package let subject: ParticipantID
    package let owner: ParticipantID?
    /// When the frame was captured.
    package let frameAt: WallTime
    /// nil: it has not been taken yet, or cannot be; each page shows its own newest one then.
    package var frame: BoardFrame?
    package var annotations: [Annotation] = []

    /// A frame that nobody has drawn on yet.
    package init(id: BoardID, track: RoomTrackID, subject: ParticipantID, owner: ParticipantID?, frameAt: WallTime) {
        self.id = id
        self.track = track
        self.subject = subject
        self.owner = owner
        self.frameAt = frameAt
    }
}
