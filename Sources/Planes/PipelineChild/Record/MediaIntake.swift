internal import Bridge
internal import BridgeModel
internal import Foundation
internal import LinuxIO
internal import RTP
internal import Synchronization

/// Looks at the media sockets from time to time on a thread of its own, puts every packet on the common timeline and pushes it into its track's chain;
/// asks for keyframes.
///
/// Nobody is woken for a packet: what does not fit into a socket meanwhile waits in the hub's cache.
final class MediaIntake: Sendable {
    /// One track as the intake sees it.
    struct Track: Sendable {
        var description: TrackDescription
        var socket: DatagramSocket
        var sink: any PacketSink
        /// Shared with what takes the frames.
        var keyframes: KeyframeGate?
    }

    /// What is shared with other threads.
    struct Counters: Sendable {
        var packets: UInt64 = 0
        var dropped: UInt64 = 0
    }

    /// How often a keyframe is asked for until one came.
    private static let keyframeRequestInterval: UInt64 = 500_000_000
    /// Between two looks at the sockets: a recording is in no hurry, and a wake-up for each packet would cost the hub and us more than all the rest.
    private static let tick: Duration = .milliseconds(40)
    /// Where so many datagrams came at once, the socket may have been full: more are waited for in short sleeps, s, for one tick at most. A socket holds
    /// 180 with the kernel's usual limits.
    private static let burst = (datagrams: 64, sleep: 0.005, looks: 7)

    private let state: Mutex<IntakeState>
    private let loop: Mutex<DescriptorLoop?> = Mutex(nil)

    init(tracks: [Track]) { state = Mutex(IntakeState(tracks: tracks)) }

    /// Starts the thread; `onTick` runs on it about every 40 ms.
    func start(onTick: @escaping @Sendable (MediaIntake) -> Void) throws(SystemError) {
        let loop = try DescriptorLoop(tick: Self.tick) { [weak self] in
            guard let self else { return }
            for _ in 0..<Self.burst.looks {
                guard state.withLock({ $0.readAll() }) >= Self.burst.datagrams else { break }
                Thread.sleep(forTimeInterval: Self.burst.sleep)
            }
            state.withLock { state in
                let now = SystemClocks.monotonicNanoseconds
                state.endOpenings(now: now)
                state.requestKeyframes(now: now, interval: Self.keyframeRequestInterval)
            }
            onTick(self)
        }
        self.loop.withLock { $0 = loop }
    }

    /// Reads what the sockets hold, ends every chain's stream and stops. `completion` runs on the intake's thread.
    func finish(completion: @escaping @Sendable () -> Void) {
        guard let loop = loop.withLock({ $0.take() }) else { return completion() }
        loop.post { [self] in
            state.withLock { state in
                _ = state.readAll()
                state.end()
            }
            completion()
        }
        loop.stop()
    }

    /// Counters until now.
    var counters: Counters { state.withLock { $0.counters } }

    /// The source's wall clock at the beginning of the recording; nil as long as no sender report tells.
    func captureTime(of beginning: RecordingAssembler.Beginning) -> WallTime? {
        state.withLock { $0.clock.captureTime(track: beginning.track, presentedAt: MonotonicTime(nanoseconds: beginning.time)) }
    }
}

/// A video track's wait for a keyframe, shared by the intake and the streaming thread.
final class KeyframeGate: Sendable {
    private let wait = Mutex(KeyframeWait())

    var isWaiting: Bool { wait.withLock { $0.isWaiting } }
    func cut(from time: UInt64) { wait.withLock { $0.cut(from: time) } }
    func admits(time: UInt64, isKeyframe: Bool) -> Bool { wait.withLock { $0.admits(time: time, isKeyframe: isKeyframe) } }
}

/// Guarded by the intake's lock; only its thread works with it, others read counters and times.
private struct IntakeState: ~Copyable {
    var clock: RTPClock
    var counters = MediaIntake.Counters()
    private var tracks: [MediaIntake.Track]
    private var intakes: [TrackIntake]
    private var openings: [TrackOpening]
    private var requests: [(sequence: UInt32, at: UInt64?)]
    private var batch = DatagramBatch(datagramSize: MediaDatagram.maximumSize)

    init(tracks: [MediaIntake.Track]) {
        self.tracks = tracks
        clock = RTPClock(clockRates: tracks.map(\.description.clockRate))
        intakes = tracks.map { _ in TrackIntake() }
        openings = tracks.map { _ in TrackOpening() }
        requests = tracks.map { _ in (0, nil) }
    }

    /// Takes what the sockets hold, in turns, so that none waits for another that is always full. Returns how many datagrams the fullest one held.
    mutating func readAll() -> Int {
        var counts = tracks.map { _ in 0 }
        var waiting = Array(tracks.indices)
        while !waiting.isEmpty {
            waiting = waiting.filter { track in
                let count = read(track: track)
                counts[track] += count
                return count == DatagramBatch.capacity
            }
        }
        return counts.max() ?? 0
    }

    /// Takes a batch of a socket's datagrams.
    private mutating func read(track: Int) -> Int {
        guard case .datagrams(let count) = batch.receive(from: tracks[track].socket) else { return 0 }
        for number in 0..<count { take(batch.datagram(number), track: track) }
        return count
    }

    /// Pushes what was held back, and ends the chains' streams after it.
    mutating func end() {
        endOpenings(now: .max)
        for track in tracks { track.sink.endOfStream() }
    }

    /// Lets the tracks go on whose opening has been heard.
    mutating func endOpenings(now: UInt64) {
        for track in tracks.indices {
            guard let held = openings[track].end(now: now) else { continue }
            for datagram in held {
                guard datagram.header.kind == .rtp, let timestamp = datagram.timestamp else { continue }
                clock.foresee(track: track, timestamp: timestamp, arrival: datagram.header.time)
            }
            for datagram in held { datagram.payload.withUnsafeBytes { take($0, datagram.header, track: track) } }
        }
    }

    mutating func requestKeyframes(now: UInt64, interval: UInt64) {
        for index in tracks.indices where tracks[index].keyframes?.isWaiting == true {
            if let last = requests[index].at, now < last + interval { continue }
            requests[index] = (requests[index].sequence &+ 1, now)
            let request = MediaDatagram(
                kind: .keyframeRequest, track: tracks[index].description.index, sequence: requests[index].sequence,
                time: MonotonicTime(nanoseconds: now))
            withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
                request.write(to: bytes)
                tracks[index].socket.send(UnsafeRawBufferPointer(bytes))
            }
        }
    }

    private mutating func take(_ datagram: UnsafeRawBufferPointer, track: Int) {
        guard let header = MediaDatagram(reading: datagram) else {
            counters.dropped += 1
            return
        }
        let payload = UnsafeRawBufferPointer(rebasing: datagram[MediaDatagram.headerSize...])
        if header.flags.contains(.discontinuity) { reopen() }
        guard !openings[track].hold(header, payload, now: SystemClocks.monotonicNanoseconds) else { return }
        take(payload, header, track: track)
    }

    /// After a loss: how late the next packets of all tracks are is told by those that follow, as at the beginning.
    private mutating func reopen() {
        clock.expectDiscontinuity()
        for track in openings.indices { openings[track].reopen() }
    }

    private mutating func take(_ payload: UnsafeRawBufferPointer, _ header: MediaDatagram, track: Int) {
        switch header.kind {
        case .rtp: takePacket(payload, header, track: track)
        case .senderReport:
            guard let report = SenderReportView(inCompound: payload) else { return }
            clock.senderReport(track: track, ntp: report.ntp, timestamp: report.rtp, arrival: header.time)
        // The source may come back: the recording goes on then, and ends when it is told to.
        case .end: tracks[track].keyframes?.cut(from: intakes[track].nextTime)
        case .keyframeRequest: return
        }
    }

    private mutating func takePacket(_ bytes: UnsafeRawBufferPointer, _ header: MediaDatagram, track: Int) {
        guard let packet = RTPPacketView(reading: bytes) else {
            counters.dropped += 1
            return
        }
        counters.packets += 1
        let isDiscontinuity = header.flags.contains(.discontinuity)
        if isDiscontinuity { clock.expectDiscontinuity() }
        let time = clock.presentationTime(track: track, timestamp: packet.timestamp, arrival: header.time).nanoseconds
        switch intakes[track].take(sequence: packet.sequence, time: time, marker: packet.marker, isDiscontinuity: isDiscontinuity) {
        case .drop: counters.dropped += 1
        case .pass: push(bytes, time, isAfterGap: false, track: track)
        case .passAfterGap(let damagedFrom):
            tracks[track].keyframes?.cut(from: damagedFrom)
            push(bytes, time, isAfterGap: true, track: track)
        }
    }

    private mutating func push(_ bytes: UnsafeRawBufferPointer, _ time: UInt64, isAfterGap: Bool, track: Int) {
        guard !tracks[track].sink.push(bytes, time: time, isAfterGap: isAfterGap) else { return }
        counters.dropped += 1
        tracks[track].keyframes?.cut(from: time)
    }
}
