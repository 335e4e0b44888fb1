import Bridge
import BridgeModel
import Forwarding
import LinuxIO
import PeerTransport

/// A worker's life: waits for descriptors, commands and deadlines, and serves them. It lives in the frame of the worker's thread.
struct MediaLoop: ~Copyable {
    /// Batches read from one source before others have their turn.
    private static let batchesPerTurn = 4

    private let mailbox: Mailbox
    private var ports: MediaPorts
    private var batch = DatagramBatch(datagramSize: MediaDatagram.maximumSize)
    private var streams: MediaStreams
    /// Nil while the edge is off.
    private var edge: EdgeLoop?
    private var isRunning = true

    init(epoll: consuming Epoll, mailboxes: [Mailbox], number: Int, options: HubOptions, edge parts: EdgeWorkerParts?) {
        ports = MediaPorts(epoll: epoll, edge: EdgePort(socket: parts?.socket, listener: parts?.listener), mailboxes: mailboxes)
        streams = MediaStreams(options: options)
        mailbox = mailboxes[number]
        edge = nil
        guard let parts else { return }
        let capacity = parts.environment.peersPerWorker * PeerTable.pathsPerPeer
        let exchange = EdgeExchange(worker: number, mailboxes: mailboxes, capacity: capacity)
        // It fails only when OpenSSL lacks a cipher that the engine asked for before: then peers are refused.
        edge = try? EdgeLoop(parts.environment, exchange: exchange, now: Self.now)
    }

    /// Runs until `shutdown` is commanded.
    mutating func run(_ load: WorkerLoad) {
        var meter = LoadMeter(load, now: Self.now)
        isRunning = ports.open(mailbox.wakeUp.descriptor, owner: .mailbox) != nil && ports.openPeers()
        while isRunning {
            let before = Self.now
            let timeout = deadline.map { $0.duration(since: before) }
            // The descriptor is ours and valid: waiting cannot fail but by a signal, which counts as no event.
            guard let count = try? ports.wait(timeout: timeout) else { break }
            let now = Self.now
            meter.waited(from: before, to: now)
            for index in 0..<count { serve(index, now: now) }
            if let deadline, now >= deadline { tick(now: now) }
            finishTurn(now: now)
        }
        end()
    }

    private static var now: MonotonicTime { MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds) }

    private var deadline: MonotonicTime? {
        switch edge {
        case .some(let edge): MonotonicTime.earlier(MonotonicTime.earlier(streams.deadline, edge.controlDeadline), edge.nextSweep)
        case .none: streams.deadline
        }
    }

    private mutating func serve(_ index: Int, now: MonotonicTime) {
        guard let (event, owner) = ports.ready(index) else { return }
        switch owner {
        case .mailbox:
            for command in mailbox.takeAll() { execute(command, now: now) }
        case .peers:
            if event.isWritable { resumePeers(now: now) }
            edge?.receive(streams: &streams, ports: &ports, now: now)
        case .listener: edge?.accept(ports: &ports, now: now)
        case .connection(let connection): edge?.serve(connection, event, streams: &streams, ports: &ports, now: now)
        case .source(let stream, let track):
            receive(from: stream, track: track, event: event, now: now)
            streams.heed(stream)
        case .sink(let stream):
            stream.serve(event, batch: &batch, ports: &ports, now: now)
            streams.heed(stream)
        }
    }

    /// What was written for peers leaves, whoever brought it: a peer, a child or a command.
    private mutating func finishTurn(now: MonotonicTime) {
        edge?.finishTurn(streams: &streams, ports: &ports, now: now)
        edge?.closeOrphans(streams: &streams, ports: &ports, now: now)
        ports.edge.flush()
        ports.settlePeers()
    }

    private mutating func receive(from stream: MediaStream, track: Int, event: Epoll.Event, now: MonotonicTime) {
        // The token tells a source from the one that replaced it.
        guard stream.sources.indices.contains(track), case .child(let socket, event.token) = stream.sources[track].origin else { return }
        var isOpen = !event.isClosed
        turn: for _ in 0..<Self.batchesPerTurn {
            switch batch.receive(from: socket) {
            case .datagrams(let count):
                for number in 0..<count { stream.ingest(batch.datagram(number), from: track, ports: &ports, now: now) }
                stream.pump(ports: &ports, now: now)
                guard count == DatagramBatch.capacity else { break turn }
            case .empty: break turn
            case .closed:
                isOpen = false
                break turn
            }
        }
        guard !isOpen else { return }
        // The descriptor stays open, and its number taken, until the stream is unpublished or replaced.
        ports.forget(socket.descriptor, token: event.token)
        stream.sources[track].origin = .child(socket, token: nil)
    }

    /// The socket of the peers has room again.
    private mutating func resumePeers(now: MonotonicTime) {
        ports.edge.unblock()
        for stream in streams.all { stream.serveViewers(news: .all, ports: &ports, now: now) }
    }

    private mutating func tick(now: MonotonicTime) {
        if let deadline = streams.deadline, now >= deadline { streams.tick(ports: &ports, now: now) }
        if let nextSweep = edge?.nextSweep, now >= nextSweep { edge?.sweep(streams: &streams, ports: &ports, now: now) }
        edge?.sendDueControl(ports: &ports, now: now)
    }

    private mutating func end() {
        for command in mailbox.close() { command.decline() }
        edge?.closeAll(streams: &streams, ports: &ports, now: Self.now)
        streams.removeAll(ports: &ports)
    }
}

extension MediaLoop {
    private mutating func execute(_ command: WorkerCommand, now: MonotonicTime) {
        switch command {
        case .publish(let id, let tracks, let sources):
            streams.publish(id, tracks: tracks, sources: sources, ports: &ports, now: now)
        case .unpublish(let id, let source): streams.unpublish(id, source: source, ports: &ports, now: now)
        case .subscribe(let subscription): subscribe(subscription, now: now)
        case .unsubscribe(let subscriber): streams.unsubscribe(subscriber, ports: &ports)
        case .requestKeyframe(let id, let track):
            guard let stream = streams[id] else { return }
            stream.requestKeyframe(of: Int(track), ports: &ports, now: now)
            streams.heed(stream)
        case .keepPreRoll(let id, let length):
            guard let stream = streams[id] else { return }
            stream.keepPreRoll(length, now: now)
            streams.heed(stream)
        case .statistics(let id, let continuation): continuation.resume(returning: streams[id]?.statistics(now: now))
        case .totals(let continuation): continuation.resume(returning: totals)
        case .edge(let command): execute(command, now: now)
        case .replica(.request(let link, let request)): streams.serve(request, of: link, ports: &ports, now: now)
        case .replica(.update(let link, let update)): edge?.take(update, of: link, streams: &streams, ports: &ports, now: now)
        case .shutdown: isRunning = false
        }
    }

    private mutating func execute(_ command: EdgeCommand, now: MonotonicTime) {
        guard edge != nil else { return command.decline() }
        edge?.execute(command, streams: &streams, ports: &ports, now: now)
    }

    private var totals: HubTotals {
        var totals = ports.counters
        totals.streams = streams.count
        totals.subscribers = streams.subscriberCount
        return totals
    }

    private mutating func subscribe(_ subscription: Subscription, now: MonotonicTime) {
        guard let stream = streams[subscription.stream] else {
            for (track, sink) in zip(subscription.tracks, subscription.sinks) {
                MediaStream.refuse(DatagramSocket(descriptor: sink.rawValue), track: track, now: now)
            }
            for sink in subscription.sinks.dropFirst(subscription.tracks.count) { closeDescriptor(sink.rawValue) }
            return
        }
        stream.subscribe(subscription, ports: &ports, now: now)
        streams.heed(stream)
    }
}
