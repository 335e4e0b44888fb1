import BridgeModel

/// Streams of other workers that peers of this one watch: each is there from its first viewer on until some time after its last.
struct StreamReplicas {
    private struct Replica {
        let link: ReplicaLink
        /// Nil until the home worker has said how the stream stands.
        var stream: MediaStream?
        /// Viewers that wait for that.
        var waiting: [PeerID] = []
        /// Since when nobody watches.
        var idleSince: MonotonicTime?
    }

    /// How long a replica waits for another viewer: to begin one costs a copy of the stream's cache.
    private static let idleLimit: Duration = .seconds(2)

    private let options: HubOptions
    private var replicas: [StreamID: Replica] = [:]

    init(options: HubOptions) { self.options = options }

    /// The replica of a stream, if its home worker has answered.
    subscript(id: StreamID) -> MediaStream? { replicas[id]?.stream }

    /// All that have begun.
    var streams: [MediaStream] { replicas.isEmpty ? [] : replicas.values.compactMap(\.stream) }

    /// A peer of `worker` is to watch a stream that lives on `home`: it is named by `begin` when that has answered.
    mutating func wait(for id: StreamID, on home: Int, _ peer: PeerID, worker: Int, ports: inout MediaPorts) {
        if replicas[id] == nil {
            let link = ReplicaLink(stream: id, home: home, worker: worker)
            replicas[id] = Replica(link: link)
            ports.post(.replica(.request(link, .begin)), toWorker: home)
        }
        replicas[id]?.waiting.append(peer)
    }

    /// The home worker has answered: the replica, and who waited for it. Nil when it is not wanted any more.
    mutating func begin(
        _ link: ReplicaLink, from snapshot: ReplicaSnapshot, ports: inout MediaPorts, now: MonotonicTime
    ) -> (stream: MediaStream, waiting: [PeerID])? {
        guard let replica = replicas[link.stream], replica.link === link else { return nil }
        let stream = MediaStream(following: link, from: snapshot, options: options, ports: &ports, now: now)
        replicas[link.stream] = Replica(link: link, stream: stream)
        return (stream, replica.waiting)
    }

    /// The replica that something is said about; nil when it is not there any more.
    func stream(of link: ReplicaLink) -> MediaStream? {
        guard let replica = replicas[link.stream], replica.link === link else { return nil }
        return replica.stream
    }

    /// The stream is over, or there is none: who waited for it.
    mutating func end(_ link: ReplicaLink, ports: inout MediaPorts) -> [PeerID] {
        guard let replica = replicas[link.stream], replica.link === link else { return [] }
        replicas[link.stream] = nil
        for viewer in replica.stream?.viewers.viewers ?? [] { ports.edge.orphans.append(EdgeOrphan(viewer)) }
        return replica.waiting
    }

    /// Gives up what nobody watches.
    mutating func removeIdle(ports: inout MediaPorts, now: MonotonicTime) {
        for (id, replica) in replicas where replica.stream?.viewers.isEmpty == true {
            guard let since = replica.idleSince else {
                replicas[id]?.idleSince = now
                continue
            }
            guard now.duration(since: since) >= Self.idleLimit else { continue }
            replicas[id] = nil
            ports.post(.replica(.request(replica.link, .end)), toWorker: replica.link.home)
        }
        for (id, replica) in replicas where replica.idleSince != nil && replica.stream?.viewers.isEmpty == false {
            replicas[id]?.idleSince = nil
        }
    }

    mutating func removeAll() { replicas = [:] }
}
