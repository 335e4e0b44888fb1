import Bridge
import BridgeModel
import Forwarding
import RTP

/// A stream's other selves: on its home worker the replicas that follow it, on another worker the link to the stream that it follows.
struct StreamReplication {
    private struct Follower {
        let link: ReplicaLink
        /// Its worker does not keep up: it gets nothing until it has taken what it was sent.
        var isBehind = false
        /// It has not heard of the order of the encodings.
        var needsLayout = false
    }

    /// What a worker may leave unread: seconds of a large stream. A worker that leaves more stands still.
    private static let unreadLimit = 4 << 20

    /// Padding and reports are not worth waking the replicas for, until it is so many bytes and reports.
    private static let parcelLimit = 64 * 1024
    private static let reportLimit = 16

    /// What this stream follows; nil on its home worker.
    var home: ReplicaLink?
    private var followers: [Follower] = []
    private var parcel = PacketParcel()

    /// More was kept than media alone brings before a frame's end.
    var isFull: Bool { parcel.byteCount > Self.parcelLimit || parcel.reportCount > Self.reportLimit }

    var hasFollowers: Bool { !followers.isEmpty }

    /// Viewers on other workers.
    var viewerCount: Int { followers.reduce(0) { $0 + $1.link.viewerCount } }

    mutating func add(_ link: ReplicaLink) { followers.append(Follower(link: link)) }

    mutating func remove(_ link: ReplicaLink) {
        followers.removeAll { $0.link === link }
        if followers.isEmpty { parcel = PacketParcel() }
    }

    /// Keeps a packet for the replicas.
    mutating func note(_ packet: StreamPacket, bytes: UnsafeRawBufferPointer) {
        guard hasFollowers else { return }
        parcel.append(packet, bytes: bytes)
    }

    /// Keeps a sender report for the replicas.
    mutating func note(_ report: SenderReportView, track: UInt8, epoch: UInt32, arrival: MonotonicTime) {
        guard hasFollowers else { return }
        parcel.append(report, track: track, epoch: epoch, arrival: arrival)
    }

    /// The replicas are to hear of the order of the encodings.
    mutating func noteLayout() {
        for index in followers.indices { followers[index].needsLayout = true }
    }

    /// Tells all replicas.
    func send(_ update: ReplicaUpdate, ports: inout MediaPorts) {
        for follower in followers { ports.post(.replica(.update(follower.link, update)), toWorker: follower.link.worker) }
    }

    /// Sends what was kept. True when a replica goes on that has missed packets: its viewers need a keyframe.
    mutating func deliver(_ layout: PublishedLayout?, ports: inout MediaPorts) -> Bool {
        guard !parcel.isEmpty else { return false }
        let sent = parcel
        parcel = PacketParcel(roomFor: sent)
        var goesOn = false
        for index in followers.indices {
            let link = followers[index].link
            guard link.unreadBytes <= (followers[index].isBehind ? 0 : Self.unreadLimit) else {
                followers[index].isBehind = true
                ports.counters.packetsDropped += UInt64(sent.packetCount)
                continue
            }
            if followers[index].needsLayout, let layout { ports.post(.replica(.update(link, .layout(layout))), toWorker: link.worker) }
            followers[index].needsLayout = false
            goesOn = goesOn || followers[index].isBehind
            followers[index].isBehind = false
            link.sent(sent.byteCount)
            ports.post(.replica(.update(link, .packets(sent))), toWorker: link.worker)
        }
        return goesOn
    }

    /// The stream is over: there is nothing more to follow.
    mutating func end(ports: inout MediaPorts) {
        send(.over, ports: &ports)
        followers = []
        parcel = PacketParcel()
    }
}

// The home worker's side.
extension MediaStream {
    /// Does what a replica asks for.
    func serve(_ request: ReplicaRequest, of link: ReplicaLink, ports: inout MediaPorts, now: MonotonicTime) {
        switch request {
        case .begin:
            feedReplicas(ports: &ports, now: now)
            replication.add(link)
            ports.post(.replica(.update(link, .began(snapshot))), toWorker: link.worker)
        case .end:
            replication.remove(link)
            forgetKeyframeWishes()
        case .keyframe(let track): passKeyframeRequest(of: Int(track), ports: &ports, now: now)
        }
    }

    /// Sends the replicas what came since the last time.
    func feedReplicas(ports: inout MediaPorts, now: MonotonicTime) {
        guard replication.hasFollowers else { return }
        measure(now: now)
        guard replication.deliver(layout, ports: &ports) else { return }
        for track in sources.indices { requestKeyframe(of: track, ports: &ports, now: now) }
    }

    /// The replicas follow other sources from now on.
    func tellReplicas(ports: inout MediaPorts) {
        replication.send(.source(source), ports: &ports)
    }

    private var source: ReplicaSource { ReplicaSource(tracks: sources.map(\.description), layout: layout) }

    /// Packets of tracks that are gone are nobody's any more.
    private var snapshot: ReplicaSnapshot {
        var parcel = PacketParcel()
        for index in cache.firstIndex..<cache.endIndex where sources.indices.contains(Int(cache[index].track)) {
            let packet = StreamPacket(entry: cache[index], frame: cache.frame(at: index))
            cache.withPacket(index) { parcel.append(packet, bytes: $0) }
        }
        for track in sources.indices {
            guard let newest = cache.report(of: UInt8(clamping: track)) else { continue }
            parcel.append(newest.report, track: UInt8(clamping: track), epoch: newest.epoch, arrival: newest.arrival)
        }
        return ReplicaSnapshot(source: source, packets: parcel, layers: layers)
    }
}

// The replica's side.
extension MediaStream {
    /// A replica of the stream behind `link`, as that stood.
    convenience init(
        following link: ReplicaLink, from snapshot: ReplicaSnapshot, options: HubOptions, ports: inout MediaPorts, now: MonotonicTime
    ) {
        self.init(link.stream, options: options)
        replication.home = link
        follow(snapshot.source, ports: &ports, now: now)
        layers = snapshot.layers
        snapshot.packets.forEachPacket { packet, bytes in cacheOnly(packet, bytes: bytes) }
        take(reportsOf: snapshot.packets)
    }

    /// The stream has other sources than before.
    func follow(_ source: ReplicaSource, ports: inout MediaPorts, now: MonotonicTime) {
        guard let home = replication.home else { return }
        if let layout = source.layout { useExtensions(of: layout) }
        replaceSources(source.tracks, source.layout, ports: &ports, now: now) { _, _ in .home(home) }
    }

    /// The order of the publisher's encodings changed.
    func follow(_ layout: PublishedLayout) {
        guard layout.tracks.count == sources.count else { return }
        self.layout = layout
        useEncodings()
    }

    /// Takes what came from the home worker: it is served at the end of the turn, also where the frame goes on, since it was waited for at home.
    func take(_ parcel: PacketParcel) {
        parcel.forEachPacket { packet, bytes in
            guard sources.indices.contains(Int(packet.entry.track)) else { return }
            if packet.frame.revealsKeyframe { sources[Int(packet.entry.track)].gate.keyframeSeen() }
            store(packet, bytes: bytes)
            turn.note(packet.entry.track, endsFrame: true)
        }
        take(reportsOf: parcel)
    }

    private func take(reportsOf parcel: PacketParcel) {
        parcel.forEachReport { report, track, epoch, arrival in
            guard sources.indices.contains(Int(track)) else { return }
            cache.append(report, track: track, epoch: epoch, arrival: arrival)
        }
    }
}
