package import BridgeModel

/// File formats of single pictures.
package enum PictureFormat: String, Codable, Sendable, CaseIterable {
    case jpeg, png, webp

    /// The file name's ending, without the dot.
    package var fileExtension: String { self == .jpeg ? "jpg" : rawValue }

    /// The media type.
    package var mediaType: String { "image/" + rawValue }
}

/// How a picture is wanted.
package struct PictureSpec: Codable, Sendable, Hashable {
    /// Pixels that a picture may be wide; a smaller one is not enlarged.
    package static let widths = 16...7680
    /// Of JPEG and WebP, from small to good.
    package static let qualities = 1...100

    package var format: PictureFormat
    /// Pixels, of `widths`; nil: as the video is.
    package var width: Int?
    /// Of `qualities`; PNG has no losses and does not look at it.
    package var quality: Int

    package init(_ format: PictureFormat, width: Int? = nil, quality: Int = 85) {
        self.format = format
        self.width = width
        self.quality = quality
    }

    /// Reads the members of a query; those that are nil are as usual.
    package init(_ format: PictureFormat, width: String?, quality: String?) throws(FieldFault) {
        self.init(format)
        self.width = try Self.number(width, "width", in: Self.widths)
        if let quality = try Self.number(quality, "quality", in: Self.qualities) { self.quality = quality }
    }

    private static func number(_ text: String?, _ field: String, in range: ClosedRange<Int>) throws(FieldFault) -> Int? {
        guard let text else { return nil }
        guard let number = WholeNumber.read(text, in: Int64(range.lowerBound)...Int64(range.upperBound)) else {
            throw FieldFault(field, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return Int(number)
    }

    /// What becomes of a picture of this size: even, its shape kept, at least 16 pixels either way (as WebP has it).
    package func size(of original: (width: Int, height: Int)) -> (width: Int, height: Int) {
        guard let width, width < original.width, original.width > 0 else { return original }
        let height = (original.height * width + original.width / 2) / original.width
        return (max(16, width & ~1), max(16, height & ~1))
    }
}

/// A picture out of a video, encoded.
package struct Picture: Sendable, Equatable {
    package var format: PictureFormat
    package var bytes: [UInt8]
    /// When the bridge had the frame from its camera.
    package var takenAt: WallTime
    /// Pixels.
    package var width: Int
    package var height: Int

    package init(format: PictureFormat, bytes: [UInt8], takenAt: WallTime, width: Int, height: Int) {
        self.format = format
        self.bytes = bytes
        self.takenAt = takenAt
        self.width = width
        self.height = height
    }
}
