package import BridgeModel

/// Which media worker a new viewer gets. The viewers of one stream may sit on all of them: every worker but the stream's home then holds a replica of
/// the stream, which costs a copy of each packet and a cache.
///
/// So a worker is filled before another one begins: the next viewer goes to a worker that has the stream and few of its viewers, and only when there
/// is none to the least busy of all. Peers count beside the measured load, which follows seconds after a rush.
package struct ViewerPlacement: Sendable {
    /// Share of a worker's time that a peer is taken to cost until the load tells: about what a viewer of 2 Mbit/s takes.
    private static let costOfPeer = 0.0005

    private let capacity: Int
    private let loadLimit: Double
    private let share: Int
    /// By worker.
    private var peers: [Int]
    /// Of each stream, by worker.
    private var viewers: [StreamID: [Int]] = [:]

    /// `capacity`: the most peers of one worker. `loadLimit`: from this share of its time on a worker takes no viewer. `share`: viewers of a stream that
    /// a worker gets before another one begins, at least one.
    package init(workers: Int, capacity: Int, loadLimit: Double, share: Int) {
        self.capacity = capacity
        self.loadLimit = loadLimit
        self.share = max(1, share)
        peers = Array(repeating: 0, count: max(1, workers))
    }

    /// The worker for a viewer of a stream that lives on `home`; nil when none has room. `loads` is how busy each worker was, 0...1.
    package func worker(for stream: StreamID, home: Int, loads: [Double]) -> Int? {
        let own = viewers[stream] ?? []
        func count(_ worker: Int) -> Int { own.indices.contains(worker) ? own[worker] : 0 }
        func isBetter(_ left: Int, _ right: Int) -> Bool {
            (busyness(left, loads), left == home ? 0 : 1, left) < (busyness(right, loads), right == home ? 0 : 1, right)
        }
        let open = peers.indices.filter { hasRoom($0) && load($0, loads) < loadLimit }
        let begun = open.filter { ($0 == home || count($0) > 0) && count($0) < share }
        return begun.min(by: isBetter) ?? open.min(by: isBetter)
    }

    /// The worker for a peer that is sent several streams: the least busy of all; nil when none has room.
    package func worker(loads: [Double]) -> Int? {
        peers.indices.filter { hasRoom($0) && load($0, loads) < loadLimit }.min { busyness($0, loads) < busyness($1, loads) }
    }

    /// Whether a worker takes another peer at all.
    package func hasRoom(_ worker: Int) -> Bool { peers.indices.contains(worker) && peers[worker] < capacity }

    /// A peer was given to a worker; `stream` is what it watches, nil for a publisher.
    package mutating func add(to worker: Int, watching stream: StreamID?) { change(by: 1, worker, stream) }

    /// It is over.
    package mutating func remove(from worker: Int, watching stream: StreamID?) { change(by: -1, worker, stream) }

    private mutating func change(by step: Int, _ worker: Int, _ stream: StreamID?) {
        peers[worker] += step
        guard let stream else { return }
        viewers[stream, default: Array(repeating: 0, count: peers.count)][worker] += step
        if viewers[stream]?.allSatisfy({ $0 == 0 }) == true { viewers[stream] = nil }
    }

    private func load(_ worker: Int, _ loads: [Double]) -> Double { loads.indices.contains(worker) ? loads[worker] : 0 }

    private func busyness(_ worker: Int, _ loads: [Double]) -> Double { load(worker, loads) + Double(peers[worker]) * Self.costOfPeer }
}
