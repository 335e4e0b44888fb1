package import BridgeModel

/// Writes a recording as Matroska or WebM (RFC 9559) so that a cut at any byte leaves a file that plays.
///
/// Every block is complete in itself and clusters are open-ended until they close, so whatever has been appended can be played. `finish`
/// adds what players want besides: the duration, the index and the sizes, in place. A value without IO: bytes to append and to overwrite
/// are collected in `output`, which the caller empties into its file.
package struct MatroskaWriter: Sendable {
    /// What is to be done to the file, in this order.
    package struct Output: Sendable, Equatable {
        /// To be appended.
        package var appended: [UInt8] = []
        /// To be written over what is (or will be, after appending) there.
        package var overwritten: [Overwrite] = []

        package init() {}

        /// True when there is nothing to do.
        package var isEmpty: Bool { appended.isEmpty && overwritten.isEmpty }
    }

    /// Bytes for a fixed place.
    package struct Overwrite: Sendable, Equatable {
        /// From the beginning of the file.
        package var offset: UInt64
        package var bytes: [UInt8]
    }

    /// A cluster that was closed.
    package struct ClosedCluster: Sendable, Equatable {
        /// Length of the file up to and with it.
        package var endOffset: UInt64
        /// Length of the recording up to its end.
        package var duration: Duration
    }

    /// Not yet written to the file.
    package private(set) var output = Output()
    private let tracks: [MatroskaTrack]
    private let videoNumbers: Set<UInt8>
    private let clusterMilliseconds: Int64
    private var size: UInt64 = 0
    private var layout = Layout()
    private var cluster: OpenCluster?
    /// Clusters that were closed since `takeOutput` was called last, and those of the call before: their sizes may not be in the file yet.
    private var justClosed: (pending: [OpenCluster], taken: [OpenCluster]) = ([], [])
    private var cues: [Cue] = []
    private var ends: [UInt8: TrackEnd] = [:]

    /// Begins a file: its header is in `output`. `startedAt` is the wall-clock time of its time zero; a cluster lasts for `cluster` at most.
    package init(_ type: DocumentType, tracks: [MatroskaTrack], startedAt: WallTime, cluster: Duration) {
        self.tracks = tracks
        videoNumbers = Set(tracks.filter { $0.codec.kind == .video }.map(\.number))
        clusterMilliseconds = max(1, cluster.wholeMilliseconds)
        writeHeader(type, startedAt: startedAt)
    }

    /// Bytes of the file, those in `output` included.
    package var fileSize: UInt64 { size }

    /// Length of the recording until now, the last frames' own lengths included.
    package var duration: Duration {
        .milliseconds(ends.values.map { $0.last + $0.step }.max() ?? 0)
    }

    /// Takes what is to be written and empties `output`.
    package mutating func takeOutput() -> Output {
        defer { output = Output() }
        justClosed = (pending: [], taken: justClosed.pending)
        return output
    }

    /// Adds a frame, best in the order of time; a frame from before the beginning is placed there, one of an unknown track is left out.
    /// Returns the cluster that was closed before it, if one was.
    @discardableResult
    package mutating func append(_ frame: MatroskaFrame) -> ClosedCluster? {
        guard tracks.contains(where: { $0.number == frame.track }) else { return nil }
        let time = max(0, frame.time.wholeMilliseconds)
        let closed = needsCluster(for: frame, at: time) ? closeCluster() : nil
        if cluster == nil { openCluster(at: time, isGap: GapSilence.isGap(frame.bytes)) }
        addCue(frame, at: time)
        writeBlock(frame, at: time)
        ends[frame.track, default: TrackEnd(last: time, step: 0)].advance(to: time)
        return closed
    }

    /// Ends the last cluster and writes index, duration and sizes. Returns the recording's length.
    package mutating func finish() -> Duration {
        closeCluster()
        let cuesOffset = size
        let points = cues.map { cue in
            let position =
                EBML.element(ElementID.cueTrack, unsigned: UInt64(cue.track))
                + EBML.element(ElementID.cueClusterPosition, unsigned: cue.offset - layout.segmentContent)
            return EBML.element(
                ElementID.cuePoint,
                EBML.element(ElementID.cueTime, unsigned: UInt64(cue.time)) + EBML.element(ElementID.cueTrackPositions, position))
        }
        if !points.isEmpty { append(EBML.element(ElementID.cues, points.flatMap { $0 })) }
        overwrite(layout.durationValue, EBML.fixedWidth(Double(duration.wholeMilliseconds).bitPattern, bytes: 8))
        overwrite(layout.seekHead, seekHead(cues: cues.isEmpty ? nil : cuesOffset))
        overwrite(layout.segmentSize, EBML.wideSize(size - layout.segmentContent))
        return duration
    }

    /// For a file that could not take all of `output`, and was cut to `fileSize` bytes, where what was taken last begins or ends: sizes and
    /// duration only, nothing to append.
    package mutating func finish(cutTo fileSize: UInt64) -> Duration {
        output = Output()
        for open in justClosed.taken + justClosed.pending + [cluster].compactMap({ $0 }) where open.contentOffset <= fileSize {
            overwrite(open.sizeOffset, EBML.wideSize(min(open.end ?? fileSize, fileSize) - open.contentOffset))
        }
        cluster = nil
        size = fileSize
        guard fileSize >= layout.segmentContent else { return .zero }
        overwrite(layout.durationValue, EBML.fixedWidth(Double(duration.wholeMilliseconds).bitPattern, bytes: 8))
        overwrite(layout.segmentSize, EBML.wideSize(fileSize - layout.segmentContent))
        return duration
    }

    private func needsCluster(for frame: MatroskaFrame, at time: Int64) -> Bool {
        guard let cluster else { return false }
        // A block's time is a signed 16-bit distance from its cluster's (RFC 9559 section 10.1).
        guard time - cluster.time < clusterMilliseconds, time - cluster.time > Int64(Int16.min) else { return true }
        // Browsers' Media Source refuses a block whose time is before that of the block before it in its cluster.
        guard time >= cluster.newest else { return true }
        // What fills a gap stands alone, so that the index can leave it out.
        guard cluster.isGap == GapSilence.isGap(frame.bytes) else { return true }
        return frame.isKeyframe && videoNumbers.contains(frame.track) && time > cluster.time
    }

    /// The index names every keyframe, and without video every cluster.
    private mutating func addCue(_ frame: MatroskaFrame, at time: Int64) {
        guard let cluster, frame.isKeyframe, videoNumbers.contains(frame.track) || (videoNumbers.isEmpty && cluster.isEmpty) else { return }
        cues.append(Cue(time: time, track: frame.track, offset: cluster.sizeOffset - 4))
    }

    private mutating func openCluster(at time: Int64, isGap: Bool) {
        let offset = size
        append(EBML.id(ElementID.cluster) + EBML.unknownSize)
        cluster = OpenCluster(time: time, newest: time, isGap: isGap, sizeOffset: offset + 4, contentOffset: size)
        append(EBML.element(ElementID.timestamp, unsigned: UInt64(time)))
    }

    private mutating func writeBlock(_ frame: MatroskaFrame, at time: Int64) {
        guard let base = cluster?.time else { return }
        cluster?.isEmpty = false
        cluster?.newest = time
        let relative = UInt16(bitPattern: Int16(clamping: time - base))
        let flags: UInt8 = frame.isKeyframe ? 0x80 : 0
        append(EBML.id(ElementID.simpleBlock) + EBML.size(UInt64(frame.bytes.count) + 4))
        append([0x80 | frame.track, UInt8(relative >> 8), UInt8(relative & 0xFF), flags])
        append(frame.bytes)
    }

    /// Ends the open cluster: its size is written over 'unknown'. Nil when none is open.
    @discardableResult
    package mutating func closeCluster() -> ClosedCluster? {
        guard var open = cluster else { return nil }
        overwrite(open.sizeOffset, EBML.wideSize(size - open.contentOffset))
        open.end = size
        justClosed.pending.append(open)
        cluster = nil
        return ClosedCluster(endOffset: size, duration: duration)
    }

    private mutating func append(_ bytes: [UInt8]) {
        output.appended += bytes
        size += UInt64(bytes.count)
    }

    private mutating func overwrite(_ offset: UInt64, _ bytes: [UInt8]) {
        output.overwritten.append(Overwrite(offset: offset, bytes: bytes))
    }
}

// The header: everything before the first cluster.
extension MatroskaWriter {
    /// Places that `finish` writes to, from the beginning of the file.
    private struct Layout {
        var segmentSize: UInt64 = 0
        var segmentContent: UInt64 = 0
        var seekHead: UInt64 = 0
        var info: UInt64 = 0
        var durationValue: UInt64 = 0
        var tracks: UInt64 = 0
    }

    private struct OpenCluster {
        var time: Int64
        /// Of the block that was written last.
        var newest: Int64
        /// It holds silence for a gap, and nothing else.
        var isGap: Bool
        var sizeOffset: UInt64
        var contentOffset: UInt64
        var isEmpty = true
        /// Once it is closed.
        var end: UInt64?
    }

    private struct Cue {
        var time: Int64
        var track: UInt8
        var offset: UInt64
    }

    /// Where a track ends, in milliseconds; a frame is taken to last as long as the one before it, a second at most.
    private struct TrackEnd {
        var last: Int64
        var step: Int64

        mutating func advance(to time: Int64) {
            guard time > last else { return }
            step = min(1000, time - last)
            last = time
        }
    }

    /// Room for a seek head with three entries.
    private static let seekHeadSize = 96

    private mutating func writeHeader(_ type: DocumentType, startedAt: WallTime) {
        append(ebmlHeader(type))
        append(EBML.id(ElementID.segment))
        layout.segmentSize = size
        append(EBML.unknownSize)
        layout.segmentContent = size
        layout.seekHead = size
        append(EBML.void(Self.seekHeadSize))
        layout.info = size
        writeInfo(startedAt: startedAt)
        layout.tracks = size
        append(EBML.element(ElementID.tracks, tracks.flatMap(trackEntry)))
    }

    private func ebmlHeader(_ type: DocumentType) -> [UInt8] {
        let content =
            EBML.element(ElementID.ebmlVersion, unsigned: 1) + EBML.element(ElementID.ebmlReadVersion, unsigned: 1)
            + EBML.element(ElementID.ebmlMaximumIDLength, unsigned: 4) + EBML.element(ElementID.ebmlMaximumSizeLength, unsigned: 8)
            + EBML.element(ElementID.documentType, text: type.rawValue) + EBML.element(ElementID.documentTypeVersion, unsigned: 4)
            + EBML.element(ElementID.documentTypeReadVersion, unsigned: 2)
        return EBML.element(ElementID.ebml, content)
    }

    private mutating func writeInfo(startedAt: WallTime) {
        let before =
            EBML.element(ElementID.timestampScale, unsigned: 1_000_000) + EBML.element(ElementID.muxingApp, text: "Viaduct")
            + EBML.element(ElementID.writingApp, text: "Viaduct")
            + EBML.element(ElementID.dateUTC, EBML.fixedWidth(UInt64(bitPattern: startedAt.nanoseconds - year2001), bytes: 8))
        let duration = EBML.element(ElementID.duration, float: 0)
        append(EBML.element(ElementID.info, before + duration))
        layout.durationValue = size - 8
    }

    private func trackEntry(_ track: MatroskaTrack) -> [UInt8] {
        let codec = track.codec
        var content =
            EBML.element(ElementID.trackNumber, unsigned: UInt64(track.number))
            + EBML.element(ElementID.trackUID, unsigned: UInt64(track.number))
            + EBML.element(ElementID.trackType, unsigned: codec.kind == .video ? 1 : 2)
            + EBML.element(ElementID.flagLacing, unsigned: 0) + EBML.element(ElementID.language, text: "und")
            + EBML.element(ElementID.codecID, text: codec.matroskaID)
        if !track.codecPrivate.isEmpty { content += EBML.element(ElementID.codecPrivate, track.codecPrivate) }
        // A player decodes this much before the place that it seeks to, so that Opus has converged (RFC 7845 section 4.6).
        if codec == .opus { content += EBML.element(ElementID.seekPreRoll, unsigned: 80_000_000) }
        if codec.kind == .video {
            let size =
                EBML.element(ElementID.pixelWidth, unsigned: UInt64(max(1, track.width)))
                + EBML.element(ElementID.pixelHeight, unsigned: UInt64(max(1, track.height)))
            content += EBML.element(ElementID.video, size)
        } else {
            let sound =
                EBML.element(ElementID.samplingFrequency, float: Double(track.sampleRate))
                + EBML.element(ElementID.channels, unsigned: UInt64(max(1, track.channels)))
            content += EBML.element(ElementID.audio, sound)
        }
        return EBML.element(ElementID.trackEntry, content)
    }

    private func seekHead(cues: UInt64?) -> [UInt8] {
        let places: [(UInt32, UInt64?)] = [(ElementID.info, layout.info), (ElementID.tracks, layout.tracks), (ElementID.cues, cues)]
        let entries = places.compactMap { id, offset in
            offset.map { offset in
                EBML.element(
                    ElementID.seek,
                    EBML.element(ElementID.seekID, EBML.id(id))
                        + EBML.element(ElementID.seekPosition, unsigned: offset - layout.segmentContent))
            }
        }
        let head = EBML.element(ElementID.seekHead, entries.flatMap { $0 })
        return head + EBML.void(Self.seekHeadSize - head.count)
    }
}

/// Matroska counts dates from 2001-01-01T00:00:00Z (RFC 8794 section 7.6); in nanoseconds since 1970.
let year2001: Int64 = 978_307_200_000_000_000
