import Bridge
import BridgeModel
import Forwarding
import LinuxIO

extension MediaStream {
    /// Adds a subscriber; sinks of tracks that do not exist get `end` at once.
    func subscribe(_ subscription: Subscription, ports: inout MediaPorts, now: MonotonicTime) {
        if case .recorded = subscription.timing { cache.expectRecorders() }
        sortEncodings(now: now)
        let timing = resolve(subscription.timing, tracks: subscription.tracks)
        for (track, sink) in zip(subscription.tracks, subscription.sinks) {
            let socket = DatagramSocket(descriptor: sink.rawValue)
            guard let source = sources.first(where: { $0.description.index == track }),
                let token = ports.open(socket.descriptor, owner: .sink(self))
            else {
                MediaStream.refuse(socket, track: track, now: now)
                continue
            }
            let egress = EgressTrack(
                source.description, encoding: bestEncoding(of: track), timing: timing, cache: cache, now: now,
                rules: options.egress)
            sinks.append(MediaSink(subscriber: subscription.subscriber, socket: socket, token: token, egress: egress))
        }
        // A caller that gives more sinks than tracks still gives them away.
        for sink in subscription.sinks.dropFirst(subscription.tracks.count) { closeDescriptor(sink.rawValue) }
        pump(ports: &ports, now: now)
    }

    /// Where a recording that reaches back begins: with the oldest of its pictures' keyframes.
    private func resolve(_ timing: SubscriptionTiming, tracks: [UInt8]) -> SubscriptionTiming {
        guard case .recorded(let since, reachesBack: true) = timing else { return timing }
        let videos = tracks.filter { track in sources.contains { $0.description.index == track && $0.description.kind == .video } }
        let keyframes = videos.compactMap { cache.keyframeArrival(of: bestEncoding(of: $0), notAfter: since) }
        return .recorded(since: keyframes.min() ?? since)
    }

    /// Tells a sink that there is nothing for it.
    static func refuse(_ sink: DatagramSocket, track: UInt8, now: MonotonicTime) {
        withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
            MediaDatagram(kind: .end, track: track, sequence: 0, time: now).write(to: bytes)
            sink.send(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Closes the sinks that match.
    func removeSinks(ports: inout MediaPorts, where isMeant: (MediaSink) -> Bool) {
        for sink in sinks where isMeant(sink) { ports.forget(sink.socket.descriptor, token: sink.token) }
        sinks.removeAll(where: isMeant)
        forgetKeyframeWishes()
    }

    /// Sinks that match get no more packets than `ending` says, then `end`.
    func endSinks(_ ending: MediaSink.Ending, where isMeant: (MediaSink) -> Bool) {
        for index in sinks.indices where isMeant(sinks[index]) { sinks[index].ending = ending }
    }

    /// Brings everybody as near to the live edge as their sockets let them.
    func pump(ports: inout MediaPorts, now: MonotonicTime) {
        feedReplicas(ports: &ports, now: now)
        pumpSinks(ports: &ports, now: now)
        serveViewers(news: .all, ports: &ports, now: now)
    }

    /// The children among them.
    func pumpSinks(ports: inout MediaPorts, now: MonotonicTime) {
        guard !sinks.isEmpty else { return }
        chooseBest(now: now)
        var hasGone = false
        for index in sinks.indices where !sinks[index].isFull {
            guard !pumpSink(index, ports: &ports, now: now) else { continue }
            sinks[index].hasGone = true
            hasGone = true
        }
        if hasGone { removeSinks(ports: &ports) { $0.hasGone } }
    }

    /// The sink's socket is ready: there is room, or something to read, or nobody at the other end.
    func serve(_ event: Epoll.Event, batch: inout DatagramBatch, ports: inout MediaPorts, now: MonotonicTime) {
        guard let index = sinks.firstIndex(where: { $0.token == event.token }) else { return }
        var isOpen = !event.isClosed
        if event.isReadable { isOpen = readRequests(of: index, batch: &batch, ports: &ports, now: now) && isOpen }
        if event.isWritable, isOpen {
            sinks[index].isFull = false
            ports.watchWriting(false, of: sinks[index].socket.descriptor, token: event.token)
            isOpen = pumpSink(index, ports: &ports, now: now)
        }
        guard !isOpen else { return }
        removeSinks(ports: &ports) { $0.token == event.token }
    }

    /// False when the sink is to be removed.
    private func pumpSink(_ index: Int, ports: inout MediaPorts, now: MonotonicTime) -> Bool {
        guard sinks[index].ending != .atOnce else { return finish(index, ports: ports, now: now) }
        sinks[index].egress.aim(at: bestEncoding(of: sinks[index].egress.track), in: cache)
        let (packets, outcome) = sinks[index].pump(cache, now: now)
        ports.counters.packetsOut += packets
        ports.counters.packetsDropped += sinks[index].egress.dropped - sinks[index].countedDrops
        sinks[index].countedDrops = sinks[index].egress.dropped
        switch outcome {
        case .closed: return false
        case .full: waitForRoom(index, ports: ports)
        case .sent:
            guard sinks[index].ending == nil else { return finish(index, ports: ports, now: now) }
            askForKeyframe(index, ports: &ports, now: now)
        }
        return true
    }

    /// All is sent: says so. False when that worked, or nobody is there: the sink may go.
    private func finish(_ index: Int, ports: borrowing MediaPorts, now: MonotonicTime) -> Bool {
        guard sinks[index].sendEnd(now: now) == .full else { return false }
        waitForRoom(index, ports: ports)
        return true
    }

    private func waitForRoom(_ index: Int, ports: borrowing MediaPorts) {
        sinks[index].isFull = true
        ports.watchWriting(true, of: sinks[index].socket.descriptor, token: sinks[index].token)
    }

    private func askForKeyframe(_ index: Int, ports: inout MediaPorts, now: MonotonicTime) {
        guard let track = sinks[index].egress.wantedKeyframe, sources.indices.contains(Int(track)) else {
            sinks[index].wish = nil
            return
        }
        let asked = MediaSink.KeyframeWish(track: track, afterKeyframes: sources[Int(track)].counters.keyframes)
        guard sinks[index].wish != asked else { return }
        sinks[index].wish = asked
        requestKeyframe(of: Int(track), ports: &ports, now: now)
    }

    /// False when nobody is at the other end.
    private func readRequests(of index: Int, batch: inout DatagramBatch, ports: inout MediaPorts, now: MonotonicTime) -> Bool {
        switch batch.receive(from: sinks[index].socket) {
        case .closed: return false
        case .empty: return true
        case .datagrams(let count):
            let track = sinks[index].egress.track
            for number in 0..<count {
                guard let datagram = MediaDatagram(reading: batch.datagram(number)), datagram.kind == .keyframeRequest,
                    datagram.track == track
                else {
                    ports.counters.malformed += 1
                    continue
                }
                requestKeyframe(of: Int(sinks[index].egress.flowingEncoding), ports: &ports, now: now)
            }
            return true
        }
    }
}
