import Bridge
import BridgeModel
import LinuxIO
import Forwarding

/// The streams of one worker.
struct MediaStreams {
    private let options: HubOptions
    private var published: [StreamID: MediaStream] = [:]
    /// Unpublished streams whose sinks still take what is left.
    private var lingering: [MediaStream] = []
    /// Of streams that live on other workers.
    var replicas: StreamReplicas
    /// Not later than the earliest deadline of any stream.
    private(set) var deadline: MonotonicTime?

    init(options: HubOptions) {
        self.options = options
        replicas = StreamReplicas(options: options)
    }

    /// The stream that is published under this id.
    subscript(id: StreamID) -> MediaStream? { published[id] }

    /// How many are published.
    var count: Int { published.count }
    /// How many subscribers this worker has.
    var subscriberCount: Int { (Array(published.values) + replicas.streams).reduce(0) { $0 + $1.subscriberCount } }

    /// Published and lingering ones, and replicas.
    var all: [MediaStream] { Array(published.values) + lingering + replicas.streams }

    /// Notes a stream's deadline.
    mutating func heed(_ stream: MediaStream) { deadline = MonotonicTime.earlier(deadline, stream.deadline) }

    /// Takes the sources of a stream, new or live.
    mutating func publish(
        _ id: StreamID, tracks: [TrackDescription], sources: [MediaDescriptor], ports: inout MediaPorts, now: MonotonicTime
    ) {
        let stream = published[id] ?? MediaStream(id, options: options)
        published[id] = stream
        stream.publish(tracks, from: sources, ports: &ports, now: now)
        heed(stream)
    }

    /// The same with the tracks of a peer.
    mutating func publish(
        _ id: StreamID, layout: PublishedLayout, from peer: EdgePeer, ports: inout MediaPorts, now: MonotonicTime
    ) -> MediaStream {
        let stream = published[id] ?? MediaStream(id, options: options)
        published[id] = stream
        stream.publish(layout, from: peer, ports: &ports, now: now)
        heed(stream)
        return stream
    }

    /// Ends a stream, unless its source was replaced since.
    mutating func unpublish(_ id: StreamID, source: StreamSource, ports: inout MediaPorts, now: MonotonicTime) {
        guard let stream = published[id], stream.sources.first?.isFrom(source) == true else { return }
        end(stream, ports: &ports, now: now)
    }

    private mutating func end(_ stream: MediaStream, ports: inout MediaPorts, now: MonotonicTime) {
        published[stream.id] = nil
        stream.feedReplicas(ports: &ports, now: now)
        stream.closeSources(ports: &ports)
        stream.endSinks(.afterRest) { _ in true }
        for viewer in stream.viewers.viewers { ports.edge.orphans.append(EdgeOrphan(viewer)) }
        stream.replication.end(ports: &ports)
        stream.lingersUntil = now.advanced(by: options.lingering)
        stream.pump(ports: &ports, now: now)
        guard !stream.sinks.isEmpty else { return }
        lingering.append(stream)
        heed(stream)
    }

    /// Does what a replica of a stream of this worker's asks for. One of a stream that is not there is told so.
    mutating func serve(_ request: ReplicaRequest, of link: ReplicaLink, ports: inout MediaPorts, now: MonotonicTime) {
        guard let stream = published[link.stream] else {
            if case .begin = request { ports.post(.replica(.update(link, .over)), toWorker: link.worker) }
            return
        }
        stream.serve(request, of: link, ports: &ports, now: now)
        heed(stream)
    }

    /// Takes a subscriber's sinks away, wherever they are.
    mutating func unsubscribe(_ subscriber: PipelineID, ports: inout MediaPorts) {
        for stream in all { stream.removeSinks(ports: &ports) { $0.subscriber == subscriber } }
        lingering.removeAll { $0.sinks.isEmpty }
    }

    /// Does what the clock asks for.
    mutating func tick(ports: inout MediaPorts, now: MonotonicTime) {
        deadline = nil
        for stream in published.values { tick(stream, ports: &ports, now: now) }
        for stream in replicas.streams { tick(stream, ports: &ports, now: now) }
        for stream in lingering { stream.tick(ports: &ports, now: now) }
        lingering.removeAll { $0.sinks.isEmpty }
        for stream in lingering { heed(stream) }
    }

    private mutating func tick(_ stream: MediaStream, ports: inout MediaPorts, now: MonotonicTime) {
        guard let due = stream.deadline else { return }
        if due <= now { stream.tick(ports: &ports, now: now) }
        heed(stream)
    }

    /// Closes everything. Sinks are told nothing.
    mutating func removeAll(ports: inout MediaPorts) {
        for stream in all {
            stream.closeSources(ports: &ports)
            stream.removeSinks(ports: &ports) { _ in true }
        }
        published = [:]
        lingering = []
        replicas.removeAll()
    }
}
