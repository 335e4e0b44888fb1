package import BridgeModel

/// Where the clusters of a Matroska or WebM file lie, one entry each: what is needed to read from any moment on.
///
/// The file may grow, be cut at any byte, or be finished: `extend` goes on where it stopped. Of closed clusters only the head is read. Memory
/// is one entry a cluster, `largestCount` at most; what comes later in the file is not indexed. Clusters that fill a gap have none.
package struct ClusterIndex: Sendable {
    /// One cluster with at least one frame.
    package struct Entry: Sendable, Equatable {
        /// Of the cluster's first byte, from the beginning of the file.
        package var offset: UInt64
        /// Of its first frame, from the file's time zero; never before an earlier entry's.
        package var start: Duration
        /// Of its last frame; where the next entry begins, when that is within `longestCluster` of it: no gap lies between.
        package var end: Duration
        /// Decoding can begin here: it begins with a keyframe of a video track, or there is no video.
        package var isKeyframe: Bool
    }

    /// Entries at most: eleven days of clusters of a second.
    package static let largestCount = 1_000_000
    /// A cluster that is followed later than this after its beginning is read to its end, because there may be a gap behind it.
    static let longestCluster: Duration = .milliseconds(1500)

    /// As the header says.
    package let tracks: [MatroskaTrack]
    /// The wall-clock time of time zero; nil when the file does not say.
    package let startedAt: WallTime?
    /// In the order of the file.
    package private(set) var entries: GrowingList<Entry> = []
    /// The latest frame of all.
    package var end: Duration { entries.last?.end ?? .zero }

    private let videoNumbers: Set<UInt8>
    private var position: UInt64
    private var place = Place.between
    /// The last entry's last frame has been looked for.
    private var isEndKnown = true
    /// The clusters' own time, of the one that is being walked.
    private var clusterTime: Int64 = 0

    private enum Place: Equatable {
        /// At an element that is no cluster's child.
        case between
        /// In a cluster that is open-ended, or not all there. `isListed`: it has its entry.
        case inside(cluster: UInt64, isListed: Bool)
        /// Nothing here can be understood, or there is no room for more.
        case over
    }

    /// Reads the header. Throws `noHeader`, also for a file whose header has not been written wholly yet.
    package init(readBytes: @escaping MatroskaReader.ReadBytes) throws(MatroskaReader.Failure) {
        let reader = try MatroskaReader(readBytes: readBytes)
        tracks = reader.tracks
        startedAt = reader.startedAt
        videoNumbers = Set(reader.tracks.filter { $0.codec.kind == .video }.map(\.number))
        position = reader.position
    }

    /// Takes in what has been appended since; `size` is the length of the file now, in bytes.
    package mutating func extend(to size: UInt64, readBytes: @escaping MatroskaReader.ReadBytes) {
        var source = ByteWindow(readBytes: readBytes)
        while position < size, place != .over, entries.count < Self.largestCount {
            guard let element = source.element(at: position), step(element, size: size, &source) else { break }
        }
        settleLast(next: nil, &source)
    }

    /// Takes one element; false when it is not all there yet.
    private mutating func step(_ element: ByteWindow.Element, size: UInt64, _ source: inout ByteWindow) -> Bool {
        if element.id == ElementID.cluster { return beginCluster(element, size: size, &source) }
        guard let length = element.size, length < 1 << 56 else {
            place = .over
            return false
        }
        let next = element.content + length
        guard next <= size else { return false }
        if case .inside(let cluster, let isListed) = place {
            switch element.id {
            case ElementID.timestamp: clusterTime = source.unsigned(at: element.content, count: length)
            case ElementID.simpleBlock:
                guard let block = source.block(at: element.content, count: length), !block.isGap else { break }
                add(block, of: cluster, isListed: isListed, &source)
            case ElementID.cues: place = .between
            default: break
            }
        }
        position = next
        return true
    }

    private mutating func beginCluster(_ element: ByteWindow.Element, size: UInt64, _ source: inout ByteWindow) -> Bool {
        clusterTime = 0
        guard let length = element.size, length < 1 << 56, element.content + length <= size else {
            position = element.content
            place = .inside(cluster: element.start, isListed: false)
            return true
        }
        if let entry = closedEntry(element, length: length, &source) { list(entry, isEndKnown: false, &source) }
        position = element.content + length
        place = .between
        return true
    }

    /// The entry of a whole cluster, by the frames at its beginning; nil without frames, and for one that fills a gap.
    private func closedEntry(_ element: ByteWindow.Element, length: UInt64, _ source: inout ByteWindow) -> Entry? {
        var walk = ClusterWalk(content: element.content, end: element.content + length)
        var entry: Entry?
        while entry?.isKeyframe != true, let block = walk.next(&source) {
            guard !block.isGap else { break }
            let time = Self.time(block, cluster: walk.time)
            guard time <= entry?.start ?? time else { break }
            let isDecodable = videoNumbers.isEmpty || isKeyframe(block)
            entry = Entry(offset: element.start, start: entry?.start ?? time, end: time, isKeyframe: isDecodable)
        }
        return entry
    }

    private mutating func list(_ entry: Entry, isEndKnown: Bool, _ source: inout ByteWindow) {
        var entry = entry
        entry.start = max(entry.start, entries.last?.start ?? .zero)
        entry.end = max(entry.start, entry.end)
        settleLast(next: entry.start, &source)
        entries.append(entry)
        self.isEndKnown = isEndKnown
    }

    /// Finds out where the last entry ends: where the next begins if that is soon, else where its last frame is.
    private mutating func settleLast(next: Duration?, _ source: inout ByteWindow) {
        guard let last = entries.indices.last else { return }
        let isFollowed = next.map { $0 - entries[last].start <= Self.longestCluster } ?? false
        if !isEndKnown, !isFollowed { entries[last].end = lastFrame(of: entries[last], &source) }
        isEndKnown = true
        if let next, next - entries[last].end <= Self.longestCluster { entries[last].end = max(next, entries[last].end) }
    }

    private func lastFrame(of entry: Entry, _ source: inout ByteWindow) -> Duration {
        guard let element = source.element(at: entry.offset), let length = element.size else { return entry.end }
        var walk = ClusterWalk(content: element.content, end: element.content &+ length)
        var latest = entry.end
        while let block = walk.next(&source) { latest = max(latest, Self.time(block, cluster: walk.time)) }
        return latest
    }

    /// A frame of a cluster that is being written.
    private mutating func add(_ block: ByteWindow.Block, of cluster: UInt64, isListed: Bool, _ source: inout ByteWindow) {
        let time = Self.time(block, cluster: clusterTime)
        guard isListed, let last = entries.indices.last else {
            let isDecodable = videoNumbers.isEmpty || isKeyframe(block)
            list(Entry(offset: cluster, start: time, end: time, isKeyframe: isDecodable), isEndKnown: true, &source)
            place = .inside(cluster: cluster, isListed: true)
            return
        }
        if time <= entries[last].start, isKeyframe(block) { entries[last].isKeyframe = true }
        entries[last].end = max(entries[last].end, time)
    }

    private func isKeyframe(_ block: ByteWindow.Block) -> Bool { block.isKeyframe && videoNumbers.contains(block.track) }

    private static func time(_ block: ByteWindow.Block, cluster: Int64) -> Duration {
        .milliseconds(min(max(0, cluster &+ Int64(block.relativeTime)), MatroskaReader.latestMilliseconds))
    }

    /// The entry to read from for frames at `time`: the last that begins there or before; nil before the first.
    package func entry(at time: Duration) -> Int? {
        let after = entries.partitioningIndex { $0.start > time }
        return after == 0 ? nil : after - 1
    }
}

extension GrowingList<ClusterIndex.Entry> {
    /// The first index whose entry `belongs` to the second part; entries are ordered so that all of the first part come before.
    fileprivate func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
