import Bridge
import BridgeModel
import Forwarding
import RTP

/// Peers that watch, with the times at which they want to be served: those lie together, since all are looked at often.
struct StreamViewers {
    /// Viewers are not served of themselves more often than this; a pacer that opens meanwhile waits for it.
    private static let granularity: Duration = .milliseconds(2)

    private(set) var viewers: [EdgeViewer] = []
    /// Nanoseconds, by viewer; `UInt64.max` without a deadline.
    private var deadlines: [UInt64] = []
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
        viewers.removeLast()
        deadlines.removeLast()
    }

    /// Serves all, or those whose time has come, and says which tracks they want keyframes of. When the port is full, those that were not served
    /// come first the next time.
    mutating func serve(_ stream: MediaStream, onlyDue: Bool, port: inout EdgePort, now: MonotonicTime) -> TrackSet {
        var wanted = TrackSet()
        if first >= viewers.count { first = 0 }
        for _ in viewers.indices {
            let index = first
            let isDue = deadlines[index] <= now.nanoseconds
            if isDue || !onlyDue {
                guard viewers[index].serve(stream, isDue: isDue, port: &port, now: now) else { break }
                wanted.formUnion(viewers[index].takeKeyframeRequests(now: now))
                deadlines[index] = viewers[index].deadline?.nanoseconds ?? .max
            }
            first = index + 1 == viewers.count ? 0 : index + 1
        }
        noteDeadline(now: now)
        return wanted
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
    /// Packets came, and nobody was served yet.
    var hasNews = false
    /// The newest of them does not end its frame.
    var isFrameOpen = false
    /// Until when the end of the frame is waited for.
    var heldUntil: MonotonicTime?
}

extension MonotonicTime {
    fileprivate static var distantFuture: MonotonicTime { MonotonicTime(nanoseconds: .max) }
}

extension MediaStream {
    /// A connected peer begins to watch.
    func add(_ viewer: EdgeViewer, ports: inout MediaPorts, now: MonotonicTime) {
        viewers.append(viewer)
        replication.home?.viewerCount = viewers.count
        serveViewers(onlyDue: true, ports: &ports, now: now)
    }

    /// A peer watches no more.
    func remove(_ viewer: EdgeViewer) {
        viewers.remove(viewer)
        replication.home?.viewerCount = viewers.count
        forgetKeyframeWishes()
    }

    /// Brings every viewer as near to the live edge as its pacer and the port let it, or those whose time has come.
    func serveViewers(onlyDue: Bool, ports: inout MediaPorts, now: MonotonicTime) {
        guard !viewers.isEmpty else { return }
        if onlyDue { measure(now: now) }
        // Moved out for the time of the call, since viewers look at the stream.
        var serving = StreamViewers()
        swap(&serving, &viewers)
        let wanted = serving.serve(self, onlyDue: onlyDue, port: &ports.edge, now: now)
        swap(&serving, &viewers)
        for track in wanted { requestKeyframe(of: Int(track), ports: &ports, now: now) }
    }

    /// Serves whom the worker's turn concerns: everybody when packets came, else those whose time has come. Video waits for the end of its frame, but
    /// not for long, so that a viewer's frame leaves with one call: nobody can decode half of it.
    func finishTurn(ports: inout MediaPorts, now: MonotonicTime) {
        let holds = turn.isFrameOpen && (viewers.count >= Self.viewersWorthHolding || replication.hasFollowers)
        if turn.hasNews, holds, now < turn.heldUntil ?? .distantFuture {
            turn.heldUntil = turn.heldUntil ?? now.advanced(by: Self.longestHold)
            pumpSinks(ports: &ports, now: now)
            return serveViewers(onlyDue: true, ports: &ports, now: now)
        }
        turn.heldUntil = nil
        if turn.hasNews || replication.isFull { feedReplicas(ports: &ports, now: now) }
        if turn.hasNews { pumpSinks(ports: &ports, now: now) }
        serveViewers(onlyDue: !turn.hasNews, ports: &ports, now: now)
        turn.hasNews = false
    }

    /// Below so many viewers a frame is sent as it comes: what batches save is little.
    private static let viewersWorthHolding = 16
    private static let longestHold: Duration = .milliseconds(4)

    /// Takes a packet of a publisher that is a peer.
    func append(_ packet: IngressPacket, of track: Int, bytes: UnsafeRawBufferPointer, arrival: MonotonicTime, ports: inout MediaPorts) {
        guard sources.indices.contains(track), sources[track].isForwarded else { return }
        ports.counters.packetsIn += 1
        turn.hasNews = true
        turn.isFrameOpen = sources[track].description.kind == .video && !packet.header.marker
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
