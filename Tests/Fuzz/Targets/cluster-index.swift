import Matroska

/// A file that grows while it is indexed: the first two bytes say how long it is at the first look.
func fuzzClusterIndex(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 2 else { return }
    let file = Array(bytes.dropFirst(2))
    let first = min(file.count, Int(bytes[0]) << 8 | Int(bytes[1]))
    func reading(_ size: Int) -> MatroskaReader.ReadBytes {
        { offset, count in
            guard offset < UInt64(size) else { return [] }
            return Array(file[Int(offset)..<min(size, Int(offset) + count)])
        }
    }
    guard var index = (try? ClusterIndex(readBytes: reading(first))) ?? (try? ClusterIndex(readBytes: reading(file.count))) else { return }
    index.extend(to: UInt64(first), readBytes: reading(first))
    index.extend(to: UInt64(file.count), readBytes: reading(file.count))
    var latest = Duration.zero
    for entry in index.entries {
        precondition(entry.start >= latest && entry.end >= entry.start && entry.offset < UInt64(file.count))
        latest = entry.start
    }
}
