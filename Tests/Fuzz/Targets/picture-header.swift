import Bridge

/// What a picture that an operator gives says of itself.
func fuzzPictureHeader(_ bytes: UnsafeRawBufferPointer) {
    guard let header = try? PictureHeader(reading: Array(bytes)) else { return }
    precondition(PictureHeader.sides.contains(header.width) && PictureHeader.sides.contains(header.height))
    // What cuts the picture is inside it.
    let cell = CompositeCell(x: 0, y: 0, width: 1280, height: 720, fit: .cover)
    let part = cell.visiblePart(ofWidth: header.width, height: header.height)
    precondition(part.x >= 0 && part.y >= 0 && part.width >= 2 && part.height >= 2)
    precondition(part.x + part.width <= header.width && part.y + part.height <= header.height)
}
