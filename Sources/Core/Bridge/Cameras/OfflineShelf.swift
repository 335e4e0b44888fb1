/// What a camera has recorded while it was not connected, and what it gives up for it: the oldest files go first, and only whole ones.
package struct OfflineShelf: Sendable {
    /// Bytes of all files.
    package let limit: Int64
    /// The newest last; the one that is being written is the last.
    private var files: [(path: String, bytes: Int64)] = []

    private static let (smallestFile, largestFile): (Int64, Int64) = (1 << 20, 256 << 20)

    /// `files`: those of earlier runs, the oldest first.
    package init(limit: Int64, files: [(path: String, bytes: Int64)] = []) {
        self.limit = limit
        self.files = files
    }

    /// How large a file may grow before the next one begins: an eighth of the limit, so that what is given up for the newest is little.
    package var fileBytes: Int64 { min(Self.largestFile, max(Self.smallestFile, limit / 8)) }

    /// Bytes of all files.
    package var bytes: Int64 { files.reduce(0) { $0 + $1.bytes } }

    /// A file is so large now; returns the paths of those that must go, the oldest first. The newest file stays, whatever its size.
    package mutating func noted(_ path: String, bytes: Int64) -> [String] {
        if let place = files.lastIndex(where: { $0.path == path }) {
            files[place].bytes = bytes
        } else {
            files.append((path, bytes))
        }
        var sum = self.bytes
        var removed: [String] = []
        while sum > limit, files.count > 1 {
            let oldest = files.removeFirst()
            sum -= oldest.bytes
            removed.append(oldest.path)
        }
        return removed
    }
}
