/// How several pictures become one: where each has its place, what stands behind them and what is written over them.
package struct CompositeLayout: Codable, Sendable, Equatable {
    package var arrangement: Arrangement
    /// How a picture of another shape fits into its cell, where the cell does not say.
    package var fit: CompositeFit
    package var background: CompositeColor
    /// A picture over the background's colour, under all else.
    package var backgroundImage: BackgroundName?
    /// Each input's name in its cell.
    package var showsNames: Bool
    /// Date and time (UTC) over the whole.
    package var showsClock: Bool

    package init(
        _ arrangement: Arrangement = .grid, fit: CompositeFit = .contain, background: CompositeColor = .slate, showsNames: Bool = true,
        showsClock: Bool = false
    ) {
        self.arrangement = arrangement
        self.fit = fit
        self.background = background
        self.showsNames = showsNames
        self.showsClock = showsClock
    }

    /// Where the seats are. Seat 0 is the large one, where one is larger.
    package enum Arrangement: Codable, Sendable, Equatable {
        /// All alike, in rows.
        case grid
        /// One large above, the others in a strip below it.
        case speaker
        /// One fills the picture, the others are small over its lower part.
        case pictureInPicture
        /// One large on the left, the others in a column beside it.
        case presentation
        /// As somebody drew it. Inputs without a cell are heard only.
        case custom([CompositeShape])
    }

    /// The most inputs that a composite takes.
    package static let mostInputs = 49
}

/// A custom layout's cell, in parts of the whole picture from 0 to 1.
package struct CompositeShape: Codable, Sendable, Equatable {
    package var x: Double
    package var y: Double
    package var width: Double
    package var height: Double
    /// A cell of a higher number covers those of lower ones.
    package var z: Int
    /// Nil: as the layout says.
    package var fit: CompositeFit?

    package init(x: Double, y: Double, width: Double, height: Double, z: Int = 0, fit: CompositeFit? = nil) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.z = z
        self.fit = fit
    }
}

/// What becomes of a picture whose shape is not its cell's. The picture's own shape is kept.
package enum CompositeFit: String, Codable, Sendable, CaseIterable {
    /// All of it is seen; the background fills the rest of the cell.
    case contain
    /// It fills the cell; what sticks out is cut off.
    case cover
}

/// An opaque colour.
package struct CompositeColor: Codable, Sendable, Hashable {
    package var red: UInt8
    package var green: UInt8
    package var blue: UInt8

    package init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// What stands behind the pictures when nobody says.
    package static let slate = CompositeColor(red: 0x18, green: 0x1C, blue: 0x24)

    /// Reads `#rrggbb`; nil for anything else.
    package init?(_ text: String) {
        let digits = text.utf8.dropFirst().compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard text.utf8.count == 7, text.utf8.first == UInt8(ascii: "#"), digits.count == 6 else { return nil }
        let bytes = stride(from: 0, to: 6, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
        self.init(red: bytes[0], green: bytes[1], blue: bytes[2])
    }

    /// `#rrggbb`, in lower case.
    package var text: String {
        "#" + [red, green, blue].map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// `0xAARRGGBB`, opaque.
    package var argb: UInt32 { 0xFF00_0000 | UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue) }
}
