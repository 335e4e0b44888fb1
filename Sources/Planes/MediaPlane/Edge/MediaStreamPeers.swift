import Bridge
import BridgeModel
import Forwarding
import RTP

/// Peers that watch, with the times at which they want to be served: those lie together, since all are looked at often.
struct StreamViewers {
    /// Viewers are not served of themselves more often than this; a pacer that opens meanwhile waits for it.
    private static let granularity: Duration = .milliseconds(2)

    /// What may be late is due together, whoever's it is, so that few turns are made for it: nanoseconds.
    private static let rhythm: UInt64 = 20_000_000

    private(set) var viewers: [EdgeViewer] = []
    /// Nanoseconds, by viewer; `UInt64.max` without a deadline.
    private var deadlines: [UInt64] = []
    /// The tracks whose packets are for a viewer, by viewer: a layer that nobody of them takes wakes none.
    private var interests: [TrackSet] = []
    /// Who is served first in the next round.
    private var first = 0
    /// When a viewer is to be served although no packet came.
    private(set) var deadline: MonotonicTime?

    var isEmpty: Bool { viewers.isEmpty }
    var count: Int { viewers.count }

    mutating func append(_ viewer: EdgeViewer) {
        viewer.place = viewers.count
        viewers.append(viewer)
        deadlines.append(0)
        interests.append(.all)
    }

    /// A viewer said something that may ask for an answer: it is served with those whose time has come.
    mutating func noteDue(_ viewer: EdgeViewer) {
        guard viewers.indices.contains(viewer.place) else { return }
        deadlines[viewer.place] = 0
    }

    mutating func remove(_ viewer: EdgeViewer) {
        let index = viewer.place
        guard viewers.indices.contains(index), viewers[index] === viewer else { return }
        viewers[viewers.count - 1].place = index
        viewers.swapAt(index, viewers.count - 1)
        deadlines.swapAt(index, deadlines.count - 1)
        interests.swapAt(index, interests.count - 1)
        viewers.removeLast()
        deadlines.removeLast()
        interests.removeLast()
        // Whoever is left is served when it says; without anybody that time would stay in the past, and the worker awake.
        if viewers.isEmpty { deadline = nil }
    }

    /// Serves those whom packets of `news` are for and those whose time has come, and says which tracks they want keyframes of. When the port is full,
    /// those that were not served come first the next time, whatever is new then.
    mutating func serve(
        from cache: borrowing GOPCache, _ layers: borrowing StreamLayers, news: TrackSet, port: inout EdgePort, now: MonotonicTime
    ) -> TrackSet {
        var wanted = TrackSet()
        if first >= viewers.count { first = 0 }
        for _ in viewers.indices {
            let index = first
            let isDue = deadlines[index] <= now.nanoseconds
            if isDue || !interests[index].isDisjoint(with: news) {
                guard let wish = viewers[index].serve(from: cache, layers, isDue: isDue, port: &port, now: now) else { break }
                wanted.formUnion(wish.keyframes)
                deadlines[index] = wish.isPunctual ? wish.deadline : Self.beat(after: wish.deadline)
                interests[index] = wish.interest
            }
            first = index + 1 == viewers.count ? 0 : index + 1
        }
        noteDeadline(now: now)
        return wanted
    }

    /// The time from then on that is everybody's.
    private static func beat(after time: UInt64) -> UInt64 {
        time > .max - rhythm ? time : (time + rhythm - 1) / rhythm * rhythm
    }

    private mutating func noteDeadline(now: MonotonicTime) {
        let earliest = deadlines.min() ?? .max
        deadline = earliest == .max ? nil : max(MonotonicTime(nanoseconds: earliest), now.advanced(by: Self.granularity))
    }
}

/// What a worker's turn brought to a stream whose publisher is a peer.
struct StreamTurn {
    /// The worker has to finish its turn with the stream.
    var isOpen = false
    /// Tracks of which packets came that nobody was served yet.
    private(set) var news = TrackSet()
    /// Tracks whose newest packet does not end its frame.
    private var open = TrackSet()
    /// Until when the ends of frames are waited for.
    private(set) var heldUntil: MonotonicTime?

    /// A packet came. Nobody can decode half a frame: viewers may wait for the rest of it.
    mutating func note(_ track: UInt8, endsFrame: Bool) {
        guard track < 64 else { return news = .all }
        news.insert(track)
        if endsFrame { open.remove(track) } else { open.insert(track) }
    }

    /// The tracks that are to be served now: all of which there is news, save those whose frame goes on, for as long as they may be held.
    mutating func take(holding longest: Duration?, now: MonotonicTime) -> TrackSet {
        var ready = news
        if longest != nil, now < heldUntil ?? .distantFuture { ready = news.subtracting(open) }
        news = news.subtracting(ready)
        heldUntil = news.isEmpty ? nil : heldUntil ?? longest.map { now.advanced(by: $0) }
        return ready
    }
}

extension MonotonicTime {
    fileprivate static var distantFuture: MonotonicTime { MonotonicTime(nanoseconds: .max) }
}

extension MediaStream {
    /// A connected peer begins to watch.
    func add(_ viewer: EdgeViewer, ports: inout MediaPorts, now: MonotonicTime) {
        viewers.append(viewer)
        replication.home?.viewerCount = viewers.count
        serveViewers(news: TrackSet(), ports: &ports, now: now)
    }

    /// A peer watches no more.
    func remove(_ viewer: EdgeViewer) {
        viewers.remove(viewer)
        replication.home?.viewerCount = viewers.count
        forgetKeyframeWishes()
    }

    /// Brings viewers as near to the live edge as their pacers and the port let them: those whom packets of `news` are for, and those whose time has come.
    func serveViewers(news: TrackSet, ports: inout MediaPorts, now: MonotonicTime) {
        guard !viewers.isEmpty else { return }
        if news.isEmpty { measure(now: now) }
        // Moved out for the time of the call, since viewers look at the stream.
        var serving = StreamViewers()
        swap(&serving, &viewers)
        let wanted = serving.serve(from: cache, layers, news: news, port: &ports.edge, now: now)
        swap(&serving, &viewers)
        for track in wanted { requestKeyframe(of: Int(track), ports: &ports, now: now) }
    }

    /// Serves whom the worker's turn concerns: those whom its packets are for, and those whose time has come. Video waits for the end of its frame, but not
    /// for long, so that a viewer's frame leaves with one call.
    func finishTurn(ports: inout MediaPorts, now: MonotonicTime) {
        let holds = viewers.count >= Self.viewersWorthHolding || replication.hasFollowers
        let hadNews = !turn.news.isEmpty
        let ready = turn.take(holding: holds ? Self.longestHold : nil, now: now)
        if !ready.isEmpty || replication.isFull { feedReplicas(ports: &ports, now: now) }
        if hadNews { pumpSinks(ports: &ports, now: now) }
        serveViewers(news: ready, ports: &ports, now: now)
    }

    /// Below so many viewers a frame is sent as it comes: what batches save is little.
    private static let viewersWorthHolding = 16
    private static let longestHold: Duration = .milliseconds(4)

    /// Takes a packet of a publisher that is a peer.
    func append(_ packet: IngressPacket, of track: Int, bytes: UnsafeRawBufferPointer, arrival: MonotonicTime, ports: inout MediaPorts) {
        guard sources.indices.contains(track), sources[track].isForwarded else { return }
        ports.counters.packetsIn += 1
        turn.note(UInt8(clamping: track), endsFrame: sources[track].description.kind != .video || packet.header.marker)
        if packet.frame.revealsKeyframe { sources[track].gate.keyframeSeen() }
        sources[track].count(packet, bytes: bytes.count, arrival: arrival)
        let entry = GOPCache.Entry(
            track: UInt8(track), epoch: sources[track].epoch, header: packet.header, arrival: arrival, descriptor: packet.descriptor)
        store(
            StreamPacket(entry: entry, frame: packet.frame, beginsEpoch: sources[track].takeBeginning() || packet.beginsEpoch), bytes: bytes
        )
    }

    /// Takes a peer's packet without payload: its number is spent, and is not to seem lost. There is nothing in it to wake anybody for.
    func appendPadding(_ bytes: UnsafeRawBufferPointer, of track: Int, arrival: MonotonicTime) {
        guard sources.indices.contains(track), sources[track].isForwarded, let packet = RTPPacketView(reading: bytes) else { return }
        var descriptor = PacketDescriptor(packet)
        descriptor.flags = .isPadding
        let entry = GOPCache.Entry(
            track: UInt8(track), epoch: sources[track].epoch, header: RTPHeader(packet), arrival: arrival, descriptor: descriptor)
        store(StreamPacket(entry: entry, frame: FrameTracker.Observation()), bytes: bytes)
    }

    /// Takes a sender report of such a publisher.
    func append(_ report: SenderReportView, of track: Int, arrival: MonotonicTime) {
        guard sources.indices.contains(track), sources[track].isForwarded else { return }
        store(report, track: UInt8(track), epoch: sources[track].epoch, arrival: arrival)
    }
}
