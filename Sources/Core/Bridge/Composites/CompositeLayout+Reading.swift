package import BridgeModel

/// The strict reading of what users write. `text` of what was read is read as the same.
extension CompositeLayout {
    private static let members: Set<String> = ["kind", "fit", "background", "names", "clock", "cells"]
    private static let rule = "left out: a layout has \(members.sorted().joined(separator: ", "))"
    private static let kinds = ["grid", "speaker", "picture_in_picture", "presentation", "custom"]

    /// Reads a layout: the name of an arrangement, or an object with `kind` and what differs from the defaults.
    package init(reading value: JSONValue, field: String = "layout") throws(FieldFault) {
        if let name = value.string {
            self.init(try Self.arrangement(name, cells: nil, field: field, member: field))
            return
        }
        guard case .object(let object) = value else { throw FieldFault(field, "the name of a layout or an object with kind") }
        if let unknown = object.keys.filter({ !Self.members.contains($0) }).min() {
            throw FieldFault("\(field).\(unknown)", Self.rule)
        }
        guard let kind = object["kind"], !kind.isNull else { throw .missing("\(field).kind") }
        let arrangement = try Self.arrangement(kind.string ?? "", cells: object["cells"], field: field, member: "\(field).kind")
        self.init(arrangement)
        if let fit = try CompositeFit(optional: object["fit"], field: "\(field).fit") { self.fit = fit }
        try readBackground(object["background"], field: "\(field).background")
        showsNames = try Self.truth(object["names"], "\(field).names") ?? showsNames
        showsClock = try Self.truth(object["clock"], "\(field).clock") ?? showsClock
    }

    /// A colour, or an object with a colour, an image, or both.
    private mutating func readBackground(_ value: JSONValue?, field: String) throws(FieldFault) {
        guard let value, !value.isNull else { return }
        guard case .object(let object) = value else {
            background = try Self.color(value, field)
            return
        }
        if let unknown = object.keys.filter({ !["colour", "image"].contains($0) }).min() {
            throw FieldFault("\(field).\(unknown)", "left out: a background has colour, image")
        }
        if let color = object["colour"], !color.isNull { background = try Self.color(color, "\(field).colour") }
        guard let image = object["image"], !image.isNull else { return }
        guard let name = image.string.flatMap({ BackgroundName(named: $0) }) else {
            throw FieldFault("\(field).image", "the name of a background: \(BackgroundName.rule)")
        }
        backgroundImage = name
    }

    private static func color(_ value: JSONValue, _ field: String) throws(FieldFault) -> CompositeColor {
        guard let color = value.string.flatMap({ CompositeColor($0) }) else { throw FieldFault(field, "a colour like #181c24") }
        return color
    }

    private static func arrangement(
        _ name: String, cells: JSONValue?, field: String, member: String
    ) throws(FieldFault) -> Arrangement {
        if name != "custom", let cells, !cells.isNull { throw FieldFault("\(field).cells", "left out, where the kind is not custom") }
        switch name {
        case "grid": return .grid
        case "speaker": return .speaker
        case "picture_in_picture": return .pictureInPicture
        case "presentation": return .presentation
        case "custom": return .custom(try shapes(cells, field: "\(field).cells"))
        default: throw FieldFault(member, "one of \(kinds.joined(separator: ", "))")
        }
    }

    private static func shapes(_ value: JSONValue?, field: String) throws(FieldFault) -> [CompositeShape] {
        guard let value, !value.isNull else { throw .missing(field) }
        guard case .array(let items) = value, (1...mostInputs).contains(items.count) else {
            throw FieldFault(field, "a list of 1 to \(mostInputs) cells")
        }
        var shapes: [CompositeShape] = []
        for (index, item) in items.enumerated() { shapes.append(try CompositeShape(reading: item, field: "\(field)[\(index)]")) }
        return shapes
    }

    private static func truth(_ value: JSONValue?, _ field: String) throws(FieldFault) -> Bool? {
        guard let value, !value.isNull else { return nil }
        guard let truth = value.bool else { throw FieldFault(field, "true or false") }
        return truth
    }

    /// As `init(reading:)` takes it, complete.
    package var text: JSONText {
        var members: [JSONText.Member] = [
            .init("kind", .string(kind)), .init("fit", .string(fit.rawValue)), .init("background", backgroundText),
            .init("names", .bool(showsNames)), .init("clock", .bool(showsClock)),
        ]
        if case .custom(let shapes) = arrangement { members.append(.init("cells", .array(shapes.map { JSONText($0.value) }))) }
        return .object(members)
    }

    private var backgroundText: JSONText {
        guard let backgroundImage else { return .string(background.text) }
        return .object([.init("colour", .string(background.text)), .init("image", .string(backgroundImage.rawValue))])
    }

    private var kind: String {
        switch arrangement {
        case .grid: "grid"
        case .speaker: "speaker"
        case .pictureInPicture: "picture_in_picture"
        case .presentation: "presentation"
        case .custom: "custom"
        }
    }
}

extension CompositeShape {
    private static let members: Set<String> = ["x", "y", "width", "height", "z", "fit"]
    private static let rule = "left out: a cell has \(members.sorted().joined(separator: ", "))"
    private static let layers = 0...1000
    /// What rounding may leave: a third written with sixteen digits, three times.
    private static let rounding = 1e-9
    /// Smaller cells show nothing.
    private static let smallest = 0.01

    fileprivate init(reading value: JSONValue, field: String) throws(FieldFault) {
        guard case .object(let object) = value else { throw FieldFault(field, "an object with x, y, width and height") }
        if let unknown = object.keys.filter({ !Self.members.contains($0) }).min() {
            throw FieldFault("\(field).\(unknown)", Self.rule)
        }
        let x = try Self.part(object["x"], "\(field).x", from: 0)
        let y = try Self.part(object["y"], "\(field).y", from: 0)
        let width = try Self.part(object["width"], "\(field).width", from: Self.smallest)
        let height = try Self.part(object["height"], "\(field).height", from: Self.smallest)
        guard x + width <= 1 + Self.rounding else { throw FieldFault("\(field).width", "so that x and width together are 1 at most") }
        guard y + height <= 1 + Self.rounding else { throw FieldFault("\(field).height", "so that y and height together are 1 at most") }
        var z = 0
        if let member = object["z"], !member.isNull {
            guard let number = member.integer, Self.layers.contains(number) else {
                throw FieldFault("\(field).z", "a whole number from 0 to 1000")
            }
            z = number
        }
        self.init(
            x: x, y: y, width: width, height: height, z: z, fit: try CompositeFit(optional: object["fit"], field: "\(field).fit"))
    }

    private static func part(_ value: JSONValue?, _ field: String, from smallest: Double) throws(FieldFault) -> Double {
        guard let value, !value.isNull else { throw .missing(field) }
        guard case .number(let number) = value, number >= smallest, number <= 1 else {
            throw FieldFault(field, "a number from \(smallest == 0 ? "0" : "0.01") to 1")
        }
        return number
    }

    fileprivate var value: JSONValue {
        var members: [String: JSONValue] = [
            "x": .number(x), "y": .number(y), "width": .number(width), "height": .number(height), "z": .number(Double(z)),
        ]
        if let fit { members["fit"] = .string(fit.rawValue) }
        return .object(members)
    }
}

extension CompositeFit {
    fileprivate init?(optional value: JSONValue?, field: String) throws(FieldFault) {
        guard let value, !value.isNull else { return nil }
        guard let fit = value.string.flatMap(CompositeFit.init(rawValue:)) else { throw FieldFault(field, "contain or cover") }
        self = fit
    }
}
