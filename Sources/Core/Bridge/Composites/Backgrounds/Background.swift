package import BridgeModel

/// The name of a picture that can stand behind composites; a file's name, too.
package struct BackgroundName: Identifier {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }

    /// Reads a user's text; nil where it breaks `rule`.
    package init?(named text: String) {
        guard (1...64).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x5F })
        else { return nil }
        self.init(text)
    }

    package static let rule = "1 to 64 of the characters a-z 0-9 _ -"
}

/// A picture that the bridge keeps.
package struct Background: Sendable, Equatable {
    package var name: BackgroundName
    package var header: PictureHeader
    package var bytes: Int
    package var updatedAt: WallTime
    /// Absolute path of its file.
    package var path: String
    /// Another one is another picture of this name.
    package var revision = 0

    package init(name: BackgroundName, header: PictureHeader, bytes: Int, updatedAt: WallTime, path: String) {
        self.name = name
        self.header = header
        self.bytes = bytes
        self.updatedAt = updatedAt
        self.path = path
    }

    /// As many as the bridge keeps.
    package static let most = 64
}

/// How far a composite is with the picture behind it.
package enum BackgroundState: Sendable, Equatable {
    /// The colour is seen, or the picture before it, until it is decoded.
    case loading
    case shown
    /// The colour is seen, or the picture before it.
    case failed(BridgeError)
}
