package import BridgeModel
package import RTP

/// The newest packets of one stream, all tracks in the order of their arrival: what a joiner starts from, and what a slow recorder catches up with.
///
/// It reaches back to the beginning of each video track's newest keyframe, and at least `Limits.history` beyond the present. A GOP that grows over the
/// limits loses its beginning and with it its use: joiners then wait for the next keyframe. Packets are numbered; a sink remembers the number of the
/// packet that it gets next. The cache cannot be copied, so that no packet path does so by accident.
package struct GOPCache: ~Copyable {
    /// How much is kept.
    package struct Limits: Sendable, Equatable {
        /// Age at which a GOP is given up.
        package var duration: Duration
        /// Bytes of packets, all tracks together.
        package var bytes: Int
        /// What is kept without regard to keyframes, for sinks that are a little behind.
        package var history: Duration
        /// The same for a stream that is recorded: a recorder that hangs is replaced when it has been silent for a while (`ChildWatch.Limits`), and
        /// the next one goes on where that stopped.
        package var recordedHistory: Duration
        /// Bytes of packets of a stream whose recordings begin before they are asked for (`keepPreRoll`).
        package var preRollBytes: Int

        package init(
            duration: Duration = .seconds(10), bytes: Int = 8 * 1024 * 1024, history: Duration = .seconds(1),
            recordedHistory: Duration = .seconds(8), preRollBytes: Int = 32 * 1024 * 1024
        ) {
            self.preRollBytes = preRollBytes
            self.duration = duration
            self.bytes = bytes
            self.history = history
            self.recordedHistory = recordedHistory
        }
    }

    /// One packet's place in its track.
    package struct Entry: Sendable {
        package let track: UInt8
        /// Which source sent it; see `IngressTrack.epoch`.
        package let epoch: UInt32
        package let header: RTPHeader
        package let arrival: MonotonicTime
        /// Where the payload lies, and what layer it belongs to.
        package let descriptor: PacketDescriptor
        /// Counts the packets of the track.
        package fileprivate(set) var ordinal: UInt64 = 0
        fileprivate var location: PacketStore.Location?

        package init(
            track: UInt8, epoch: UInt32, header: RTPHeader, arrival: MonotonicTime, descriptor: PacketDescriptor = PacketDescriptor()
        ) {
            self.track = track
            self.epoch = epoch
            self.header = header
            self.arrival = arrival
            self.descriptor = descriptor
        }
    }

    /// The newest sender report of a track.
    package struct Report: Sendable {
        package var report: SenderReportView
        package var epoch: UInt32
        package var arrival: MonotonicTime
        /// Counts the track's reports from 1.
        package var version: UInt64
    }

    private struct Track {
        /// Number of the first packet of the frame that is coming in.
        var frameStart: UInt64 = 0
        /// Number of the first packet of the newest keyframe.
        var gopStart: UInt64?
        /// Numbers of the first packets of all keyframes that are held and followed by what came after them.
        var keyframes: [UInt64] = []
        /// It is video that can be begun with, although nothing of it may be held now.
        var hasKeyframes = false
        var nextOrdinal: UInt64 = 0
        var newestTimestamp: UInt32?
        var report: Report?
        var sequences = SequenceIndex()
    }

    private let limits: Limits
    private var isRecorded = false
    private var preRoll: Duration?
    private var tracks: [Track]
    private var entries = IndexedQueue<Entry>()
    private var store = PacketStore()
    /// Bytes of the packets that are held.
    package private(set) var byteCount = 0

    package init(trackCount: Int, limits: Limits = Limits()) {
        self.limits = limits
        tracks = Array(repeating: Track(), count: trackCount)
    }

    /// Number of the oldest packet that is held.
    package var firstIndex: UInt64 { entries.firstIndex }

    /// Number that the next packet gets.
    package var endIndex: UInt64 { entries.endIndex }

    /// The packet with this number, which must be held.
    package subscript(index: UInt64) -> Entry { entries[index] }

    /// The track of the packet with this number, which must be held.
    func track(at index: UInt64) -> UInt8 { entries[index].track }

    /// Makes room for the tracks of a source that has more of them than the last one.
    package mutating func grow(toTrackCount count: Int) {
        while tracks.count < count { tracks.append(Track()) }
    }

    /// Where the newest keyframe of `track` begins; nil without video, before the first keyframe, and after its GOP outgrew the limits.
    package func keyframeStart(of track: UInt8) -> UInt64? { tracks[Int(track)].gopStart }

    /// Where the newest GOPs begin; nil when there is none.
    private var gopsStart: UInt64? { tracks.compactMap(\.gopStart).min() }

    /// Where a recorder's pre-roll begins: the oldest keyframe that is held for any track; nil when there is none. Sound alone begins with the oldest
    /// packet, where a pre-roll is kept.
    package var preRollStart: UInt64? {
        if let keyframe = tracks.compactMap(\.keyframes.first).min() { return keyframe }
        return preRoll == nil || tracks.contains(where: \.hasKeyframes) ? nil : firstIndex
    }

    /// The oldest keyframe of `track` that is held, at `index` or later.
    package func firstKeyframe(of track: UInt8, from index: UInt64) -> UInt64? { tracks[Int(track)].keyframes.first { $0 >= index } }

    /// The oldest keyframe of `track` that is held and arrived at `since` or later.
    package func firstKeyframe(of track: UInt8, arrivedSince since: MonotonicTime) -> UInt64? {
        tracks[Int(track)].keyframes.first { entries[$0].arrival >= since }
    }

    /// When the newest keyframe of `track` came that is held and followed by what came after it; nil when there is none.
    package func newestKeyframe(of track: UInt8) -> MonotonicTime? { tracks[Int(track)].keyframes.last.map { entries[$0].arrival } }

    /// When the last keyframe of `track` at or before `moment` came; nil when none that is held is so old.
    package func keyframeArrival(of track: UInt8, notAfter moment: MonotonicTime) -> MonotonicTime? {
        tracks[Int(track)].keyframes.last { entries[$0].arrival <= moment }.map { entries[$0].arrival }
    }

    /// From now on a recording may begin so long before it is asked for: everything is kept from the last keyframe before that on, as far as
    /// `Limits.preRollBytes` go. nil: no longer.
    package mutating func keepPreRoll(_ duration: Duration?) { preRoll = duration }

    /// The stream has a recorder: from now on `Limits.recordedHistory` is kept.
    package mutating func expectRecorders() { isRecorded = true }

    /// The first packet at `start` or later that arrived at `since` or later; the end when `start` is nil or nothing is so new.
    package func firstIndex(arrivedSince since: MonotonicTime, from start: UInt64?) -> UInt64 {
        guard var index = start else { return endIndex }
        while index < endIndex, self[index].arrival < since { index += 1 }
        return index
    }

    /// The ordinal that the next packet of `track` gets.
    package func nextOrdinal(of track: UInt8) -> UInt64 { tracks[Int(track)].nextOrdinal }

    /// The timestamp of the packet of `track` that came last.
    package func newestTimestamp(of track: UInt8) -> UInt32? { tracks[Int(track)].newestTimestamp }

    /// The newest sender report of `track`.
    package func report(of track: UInt8) -> Report? { tracks[Int(track)].report }

    /// The number of the packet of `track` with this sequence number, of the source whose epoch ends in `epoch`, if it is held.
    package func index(of sequence: UInt16, track: UInt8, epoch: UInt16) -> UInt64? {
        guard tracks.indices.contains(Int(track)), let index = tracks[Int(track)].sequences.index(of: sequence, before: endIndex),
            index >= firstIndex
        else { return nil }
        let entry = entries[index]
        return entry.track == track && UInt16(truncatingIfNeeded: entry.epoch) == epoch && entry.header.sequence == sequence ? index : nil
    }

    /// The whole RTP packet with this number, for the time of `body`.
    package func withPacket<Result>(_ index: UInt64, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard let location = entries[index].location else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return store.withBytes(at: location, body)
    }

    /// What the packet with this number, which must be held, means to a copy of the cache that gets all of them in order: it comes to hold the same
    /// GOPs, and knows where a frame began that is still coming in.
    package func frame(at index: UInt64) -> FrameTracker.Observation {
        let track = tracks[Int(entries[index].track)]
        let beginsGOP = track.gopStart == index
        return FrameTracker.Observation(
            beginsFrame: beginsGOP || track.frameStart == index, endsFrame: entries[index].header.marker, revealsKeyframe: beginsGOP)
    }

    /// Takes the next packet: `bytes` are the whole RTP packet that `entry` and `frame` were read from.
    package mutating func append(_ entry: Entry, frame: FrameTracker.Observation, bytes: UnsafeRawBufferPointer) {
        var entry = entry
        let track = Int(entry.track)
        entry.ordinal = tracks[track].nextOrdinal
        entry.location = store.append(bytes)
        tracks[track].nextOrdinal += 1
        tracks[track].newestTimestamp = entry.header.timestamp
        let index = entries.endIndex
        tracks[track].sequences.note(entry.header.sequence, index: index)
        if frame.beginsFrame { tracks[track].frameStart = index }
        entries.append(entry)
        byteCount += bytes.count
        if frame.revealsKeyframe {
            let start = tracks[track].frameStart
            tracks[track].hasKeyframes = true
            tracks[track].gopStart = start >= entries.firstIndex ? start : nil
            if start >= entries.firstIndex, tracks[track].keyframes.last != start {
                tracks[track].keyframes.append(start)
            }
        }
        trim(now: entry.arrival)
    }

    /// Keeps the newest sender report of `track`.
    package mutating func append(_ report: SenderReportView, track: UInt8, epoch: UInt32, arrival: MonotonicTime) {
        let version = (tracks[Int(track)].report?.version ?? 0) + 1
        tracks[Int(track)].report = Report(report: report, epoch: epoch, arrival: arrival, version: version)
    }

    /// The source of `track` was replaced: what follows does not continue the cached GOP.
    package mutating func breakGOP(of track: UInt8) {
        tracks[Int(track)].gopStart = nil
        tracks[Int(track)].keyframes = []
    }

    private mutating func trim(now: MonotonicTime) {
        let longest = limits.duration + (preRoll ?? .zero)
        for index in tracks.indices {
            guard let start = tracks[index].gopStart, now.duration(since: entries[start].arrival) > longest else { continue }
            // Its first part is not kept any longer, so that nobody can begin with it.
            tracks[index].keyframes.removeAll { $0 <= start }
            tracks[index].gopStart = nil
        }
        let history = max(isRecorded ? max(limits.history, limits.recordedHistory) : limits.history, preRoll ?? .zero)
        let room = preRoll == nil ? limits.bytes : max(limits.bytes, limits.preRollBytes)
        while byteCount > room, !entries.isEmpty { removeFirst() }
        let kept = min(gopsStart ?? .max, preRollKeyframes(now: now) ?? .max)
        while !entries.isEmpty, entries.firstIndex < kept, now.duration(since: entries[entries.firstIndex].arrival) > history {
            removeFirst()
        }
    }

    /// Where the GOPs begin in which the pre-roll does; nil without one.
    private func preRollKeyframes(now: MonotonicTime) -> UInt64? {
        guard let preRoll else { return nil }
        let moment = now.advanced(by: .zero - preRoll)
        var first: UInt64?
        for track in tracks {
            guard let keyframe = track.keyframes.last(where: { entries[$0].arrival <= moment }) else { continue }
            first = min(first ?? keyframe, keyframe)
        }
        return first
    }

    private mutating func removeFirst() {
        let index = entries.firstIndex
        for track in tracks.indices {
            if tracks[track].gopStart == index { tracks[track].gopStart = nil }
            if tracks[track].keyframes.first == index { tracks[track].keyframes.removeFirst() }
        }
        if let location = entries[index].location {
            byteCount -= location.byteCount
            store.removeFirst(location)
        }
        entries.removeFirst()
    }
}
