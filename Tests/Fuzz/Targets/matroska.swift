import Matroska

/// A recording as it may lie on the disk after a crash: header and frames, which end at the cut.
func fuzzMatroska(_ bytes: UnsafeRawBufferPointer) {
    let file = Array(bytes)
    let readBytes: MatroskaReader.ReadBytes = { offset, count in
        guard offset < UInt64(file.count) else { return [] }
        return Array(file[Int(offset)...].prefix(count))
    }
    guard var reader = try? MatroskaReader(readBytes: readBytes) else { return }
    precondition(!reader.tracks.isEmpty)
    var total = 0
    while let frame = reader.next() {
        precondition(reader.tracks.contains { $0.number == frame.track })
        total += frame.bytes.count
    }
    precondition(total <= file.count)
}
