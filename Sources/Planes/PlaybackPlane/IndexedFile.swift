internal import Bridge
internal import BridgeModel
internal import ISOMedia
internal import LinuxIO
internal import Matroska
internal import Synchronization

/// A file of a recording with its index, which follows the file while it grows. Calls block: they are for the pool's threads.
final class IndexedFile: Sendable {
    let path: String
    let container: Container
    private let file: ReadableFile
    private let index = Mutex<MediaIndex?>(nil)

    /// Nil when it cannot be opened: it has been moved or removed since.
    init?(path: String, container: Container) {
        guard let file = try? ReadableFile(path: path) else { return nil }
        self.path = path
        self.file = file
        self.container = container
    }

    /// It has been removed, and is kept by being open here.
    var isRemoved: Bool { file.isRemoved }

    /// The index of what is there now, and how long the file is that it is of; nil for a file without a whole header.
    func refreshed() -> (index: MediaIndex, size: UInt64)? {
        index.withLock { index in
            let size = file.size
            switch index {
            case nil: index = begin(size)
            case .clusters(var clusters):
                // The index is in two places while it is changed: without this, all of it would be copied.
                index = nil
                clusters.extend(to: size, readBytes: readBytes)
                index = .clusters(clusters)
            case .movie: break
            }
            return index.map { ($0, size) }
        }
    }

    private func begin(_ size: UInt64) -> MediaIndex? {
        if container == .mp4 { return MovieIndex(fileSize: size, readBytes: readBytes).map(MediaIndex.movie) }
        guard var clusters = try? ClusterIndex(readBytes: readBytes) else { return nil }
        clusters.extend(to: size, readBytes: readBytes)
        return .clusters(clusters)
    }

    /// Frames from the fragment of this number on, on the file's own timeline.
    func frames(of index: MediaIndex, from fragment: Int) -> FrameCursor? {
        switch index {
        case .clusters(let clusters):
            guard clusters.entries.indices.contains(fragment), var reader = try? MatroskaReader(readBytes: readBytes) else { return nil }
            reader.move(toCluster: clusters.entries[fragment].offset)
            return .matroska(reader)
        case .movie(let movie):
            guard movie.fragments.indices.contains(fragment) else { return nil }
            return .movie(movie, next: movie.fragments[fragment].first, read: readBytes)
        }
    }

    private var readBytes: MatroskaReader.ReadBytes {
        { [file] offset, count in file.read(at: offset, count: count) }
    }
}

/// Goes through the frames of a file.
enum FrameCursor {
    case matroska(MatroskaReader)
    case movie(MovieIndex, next: Int, read: MatroskaReader.ReadBytes)

    /// The next frame in the order of the file; nil at its end, and where it has been cut.
    mutating func next() -> MatroskaFrame? {
        switch self {
        case .matroska(var reader):
            let frame = reader.next()
            self = .matroska(reader)
            return frame
        case .movie(let index, let next, let read):
            guard index.samples.indices.contains(next) else { return nil }
            self = .movie(index, next: next + 1, read: read)
            let (track, sample) = index.samples[next]
            let bytes = read(sample.offset, Int(sample.size))
            guard bytes.count == Int(sample.size) else { return nil }
            return MatroskaFrame(track: track, time: sample.time, isKeyframe: sample.isKeyframe, bytes: bytes)
        }
    }
}
