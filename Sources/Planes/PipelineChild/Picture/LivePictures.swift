internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GStreamerKit
internal import LinuxIO
internal import RTP
internal import Synchronization

/// Decodes a live stream as it comes, and gives the newest picture to whoever orders one.
final class LivePictures: Sendable {
    /// A camera that sends seldom: after so long without another picture the newest is the one, ns.
    private static let pause: UInt64 = 250_000_000
    /// How often a keyframe is asked for until one came.
    private static let keyframeRequestInterval: Duration = .milliseconds(500)
    private static let tick: Duration = .milliseconds(25)

    private struct State {
        var newest: RawPicture?
        /// When it came out of the decoder, ns.
        var decodedAt: UInt64 = 0
        var orders: [(order: PictureOrder, at: UInt64)] = []
        var timers: [GLibTimer] = []
        var reader: DatagramReader?
        var pipeline: Pipeline?
    }

    private let track: TrackDescription
    private let socket: DatagramSocket
    private let wallClockOffset: Duration
    private let events: EventSink
    private let queue = FrameQueue(wakesWithFrames: true)
    private let gate = KeyframeGate()
    private let writer = PictureWriter()
    private let intake = Mutex(TrackIntake())
    private let state = Mutex(State())

    init(_ track: TrackDescription, socket: DatagramSocket, wallClockOffset: Duration, events: EventSink) {
        self.track = track
        self.socket = socket
        self.wallClockOffset = wallClockOffset
        self.events = events
    }

    /// Builds the way from packets to pictures; on the loop.
    func start(on loop: GLibLoop) throws {
        let receiver = FrameReceiver(track: 0, queue: queue, gate: gate)
        var pipeline: Pipeline?
        let sink = try packetSink(of: track, receiver) { [events] in
            let made = try Pipeline(name: "depayload") { message in
                guard case .error(let element, _, _, let text) = message else { return }
                events(.failed(BridgeError(.pipelineFailed, "\(element): \(text)")))
            }
            pipeline = made
            return made
        }
        if let pipeline {
            try pipeline.setState(.playing)
            state.withLock { $0.pipeline = pipeline }
        }
        let thread = Thread { [self] in decode() }
        thread.name = "decode"
        thread.start()
        let reader = try DatagramReader(sockets: [socket]) { [weak self] _, header, packet in
            self?.take(header, packet, into: sink)
        }
        let timers = [
            loop.scheduleRepeating(every: Self.keyframeRequestInterval) { [weak self] in self?.requestKeyframe() },
            loop.scheduleRepeating(every: Self.tick) { [weak self] in self?.settle() },
        ]
        state.withLock { ($0.reader, $0.timers) = (reader, timers) }
    }

    /// Takes an order; `picture` or `pictureFailed` follows.
    func order(_ order: PictureOrder) {
        state.withLock { $0.orders.append((order, SystemClocks.monotonicNanoseconds)) }
        settle()
    }

    func stop() {
        let ended = state.withLock { state in
            defer { state = State() }
            return state
        }
        ended.timers.forEach { $0.cancel() }
        ended.reader?.stop()
        try? ended.pipeline?.setState(.null)
        ended.pipeline?.detachBus()
        queue.finish()
        writer.finish()
    }

    // MARK: from packets to pictures

    /// On the reader's thread.
    private func take(_ header: MediaDatagram, _ packet: UnsafeRawBufferPointer, into sink: any PacketSink) {
        if header.kind == .end { events(.failed(BridgeError(.noMedia, "The stream has ended."))) }
        guard header.kind == .rtp, let view = RTPPacketView(reading: packet) else { return }
        // The time of arrival is what a picture's age is counted from: no clock of the source's is needed.
        let time = header.time.nanoseconds
        let isDiscontinuity = header.flags.contains(.discontinuity)
        let verdict = intake.withLock {
            $0.take(sequence: view.sequence, time: time, marker: view.marker, isDiscontinuity: isDiscontinuity)
        }
        switch verdict {
        case .drop: return
        case .passAfterGap(let damagedFrom): gate.cut(from: damagedFrom)
        case .pass: break
        }
        if !sink.push(packet, time: time, isAfterGap: verdict != .pass) { gate.cut(from: time) }
    }

    private func requestKeyframe() {
        guard gate.isWaiting else { return }
        let request = MediaDatagram(
            kind: .keyframeRequest, track: track.index, sequence: 0, time: MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds))
        withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
            request.write(to: bytes)
            socket.send(UnsafeRawBufferPointer(bytes))
        }
    }

    /// The decoder's thread: frames in their order, a new decoder for each format.
    private func decode() {
        var decoder: PictureDecoder?
        while true {
            let (items, isFinishing) = queue.take(waiting: .seconds(1))
            for item in items {
                switch item {
                case .format(_, let format):
                    decoder?.stop()
                    decoder = makeDecoder(format)
                case .frame(let frame):
                    // Two frames may be stamped alike.
                    if decoder?.push(frame.bytes, time: frame.time, isKeyframe: frame.isKeyframe) == false { gate.cut(from: frame.time) }
                case .end: break
                }
            }
            if isFinishing, items.isEmpty { break }
        }
        decoder?.stop()
    }

    private func makeDecoder(_ format: RecordingAssembler.Format) -> PictureDecoder? {
        do {
            let format = VideoFormat(codec: track.codec, codecPrivate: format.codecPrivate)
            return try PictureDecoder(format, limit: Self.decoderLimit) { [weak self] in self?.take($0) }
        } catch {
            events(.failed(BridgeError(.pipelineFailed, "The video cannot be decoded: \(error).")))
            return nil
        }
    }

    /// Frames that wait to be decoded: what the cache holds comes at once.
    private static let decoderLimit = 2048

    /// On the decoder's thread.
    private func take(_ output: PictureDecoder.Output) {
        switch output {
        case .picture(let picture):
            state.withLock { ($0.newest, $0.decodedAt) = (picture, SystemClocks.monotonicNanoseconds) }
            settle()
        case .failure(let text): events(.failed(BridgeError(.pipelineFailed, "The video cannot be decoded: \(text).")))
        case .end: break
        }
    }

    // MARK: orders

    /// Gives every order its picture that can have it now.
    private func settle() {
        let now = SystemClocks.monotonicNanoseconds
        let (picture, orders) = state.withLock { state -> (RawPicture?, [PictureOrder]) in
            guard let newest = state.newest, !state.orders.isEmpty else { return (nil, []) }
            let isLatest = now > state.decodedAt + Self.pause
            let ready = state.orders.filter { newest.time >= $0.order.notBefore.nanoseconds || isLatest && now > $0.at + Self.pause }
            state.orders.removeAll { waiting in ready.contains { $0.order.number == waiting.order.number } }
            return (newest, ready.map(\.order))
        }
        guard let picture else { return }
        let takenAt = WallTime(nanoseconds: Int64(clamping: picture.time)).advanced(by: wallClockOffset)
        for order in orders { writer.write(picture, for: order, takenAt: takenAt) { [events] in events($0) } }
    }
}
