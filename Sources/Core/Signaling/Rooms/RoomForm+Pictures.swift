import Bridge
import BridgeModel

// Frozen frames, drawings and pointers.
extension RoomForm {
    static func pictureCommand(_ kind: RoomFrame.Kind, _ data: RoomFields) throws(RTMError) -> RoomCommand {
        switch kind {
        case .freeze:
            guard let moment = try data.optionalTime("at") else { throw RTMError(.missingField, "data.at is missing", field: "data.at") }
            return .freeze(RoomTrackID(try data.text("track")), at: moment)
        case .boardClose: return .closeBoard(BoardID(try data.text("board")))
        case .annotate:
            return .annotate(
                BoardID(try data.text("board")), AnnotationID(try data.text("annotation", 1...64)), try shape(data.object("shape")),
                colour: try colour(data))
        case .erase:
            return .erase(BoardID(try data.text("board")), try data.optionalText("annotation", 1...64).map(AnnotationID.init))
        case .clip:
            guard let seconds = try data.optionalInteger("seconds", 1...RoomMachine.longestClip) else {
                throw RTMError(.missingField, "data.seconds is missing", field: "data.seconds")
            }
            return .clip(try data.optionalText("track").map(RoomTrackID.init), seconds: seconds)
        case .snapshot: return .snapshot(RoomTrackID(try data.text("track")))
        default:
            return .point(
                RoomTrackID(try data.text("track")), try data.optionalObject("at").map { fields throws(RTMError) in try point(fields) })
        }
    }

    private enum ShapeWord: String, CaseIterable {
        case arrow, pen, circle, text
    }

    private static func shape(_ fields: RoomFields) throws(RTMError) -> AnnotationShape {
        switch try fields.word("type", ShapeWord.self) {
        case .arrow: return .arrow(from: try point(fields.object("from")), to: try point(fields.object("to")))
        case .pen: return .pen(try points(fields))
        case .circle: return .circle(center: try point(fields.object("center")), radius: try fields.fraction("radius"))
        case .text: return .text(try fields.text("text", 1...RoomText.labelBytes), at: try point(fields.object("at")))
        }
    }

    private static func point(_ fields: RoomFields) throws(RTMError) -> PicturePoint {
        PicturePoint(x: try fields.fraction("x"), y: try fields.fraction("y"))
    }

    /// A stroke is long: its points are pairs, `[[x, y], …]`.
    private static func points(_ fields: RoomFields) throws(RTMError) -> [PicturePoint] {
        var points: [PicturePoint] = []
        for item in try fields.list("points", limit: AnnotationShape.greatestPointCount) {
            guard case .array(let pair) = item, pair.count == 2, case .number(let x) = pair[0], case .number(let y) = pair[1],
                (0...1).contains(x), (0...1).contains(y)
            else { throw fields.invalid("points", "a list of pairs of numbers from 0 to 1") }
            points.append(PicturePoint(x: x, y: y))
        }
        guard !points.isEmpty else { throw fields.invalid("points", "a list of 1 to \(AnnotationShape.greatestPointCount)") }
        return points
    }

    /// `#rrggbb`.
    private static func colour(_ data: RoomFields) throws(RTMError) -> UInt32 {
        let text = try data.text("colour", 7...7)
        let digits = text.utf8.dropFirst()
        let isHex = digits.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) }
        guard text.hasPrefix("#"), isHex, let colour = UInt32(text.dropFirst(), radix: 16) else {
            throw data.invalid("colour", "of the form #rrggbb")
        }
        return colour
    }
}
