internal import BridgeModel

/// A wall clock that machines can read in a picture: the top sixteen rows hold 64 blocks of equal width, one for each bit of the milliseconds
/// since 1970 (UTC), most significant first; white is one, black is zero.
///
/// A block is wide enough to survive 4:2:0 and strong compression; read it at its centre, with a threshold of one half.
struct ClockStrip: Sendable {
    /// Rows of luma that the strip covers.
    static let rows = 16
    /// Bits of the clock, one block each.
    static let blocks = 64
    /// Luma of black and white in video range (ITU-R BT.601), and chroma of grey.
    private static let (black, white, grey): (UInt8, UInt8, UInt8) = (16, 235, 128)

    private let width: Int
    private let height: Int
    /// GStreamer's I420 planes have rows of a multiple of four bytes.
    private let lumaStride: Int
    private let chromaStride: Int

    /// For I420 pictures of this size; nil when they are too small for the strip.
    init?(width: Int, height: Int) {
        guard width >= Self.blocks * 4, height >= Self.rows * 2 else { return nil }
        self.width = width
        self.height = height
        lumaStride = (width + 3) & ~3
        chromaStride = ((width + 1) / 2 + 3) & ~3
    }

    /// Draws the clock into a picture; does nothing when `picture` is smaller than its size says.
    func draw(_ time: WallTime, into picture: UnsafeMutableRawBufferPointer) {
        let lumaHeight = (height + 1) & ~1
        let chromaSize = chromaStride * (lumaHeight / 2)
        let chromaStart = lumaStride * lumaHeight
        guard picture.count >= chromaStart + 2 * chromaSize else { return }
        let bits = UInt64(bitPattern: time.milliseconds)
        for block in 0..<Self.blocks {
            let value = bits >> UInt64(Self.blocks - 1 - block) & 1 == 1 ? Self.white : Self.black
            let (from, to) = (block * width / Self.blocks, (block + 1) * width / Self.blocks)
            for row in 0..<Self.rows { fill(picture, from: row * lumaStride + from, count: to - from, value) }
        }
        for plane in 0..<2 {
            fill(picture, from: chromaStart + plane * chromaSize, count: Self.rows / 2 * chromaStride, Self.grey)
        }
    }

    /// Reads the clock from a decoded I420 picture of this size; nil when it is too small.
    func read(_ picture: UnsafeRawBufferPointer) -> WallTime? {
        guard picture.count >= lumaStride * Self.rows else { return nil }
        let row = Self.rows / 2 * lumaStride
        let bits = (0..<Self.blocks).reduce(UInt64(0)) { bits, block in
            let centre = (2 * block + 1) * width / (2 * Self.blocks)
            return bits << 1 | (picture[row + centre] >= 128 ? 1 : 0)
        }
        return WallTime(milliseconds: Int64(bitPattern: bits))
    }

    private func fill(_ picture: UnsafeMutableRawBufferPointer, from start: Int, count: Int, _ value: UInt8) {
        UnsafeMutableRawBufferPointer(rebasing: picture[start..<start + count]).initializeMemory(as: UInt8.self, repeating: value)
    }
}
