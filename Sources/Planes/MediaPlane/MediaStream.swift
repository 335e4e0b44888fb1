import Bridge
import BridgeModel
import Forwarding
import LinuxIO
import RTP

/// One published stream on its worker: sources, cache and sinks. A class, since the worker's tables share it; it never leaves the worker's thread.
final class MediaStream {
    /// How old a datagram's time may claim to be.
    private static let oldestArrival: Duration = .seconds(5)

    let id: StreamID
    let options: HubOptions
    var sources: [MediaSource] = []
    var sinks: [MediaSink] = []
    /// Peers that watch.
    var viewers = StreamViewers()
    /// What the worker's turn has to do with this stream.
    var turn = StreamTurn()
    /// What the publisher negotiated, where it is a peer: for viewers that join.
    var layout: PublishedLayout?
    var cache: GOPCache
    /// What the tracks' layers cost.
    var layers: StreamLayers
    /// What is remembered of the sources.
    var memory = StreamMemory()
    /// The stream on other workers.
    var replication = StreamReplication()
    /// Set when the stream was unpublished: its sinks take what is left until then.
    var lingersUntil: MonotonicTime?

    init(_ id: StreamID, options: HubOptions) {
        self.id = id
        self.options = options
        cache = GOPCache(trackCount: 0, limits: options.cache)
        layers = StreamLayers(trackCount: 0)
    }

    /// When `tick` is to be called next.
    var deadline: MonotonicTime? {
        var earliest = MonotonicTime.earlier(lingersUntil, viewers.deadline)
        earliest = MonotonicTime.earlier(earliest, turn.heldUntil)
        earliest = MonotonicTime.earlier(earliest, memory.preRoll?.nextLook)
        for source in sources { earliest = MonotonicTime.earlier(earliest, source.gate.deadline) }
        for sink in sinks where !sink.isFull { earliest = MonotonicTime.earlier(earliest, sink.egress.deadline) }
        return earliest
    }

    /// How many subscribers there are, whatever number of tracks each has.
    var subscriberCount: Int { Set(sinks.map(\.subscriber)).count + viewers.count }

    /// Takes a datagram that came from source `track`.
    func ingest(_ bytes: UnsafeRawBufferPointer, from track: Int, ports: inout MediaPorts, now: MonotonicTime) {
        guard let datagram = MediaDatagram(reading: bytes), datagram.track == UInt8(track) else {
            ports.counters.malformed += 1
            return
        }
        let content = UnsafeRawBufferPointer(rebasing: bytes[MediaDatagram.headerSize...])
        let arrival = believable(datagram.time, now: now)
        let isTaken: Bool
        switch datagram.kind {
        case .rtp: isTaken = ingest(rtp: content, track: track, arrival: arrival, ports: &ports)
        case .senderReport: isTaken = ingest(report: content, track: track, arrival: arrival)
        case .keyframeRequest, .end: isTaken = false
        }
        if !isTaken { ports.counters.malformed += 1 }
    }

    /// Takes an RTP packet of `track`; false when it is none of the track's.
    func ingest(rtp bytes: UnsafeRawBufferPointer, track: Int, arrival: MonotonicTime, ports: inout MediaPorts) -> Bool {
        guard let packet = RTPPacketView(reading: bytes), let accepted = sources[track].ingress.accept(packet, arrival: arrival) else {
            return false
        }
        memory.newestArrival = arrival
        ports.counters.packetsIn += 1
        if accepted.frame.revealsKeyframe { sources[track].gate.keyframeSeen() }
        let entry = GOPCache.Entry(
            track: UInt8(track), epoch: sources[track].ingress.epoch, header: accepted.header, arrival: arrival,
            descriptor: PacketDescriptor(codec: sources[track].description.codec, packet: packet))
        store(StreamPacket(entry: entry, frame: accepted.frame, beginsEpoch: accepted.beginsEpoch), bytes: bytes)
        return true
    }

    /// A report of a source whose packets have not come yet is dropped: the next one is seconds away.
    func ingest(report bytes: UnsafeRawBufferPointer, track: Int, arrival: MonotonicTime) -> Bool {
        guard let report = SenderReportView(inCompound: bytes) else { return false }
        if sources[track].ingress.accepts(report) {
            store(report, track: UInt8(track), epoch: sources[track].ingress.epoch, arrival: arrival)
        }
        return true
    }

    /// Puts a packet into the cache, and on its way to the replicas.
    func store(_ packet: StreamPacket, bytes: UnsafeRawBufferPointer) {
        cacheOnly(packet, bytes: bytes)
        if !packet.entry.descriptor.flags.contains(.isPadding) { layers.count(packet.entry, bytes: bytes.count) }
        replication.note(packet, bytes: bytes)
    }

    /// Puts a packet into the cache and nowhere else.
    func cacheOnly(_ packet: StreamPacket, bytes: UnsafeRawBufferPointer) {
        if packet.beginsEpoch { cache.breakGOP(of: packet.entry.track) }
        cache.append(packet.entry, frame: packet.frame, bytes: bytes)
    }

    /// Keeps a sender report, here and for the replicas.
    func store(_ report: SenderReportView, track: UInt8, epoch: UInt32, arrival: MonotonicTime) {
        cache.append(report, track: track, epoch: epoch, arrival: arrival)
        replication.note(report, track: track, epoch: epoch, arrival: arrival)
    }

    /// A child's clock is ours, but a child may be broken: arrivals never lie in the future, far in the past, or before each other.
    private func believable(_ time: MonotonicTime, now: MonotonicTime) -> MonotonicTime {
        let oldest = max(memory.newestArrival, now.advanced(by: .zero - Self.oldestArrival))
        return max(min(time, now), min(oldest, now))
    }

    /// A sink, or somebody outside, needs a keyframe of `track`.
    func requestKeyframe(of track: Int, ports: inout MediaPorts, now: MonotonicTime) {
        guard isVideo(track) else { return }
        ports.counters.keyframeRequestsIn += 1
        passKeyframeRequest(of: track, ports: &ports, now: now)
    }

    /// Somebody on this worker, who was counted, or on another one needs a keyframe of `track`.
    func passKeyframeRequest(of track: Int, ports: inout MediaPorts, now: MonotonicTime) {
        guard isVideo(track), sources[track].isForwarded, sources[track].gate.request(now: now) else { return }
        sources[track].sendKeyframeRequest(ports: &ports, now: now)
    }

    /// Nobody is left who could wait for a keyframe.
    func forgetKeyframeWishes() {
        guard viewers.isEmpty, sinks.isEmpty, !replication.hasFollowers else { return }
        for track in sources.indices { sources[track].gate.cancel() }
    }

    private func isVideo(_ track: Int) -> Bool { sources.indices.contains(track) && sources[track].description.kind == .video }

    /// Does what the clock asks for: repeated keyframe requests, joiners that wait no longer, the end of lingering.
    func tick(ports: inout MediaPorts, now: MonotonicTime) {
        for track in sources.indices where sources[track].gate.poll(now: now) {
            sources[track].sendKeyframeRequest(ports: &ports, now: now)
        }
        keepKeyframesComing(ports: &ports, now: now)
        pumpSinks(ports: &ports, now: now)
        finishTurn(ports: &ports, now: now)
        guard let lingersUntil, now >= lingersUntil else { return }
        removeSinks(ports: &ports) { _ in true }
    }
}

extension MonotonicTime {
    /// The earlier of two deadlines, either of which may be missing.
    static func earlier(_ left: MonotonicTime?, _ right: MonotonicTime?) -> MonotonicTime? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }
}
