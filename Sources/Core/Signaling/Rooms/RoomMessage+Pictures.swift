package import Bridge
package import BridgeModel

// As a room tells them, and as a recording's manifest keeps them.
extension RoomMessage {
    /// A frozen frame with what is drawn on it.
    package static func value(_ board: RoomBoard) -> JSONValue {
        [
            "id": text(board.id), "track": text(board.track), "subject": text(board.subject), "owner": text(board.owner),
            "at": .string(board.frameAt.iso8601), "annotations": .array(board.annotations.map(value)),
        ]
    }

    /// The same with the picture that everybody draws on, for as long as the room is open.
    static func openValue(_ board: RoomBoard) -> JSONValue {
        guard case .object(var members) = value(board) else { return .null }
        members["frame"] = board.frame.map(value) ?? .null
        return .object(members)
    }

    private static func value(_ frame: BoardFrame) -> JSONValue {
        [
            "url": .string(frame.path), "at": .string(frame.at.iso8601), "width": .number(Double(frame.width)),
            "height": .number(Double(frame.height)),
        ]
    }

    /// A drawing, in the words in which `annotate` brings one.
    package static func value(_ annotation: Annotation) -> JSONValue {
        let digits = String(annotation.colour, radix: 16)
        return [
            "id": text(annotation.id), "participant": text(annotation.author), "shape": value(annotation.shape),
            "colour": .string("#" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits), "at": .string(annotation.at.iso8601),
        ]
    }

    static func value(_ point: PicturePoint) -> JSONValue { ["x": .number(point.x), "y": .number(point.y)] }

    private static func value(_ shape: AnnotationShape) -> JSONValue {
        switch shape {
        case .arrow(let from, let to): ["type": "arrow", "from": value(from), "to": value(to)]
        case .pen(let points): ["type": "pen", "points": .array(points.map { .array([.number($0.x), .number($0.y)]) })]
        case .circle(let center, let radius): ["type": "circle", "center": value(center), "radius": .number(radius)]
        case .text(let text, let place): ["type": "text", "text": .string(text), "at": value(place)]
        }
    }
}
