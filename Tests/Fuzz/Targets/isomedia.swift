import ISOMedia

/// An MP4 of anybody's: its index and its fragments.
func fuzzISOMedia(_ bytes: UnsafeRawBufferPointer) {
    let file = Array(bytes)
    let movie = try? MovieReader(fileSize: UInt64(file.count)) { offset, count in
        guard offset < UInt64(file.count) else { return [] }
        return Array(file[Int(offset)...].prefix(count))
    }
    guard let movie else { return }
    precondition(!movie.tracks.isEmpty)
    for track in movie.tracks {
        _ = track.format.codecString
        for sample in movie.samples(ofTrack: track.number) {
            precondition(sample.offset <= UInt64(file.count) && UInt64(sample.size) <= UInt64(file.count) - sample.offset)
        }
    }
}
