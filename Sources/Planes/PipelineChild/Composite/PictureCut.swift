internal import Bridge

/// Cuts a part out of an I420 picture whose planes lie as GStreamer lays them: rows of a multiple of four bytes, an even number of luma rows.
enum PictureCut {
    /// The planes of a picture of this size.
    struct Layout {
        let lumaStride: Int
        let chromaStride: Int
        let lumaRows: Int
        let chromaRows: Int

        init(width: Int, height: Int) {
            lumaStride = (width + 3) & ~3
            chromaStride = ((width + 1) / 2 + 3) & ~3
            lumaRows = (height + 1) & ~1
            chromaRows = lumaRows / 2
        }

        var size: Int { lumaStride * lumaRows + 2 * chromaStride * chromaRows }
    }

    /// The part's own picture; nil when the part is not inside, or the picture is smaller than its size says. `part` is even.
    static func cut(_ part: CompositeCell, from picture: RawPicture) -> RawPicture? {
        let source = Layout(width: picture.width, height: picture.height)
        guard part.x >= 0, part.y >= 0, part.width > 0, part.height > 0, part.x + part.width <= picture.width,
            part.y + part.height <= picture.height, picture.bytes.count >= source.size
        else { return nil }
        guard part.width != picture.width || part.height != picture.height else { return picture }
        let target = Layout(width: part.width, height: part.height)
        var bytes = [UInt8](repeating: 0, count: target.size)
        for row in 0..<part.height {
            let from = (part.y + row) * source.lumaStride + part.x
            let to = row * target.lumaStride
            bytes.replaceSubrange(to..<to + part.width, with: picture.bytes[from..<from + part.width])
        }
        for plane in 0..<2 {
            let sourceStart = source.lumaStride * source.lumaRows + plane * source.chromaStride * source.chromaRows
            let targetStart = target.lumaStride * target.lumaRows + plane * target.chromaStride * target.chromaRows
            for row in 0..<part.height / 2 {
                let from = sourceStart + (part.y / 2 + row) * source.chromaStride + part.x / 2
                let to = targetStart + row * target.chromaStride
                bytes.replaceSubrange(to..<to + part.width / 2, with: picture.bytes[from..<from + part.width / 2])
            }
        }
        let caps = "video/x-raw,format=I420,width=\(part.width),height=\(part.height),framerate=0/1,pixel-aspect-ratio=1/1"
        return RawPicture(caps: caps, bytes: bytes, time: picture.time, width: part.width, height: part.height)
    }
}
