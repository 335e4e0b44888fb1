import Bridge
import BridgeModel
import LinuxIO

/// A worker's life: waits for descriptors, commands and deadlines, and serves them. It lives in the frame of the worker's thread.
struct MediaLoop: ~Copyable {
    /// Batches read from one source before others have their turn.
    private static let batchesPerTurn = 4

    private let mailbox: Mailbox
    private let options: HubOptions
    private var ports: MediaPorts
    private var batch = DatagramBatch(datagramSize: MediaDatagram.maximumSize)
    private var streams: [StreamID: MediaStream] = [:]
    /// Unpublished streams whose sinks still take what is left.
    private var lingering: [MediaStream] = []
    /// Not later than the earliest deadline of any stream.
    private var deadline: MonotonicTime?
    private var isRunning = true

    init(epoll: consuming Epoll, mailbox: Mailbox, options: HubOptions) {
        ports = MediaPorts(epoll: epoll)
        self.mailbox = mailbox
        self.options = options
    }

    /// Runs until `shutdown` is commanded.
    mutating func run() {
        isRunning = ports.open(mailbox.wakeUp.descriptor, owner: .mailbox) != nil
        while isRunning {
            let timeout = deadline.map { $0.duration(since: Self.now) }
            // The descriptor is ours and valid: waiting cannot fail but by a signal, which counts as no event.
            guard let count = try? ports.wait(timeout: timeout) else { break }
            let now = Self.now
            for index in 0..<count { serve(index, now: now) }
            if let deadline, now >= deadline { tick(now: now) }
        }
        end()
    }

    private static var now: MonotonicTime { MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds) }

    private mutating func serve(_ index: Int, now: MonotonicTime) {
        guard let (event, owner) = ports.ready(index) else { return }
        switch owner {
        case .mailbox:
            for command in mailbox.takeAll() { execute(command, now: now) }
        case .source(let stream, let track):
            receive(from: stream, track: track, event: event, now: now)
            heed(stream)
        case .sink(let stream):
            stream.serve(event, batch: &batch, ports: &ports, now: now)
            heed(stream)
        }
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

    /// Notes a stream's deadline.
    private mutating func heed(_ stream: MediaStream) { deadline = MonotonicTime.earlier(deadline, stream.deadline) }

    private mutating func tick(now: MonotonicTime) {
        deadline = nil
        for stream in streams.values {
            stream.tick(ports: &ports, now: now)
            heed(stream)
        }
        for stream in lingering { stream.tick(ports: &ports, now: now) }
        lingering.removeAll { $0.sinks.isEmpty }
        for stream in lingering { heed(stream) }
    }

    private mutating func end() {
        for command in mailbox.close() { command.decline() }
        for stream in Array(streams.values) + lingering {
            stream.closeSources(ports: &ports)
            stream.removeSinks(ports: &ports) { _ in true }
        }
        streams = [:]
        lingering = []
    }
}

extension MediaLoop {
    private mutating func execute(_ command: WorkerCommand, now: MonotonicTime) {
        switch command {
        case .publish(let id, let tracks, let sources): publish(id, tracks: tracks, sources: sources, now: now)
        case .unpublish(let id, let source): unpublish(id, source: source, now: now)
        case .subscribe(let subscription): subscribe(subscription, now: now)
        case .unsubscribe(let subscriber):
            for stream in Array(streams.values) + lingering { stream.removeSinks(ports: &ports) { $0.subscriber == subscriber } }
            lingering.removeAll { $0.sinks.isEmpty }
        case .requestKeyframe(let id, let track):
            guard let stream = streams[id] else { return }
            stream.requestKeyframe(of: Int(track), ports: &ports, now: now)
            heed(stream)
        case .statistics(let id, let continuation): continuation.resume(returning: streams[id]?.statistics)
        case .totals(let continuation): continuation.resume(returning: totals)
        case .shutdown: isRunning = false
        }
    }

    private var totals: HubTotals {
        var totals = ports.counters
        totals.streams = streams.count
        totals.subscribers = streams.values.reduce(0) { $0 + $1.subscriberCount }
        return totals
    }

    private mutating func publish(_ id: StreamID, tracks: [TrackDescription], sources: [MediaDescriptor], now: MonotonicTime) {
        let stream = streams[id] ?? MediaStream(id, options: options)
        streams[id] = stream
        stream.publish(tracks, from: sources, ports: &ports, now: now)
        heed(stream)
    }

    private mutating func unpublish(_ id: StreamID, source: MediaDescriptor, now: MonotonicTime) {
        guard let stream = streams[id], stream.sources.first?.socket?.descriptor == source.rawValue else { return }
        streams[id] = nil
        stream.closeSources(ports: &ports)
        stream.endSinks(.afterRest) { _ in true }
        stream.lingersUntil = now.advanced(by: options.lingering)
        stream.pump(ports: &ports, now: now)
        guard !stream.sinks.isEmpty else { return }
        lingering.append(stream)
        heed(stream)
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
        heed(stream)
    }
}
