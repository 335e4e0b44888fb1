/// The place of one input in the composite, in pixels; all figures are even, as 4:2:0 wants them.
package struct CompositeCell: Codable, Sendable, Equatable {
    package var x: Int
    package var y: Int
    package var width: Int
    package var height: Int
    /// A cell of a higher number covers those of lower ones.
    package var z: Int
    package var fit: CompositeFit

    package init(x: Int, y: Int, width: Int, height: Int, z: Int = 0, fit: CompositeFit = .contain) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.z = z
        self.fit = fit
    }

    /// Pixels.
    package var area: Int { width * height }

    /// Whether a pixel belongs to both.
    package func overlaps(_ other: CompositeCell) -> Bool {
        x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
    }

    /// The part of a picture that is shown in this cell, in the picture's pixels, even: all of it, or what `cover` leaves of it.
    package func visiblePart(ofWidth pictureWidth: Int, height pictureHeight: Int) -> CompositeCell {
        let whole = CompositeCell(x: 0, y: 0, width: pictureWidth, height: pictureHeight)
        guard fit == .cover, pictureWidth > 1, pictureHeight > 1, width > 0, height > 0 else { return whole }
        var part = whole
        if pictureWidth * height > width * pictureHeight {
            part.width = max(2, pictureHeight * width / height & ~1)
        } else {
            part.height = max(2, pictureWidth * height / width & ~1)
        }
        part.x = (pictureWidth - part.width) / 2 & ~1
        part.y = (pictureHeight - part.height) / 2 & ~1
        return part
    }
}

extension CompositeLayout {
    /// The cells of so many seats in a picture of this size (even), in the order of the seats; fewer where a custom layout has fewer. The same
    /// arguments give the same cells.
    package func cells(seats: Int, width: Int, height: Int) -> [CompositeCell] {
        guard seats > 0 else { return [] }
        let whole = CompositeCell(x: 0, y: 0, width: width, height: height, fit: fit)
        switch arrangement {
        case .grid: return whole.grid(of: seats)
        case .speaker: return whole.split(seats, large: whole.part(0, 0, 1, 0.75))
        case .presentation: return whole.split(seats, large: whole.part(0, 0, 0.8, 1))
        case .pictureInPicture: return [whole] + whole.insets(seats - 1)
        case .custom(let shapes): return shapes.prefix(seats).map { whole.part(of: $0) }
        }
    }
}

extension CompositeCell {
    /// Rows and columns that make pictures of 16:9 as large as they can be, and leave as few cells empty.
    fileprivate func grid(of count: Int) -> [CompositeCell] {
        guard count > 0 else { return [] }
        let columns = bestColumns(for: count)
        let rows = (count + columns - 1) / columns
        return (0..<count).map { seat in
            let (left, right) = (even(width * (seat % columns) / columns), even(width * (seat % columns + 1) / columns))
            let (top, bottom) = (even(height * (seat / columns) / rows), even(height * (seat / columns + 1) / rows))
            return CompositeCell(x: x + left, y: y + top, width: right - left, height: bottom - top, z: z, fit: fit)
        }
    }

    private func bestColumns(for count: Int) -> Int {
        var best = (columns: 1, scale: 0, empty: Int.max)
        for columns in 1...count {
            let rows = (count + columns - 1) / columns
            // Of 16:9 in a cell, in 1/1024 pixel of its width, so that whole numbers compare.
            let scale = min(width * 1024 / columns, height * 1024 / rows * 16 / 9)
            let empty = columns * rows - count
            guard scale > best.scale || scale == best.scale && empty <= best.empty else { continue }
            best = (columns, scale, empty)
        }
        return best.columns
    }

    /// One large cell and a grid of the others in what it leaves, below it or beside it.
    fileprivate func split(_ count: Int, large: CompositeCell) -> [CompositeCell] {
        guard count > 1 else { return [self] }
        var rest = self
        if large.height < height {
            (rest.y, rest.height) = (y + large.height, height - large.height)
        } else {
            (rest.x, rest.width) = (x + large.width, width - large.width)
        }
        return [large] + rest.grid(of: count - 1)
    }

    /// Small cells of this one's shape over its lower half at most, from the right to the left and upwards.
    fileprivate func insets(_ count: Int) -> [CompositeCell] {
        guard let side = [4, 6, 8, 10].first(where: { $0 * $0 / 2 >= count }), count > 0 else { return [] }
        let (slotWidth, slotHeight) = (even(width / side), even(height / side))
        // An eighth of the slot shows the large picture between them.
        let (marginX, marginY) = (even(slotWidth / 16), even(slotHeight / 16))
        return (0..<count).map { seat in
            CompositeCell(
                x: x + width - slotWidth * (seat % side + 1) + marginX, y: y + height - slotHeight * (seat / side + 1) + marginY,
                width: max(2, slotWidth - 2 * marginX), height: max(2, slotHeight - 2 * marginY), z: z + 1, fit: fit)
        }
    }

    fileprivate func part(of shape: CompositeShape) -> CompositeCell {
        var cell = part(shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)
        cell.z = shape.z
        cell.fit = shape.fit ?? fit
        return cell
    }

    /// The part between these edges, which are parts of the whole from 0 to 1.
    fileprivate func part(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> CompositeCell {
        let (from, to) = (span(left, right, of: width), span(top, bottom, of: height))
        return CompositeCell(
            x: x + from.lowerBound, y: y + to.lowerBound, width: from.count, height: to.count, z: z, fit: fit)
    }

    /// At least two pixels, never outside.
    private func span(_ from: Double, _ to: Double, of length: Int) -> Range<Int> {
        let start = min(max(0, even(Int((from * Double(length)).rounded()))), length - 2)
        let end = min(length, max(start + 2, even(Int((to * Double(length)).rounded()))))
        return start..<end
    }

    private func even(_ value: Int) -> Int { value & ~1 }
}
