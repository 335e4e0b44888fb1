internal import BridgeModel

/// The names of the pictures that lie beside a recording's file: a poster, sheets of small pictures, and a WebVTT track that says which of them
/// shows which time.
package struct ThumbnailNames: Sendable, Equatable {
    /// The file's name without its ending: made of ids and numbers, never of a user's text.
    package let stem: String

    /// Of a recording's file by its name or path; what stands before the last slash is kept.
    package init(ofFile file: String) {
        let name = file[(file.lastIndex(of: "/").map { file.index(after: $0) } ?? file.startIndex)...]
        stem = file.dropLast(name.count) + String(name.prefix { $0 != "." })
    }

    package var poster: String { stem + ".poster.jpg" }
    package var track: String { stem + ".thumbnails.vtt" }
    /// Sheets count from 1.
    package func sheet(_ number: Int) -> String { "\(stem).sprite-\(number).jpg" }

    /// The names without folders that stand for `name`; nil when `name` is none of a thumbnail.
    package init?(ofThumbnail name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, name.utf8.allSatisfy(Self.isPlain) else { return nil }
        stem = String(parts[0])
        let isSheet = parts[1].hasPrefix("sprite-") && Int(parts[1].dropFirst(7)).map { sheet($0) == name && $0 > 0 } ?? false
        guard name == poster || name == track || isSheet else { return nil }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }
}

/// Which pictures of a recording's file stand where on its sheets.
package struct SpritePlan: Sendable, Equatable {
    /// Pixels that a cell may be wide and high.
    package static let largestCell = 160
    /// Cells of a sheet.
    package static let columns = 10
    package static let rows = 10
    /// Of a file: where it is so long that there would be more, they are further apart.
    package static let largestCount = 5000

    /// Times of the keyframes that are shown, rising.
    package let cells: [Duration]
    package let duration: Duration
    /// Pixels of one cell; the width is a multiple of four.
    package let cell: (width: Int, height: Int)

    /// `keyframes` are in the order of time, `interval` is the least distance between two cells, `size` the video's in pixels.
    package init(keyframes: [Duration], duration: Duration, interval: Duration, size: (width: Int, height: Int)) {
        let step = max(interval, duration / Self.largestCount, .milliseconds(1))
        var cells: [Duration] = []
        for time in keyframes where cells.last.map({ time >= $0 + step }) ?? true { cells.append(time) }
        self.cells = Array(cells.prefix(Self.largestCount))
        self.duration = max(duration, (self.cells.last ?? .zero) + .milliseconds(1))
        cell = Self.cell(of: size)
    }

    private static func cell(of size: (width: Int, height: Int)) -> (width: Int, height: Int) {
        let (width, height) = size.width > 0 && size.height > 0 ? size : (16, 9)
        guard height > width else { return (largestCell, max(16, largestCell * height / width & ~1)) }
        return (max(16, largestCell * width / height & ~3), largestCell)
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.cells == right.cells && left.duration == right.duration && left.cell == right.cell
    }

    /// The cells of each sheet.
    package var sheets: [Range<Int>] {
        stride(from: 0, to: cells.count, by: Self.columns * Self.rows).map { $0..<min(cells.count, $0 + Self.columns * Self.rows) }
    }

    /// Pixels of a sheet.
    package func size(of sheet: Range<Int>) -> (width: Int, height: Int) {
        let rows = (sheet.count + Self.columns - 1) / Self.columns
        return (min(Self.columns, sheet.count) * cell.width, rows * cell.height)
    }

    /// Where a cell stands on its sheet, pixels.
    package func place(of index: Int) -> (x: Int, y: Int) {
        let place = index % (Self.columns * Self.rows)
        return (place % Self.columns * cell.width, place / Self.columns * cell.height)
    }

    /// The cell that stands for the whole: not the very first, which is often dark. Nil without cells.
    package var posterCell: Int? {
        guard !cells.isEmpty else { return nil }
        let from = min(.seconds(5), duration / 10)
        return cells.firstIndex { $0 >= from } ?? 0
    }

    /// The track (WebVTT, with the spatial part of a media fragment to name the cell); `names` has no folder, so that sheets are beside it.
    package func track(_ names: ThumbnailNames) -> String {
        var text = "WEBVTT\n"
        for index in cells.indices {
            let from = index == 0 ? .zero : cells[index]
            let to = index + 1 < cells.count ? cells[index + 1] : duration
            let (x, y) = place(of: index)
            let sheet = names.sheet(index / (Self.columns * Self.rows) + 1)
            text += "\n\(Self.timestamp(from)) --> \(Self.timestamp(to))\n\(sheet)#xywh=\(x),\(y),\(cell.width),\(cell.height)\n"
        }
        return text
    }

    /// WebVTT section 4.1: hours of two digits or more.
    private static func timestamp(_ time: Duration) -> String {
        let milliseconds = max(0, time.wholeMilliseconds)
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        let fields = [(seconds / 3600, 2), (seconds / 60 % 60, 2), (seconds % 60, 2), (rest, 3)].map { value, digits in
            let text = String(value)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        return "\(fields[0]):\(fields[1]):\(fields[2]).\(fields[3])"
    }
}
