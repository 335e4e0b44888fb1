internal import BridgeModel
internal import LinuxIO
internal import LoadGeneration
internal import SecureTransport

/// The state of a loop's thread: all peers, their sockets and timers, and what is measured over all of them.
final class LoadWorker {
    /// A deadline of each peer beside the others: a thousand are looked through in a microsecond.
    private struct Slots {
        var peers: [LoadPeer?] = []
        var deadlines: [UInt64] = []
        var free: [Int] = []
        var bySlot: [PeerID: Int] = [:]
    }

    private let tools: PeerTools
    private var epoll: Epoll
    private var inbox = UDPReceiveBatch()
    private var slots = Slots()
    private var meters: LoadMeters

    /// The token of what wakes the loop; slots are far below.
    static let wakeToken = UInt64.max
    /// Messages that are taken from one socket before the others have their turn.
    private static let turns = 4
    /// The longest sleep: bounds what a slip of a timer costs.
    private static let longestWait: Duration = .milliseconds(100)

    init(context: DTLSContext, wakeUp: EventFD, streams: Int) throws {
        tools = try PeerTools(context: context)
        epoll = try Epoll()
        meters = LoadMeters(streams: streams)
        try epoll.add(wakeUp.descriptor, token: Self.wakeToken)
    }

    private var now: MonotonicTime { MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds) }

    /// Waits for the first thing that happens, and does all that is due. Throws when the kernel's epoll fails.
    func turn() throws(SystemError) {
        let wait = tickAll(now: now)
        let count = try epoll.wait(timeout: wait)
        for index in 0..<count {
            let event = epoll.event(index)
            guard event.token != Self.wakeToken else { continue }
            receive(slot: Int(truncatingIfNeeded: event.token))
        }
    }

    private func tickAll(now: MonotonicTime) -> Duration {
        var earliest = UInt64.max
        for slot in slots.deadlines.indices {
            if slots.deadlines[slot] <= now.nanoseconds, let peer = slots.peers[slot] {
                peer.tick(now: now)
                slots.deadlines[slot] = peer.deadline.nanoseconds
            }
            earliest = min(earliest, slots.deadlines[slot])
        }
        let wait = Duration.nanoseconds(Int64(clamping: earliest) - Int64(clamping: now.nanoseconds))
        return min(max(.zero, wait), Self.longestWait)
    }

    private func receive(slot: Int) {
        guard slots.peers.indices.contains(slot), let peer = slots.peers[slot] else { return }
        let now = now
        for _ in 0..<Self.turns {
            guard case .messages(let count) = inbox.receive(from: peer.socket) else { break }
            for index in 0..<count {
                let message = inbox.message(index)
                message.forEachDatagram { datagram in
                    let observation = peer.receive(datagram, from: message.route.remote, now: now)
                    if let stream = peer.stream { meters.note(observation, stream: stream) }
                }
            }
            if count < UDPReceiveBatch.capacity { break }
        }
        slots.deadlines[slot] = peer.deadline.nanoseconds
    }
}

// MARK: - Commands

extension LoadWorker {
    /// Takes a peer in; `whenJoined` is told when it joined, or why it did not, in which case it is gone.
    func join(_ plan: PeerPlan, as id: PeerID, whenJoined: @escaping (JoinFailure?) -> Void) {
        do throws(JoinFailure) {
            let peer = try LoadPeer(plan, tools: tools, now: now, whenJoined: whenJoined)
            let slot = slots.free.popLast() ?? addSlot()
            do throws(SystemError) {
                try epoll.add(peer.socket.descriptor, token: UInt64(slot))
            } catch {
                slots.free.append(slot)
                throw .local
            }
            slots.peers[slot] = peer
            slots.deadlines[slot] = 0
            slots.bySlot[id] = slot
        } catch {
            whenJoined(error)
        }
    }

    private func addSlot() -> Int {
        slots.peers.append(nil)
        slots.deadlines.append(.max)
        return slots.peers.count - 1
    }

    /// Lets a peer go; nil when there is none of this id.
    func leave(_ id: PeerID, saysGoodbye: Bool) -> PeerRecord? {
        guard let slot = slots.bySlot.removeValue(forKey: id), let peer = slots.peers[slot] else { return nil }
        let record = peer.leave(saysGoodbye: saysGoodbye)
        // The descriptor is the peer's alone; epoll forgets it when it is closed, too.
        try? epoll.remove(peer.socket.descriptor)
        slots.peers[slot] = nil
        slots.deadlines[slot] = .max
        slots.free.append(slot)
        return record
    }

    /// Ends every join that is not complete: the run is stopped.
    func abandonJoins() {
        for peer in slots.peers { if let peer, peer.isJoining { peer.end(.stopped) } }
    }

    /// The measured time begins for the viewers that are there.
    func beginWindow() {
        for peer in slots.peers {
            guard let peer, peer.stream != nil, peer.record.ending == nil else { continue }
            peer.windowMark = peer.counters
        }
        meters.beginWindow(now: now, processor: SystemClocks.processorNanoseconds)
    }

    /// The measured time is over.
    func endWindow() -> WindowTally {
        let viewers = slots.peers.compactMap { peer -> WindowTally.Viewer? in
            guard let peer, let mark = peer.windowMark, let stream = peer.stream else { return nil }
            return WindowTally.Viewer(stream: stream, counters: peer.counters - mark)
        }
        return meters.endWindow(viewers, now: now, processor: SystemClocks.processorNanoseconds)
    }

    /// Media packets of all viewers so far.
    var packets: UInt64 { meters.packets }
}

/// What is measured over all viewers.
private struct LoadMeters {
    /// The newest packet of each stream that any viewer saw: as many were published, and one.
    private var newest: [UInt64]
    private var newestAtBegin: [UInt64] = []
    private var latency = DurationHistogram()
    private var began: (time: MonotonicTime, processor: UInt64)?
    private(set) var packets: UInt64 = 0

    init(streams: Int) { newest = [UInt64](repeating: 0, count: max(1, streams)) }

    mutating func note(_ observation: ViewerReception.Observation, stream: Int) {
        switch observation {
        case .nothing: return
        case .media: packets += 1
        case .stamped(let counter, let delay):
            packets += 1
            if newest.indices.contains(stream) { newest[stream] = max(newest[stream], counter) }
            if let delay, began != nil { latency.add(delay) }
        }
    }

    mutating func beginWindow(now: MonotonicTime, processor: UInt64) {
        began = (now, processor)
        newestAtBegin = newest
        latency = DurationHistogram()
    }

    mutating func endWindow(_ viewers: [WindowTally.Viewer], now: MonotonicTime, processor: UInt64) -> WindowTally {
        let start = began ?? (now, processor)
        defer { began = nil }
        return WindowTally(
            length: now.duration(since: start.0), viewers: viewers,
            published: zip(newest, newestAtBegin).map { $0 > $1 ? $0 - $1 : 0 }, latency: latency,
            processor: .nanoseconds(Int64(clamping: processor > start.1 ? processor - start.1 : 0)))
    }
}
