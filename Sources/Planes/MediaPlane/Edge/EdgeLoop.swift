import Bridge
import BridgeModel
import LinuxIO
import PeerTransport
import SDP
import SecureTransport

/// The peers of one worker: takes datagrams apart, gives each to its peer, and does what the peers' transports decide. It lives in the frame of the
/// worker's thread.
///
/// The path of a packet: receive batch -> first octet (RFC 7983) -> peer by 5-tuple -> unprotect in place -> publisher or viewer. STUN and DTLS take
/// side ways, since they are few.
struct EdgeLoop: ~Copyable {
    /// Batches read before others have their turn.
    private static let batchesPerTurn = 8
    /// How often peers' deadlines are looked at: all of them lie seconds apart, or are repetitions of a handshake.
    static let sweepInterval: Duration = .milliseconds(50)

    let environment: EdgeEnvironment
    let codec = STUNCodec()
    let ciphers: PacketCiphers
    var table: PeerTable
    /// To and from the other workers.
    var exchange: EdgeExchange
    /// Of TCP connections to other workers.
    var departures: ConnectionDepartures
    /// By `PeerIndex`.
    var peers: [EdgePeer?] = []
    var places: [PeerID: PeerIndex] = [:]
    /// Streams that got packets in this turn: their viewers are served when it ends.
    var touched: [MediaStream] = []
    /// Publishers that sent something in this turn, and when one of all has something to say.
    var touchedPublishers: [EdgePeer] = []
    var controlDeadline: MonotonicTime?
    var effects: [TransportEffect] = []
    var replyBudget: UnverifiedReplyBudget
    var totals = EdgeTotals()
    var nextSweep: MonotonicTime
    private var batch = UDPReceiveBatch()

    /// Throws when OpenSSL lacks a cipher.
    init(_ environment: EdgeEnvironment, exchange: consuming EdgeExchange, now: MonotonicTime) throws(OpenSSLError) {
        departures = ConnectionDepartures(worker: exchange.worker)
        self.exchange = exchange
        self.environment = environment
        ciphers = try PacketCiphers()
        var random = SystemRandomNumberGenerator()
        table = PeerTable(capacity: environment.peersPerWorker, using: &random)
        replyBudget = UnverifiedReplyBudget(now: now)
        nextSweep = now.advanced(by: Self.sweepInterval)
    }

    /// Reads what waits at the socket and serves whom it touches.
    mutating func receive(streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        guard let socket = ports.edge.socket else { return }
        for _ in 0..<Self.batchesPerTurn {
            guard case .messages(let count) = batch.receive(from: socket) else { break }
            for index in 0..<count { take(batch.message(index), streams: &streams, ports: &ports, now: now) }
            guard count == UDPReceiveBatch.capacity else { break }
        }
        finishTurn(streams: &streams, ports: &ports, now: now)
    }

    /// Serves the viewers of the streams that got packets, and sends what was written.
    mutating func finishTurn(streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime) {
        for stream in touched {
            stream.turn.isOpen = false
            stream.finishTurn(ports: &ports, now: now)
            streams.heed(stream)
        }
        touched.removeAll(keepingCapacity: true)
        serveKeyframeRequests(ports: &ports, now: now)
        for peer in touchedPublishers { sendControl(of: peer, ports: &ports, now: now) }
        touchedPublishers.removeAll(keepingCapacity: true)
        exchange.deliver()
        ports.edge.flush()
    }

    private mutating func take(
        _ message: UDPReceiveBatch.Message, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        let port = environment.port
        let tuple = FiveTuple(
            local: TransportAddress(message.route.local, port: port),
            remote: TransportAddress(message.route.remote, port: message.route.remote.port))
        var start = 0
        while start < message.bytes.count {
            let end = min(start + max(1, message.segmentSize), message.bytes.count)
            take(UnsafeMutableRawBufferPointer(rebasing: message.bytes[start..<end]), on: tuple, streams: &streams, ports: &ports, now: now)
            start = end
        }
    }

    /// One datagram or frame that came on `tuple`.
    mutating func take(
        _ datagram: UnsafeMutableRawBufferPointer, on tuple: FiveTuple, streams: inout MediaStreams, ports: inout MediaPorts,
        now: MonotonicTime
    ) {
        totals.datagramsIn += 1
        let kind = DatagramKind(of: UnsafeRawBufferPointer(datagram))
        if kind == .stun { return answer(UnsafeRawBufferPointer(datagram), on: tuple, streams: &streams, ports: &ports, now: now) }
        guard kind != .other, let path = table.path(of: tuple), let peer = peers[path.peer.number] else {
            if kind != .other, hand(UnsafeRawBufferPointer(datagram), on: tuple, to: exchange.owner(of: tuple)) { return }
            totals.strangers += 1
            return
        }
        switch kind {
        case .rtp, .rtcp:
            let isAdmitted = peer.transport.admitsMedia(from: path.path)
            guard isAdmitted, receiveMedia(datagram, isControl: kind == .rtcp, of: peer, ports: &ports, now: now) else {
                totals.refused += 1
                peer.refused += 1
                break
            }
            peer.transport.authenticated(from: path.path, now: now, effects: &effects)
        case .dtls: receiveHandshake(UnsafeRawBufferPointer(datagram), of: peer, on: path.path, ports: &ports, now: now)
        case .stun, .other: break
        }
        applyEffects(of: peer, streams: &streams, ports: &ports, now: now)
    }

    /// Gives a datagram to the worker that it belongs to; false when it belongs to none. What was handed here is not handed on.
    mutating func hand(_ datagram: UnsafeRawBufferPointer, on tuple: FiveTuple, to owner: Int?) -> Bool {
        guard let owner, exchange.arriving == nil, tuple.transport == .udp else { return false }
        return exchange.hand(datagram, on: tuple, to: owner)
    }

    /// False when the packet is refused: the peer is not connected, or the packet is not authentic, or of no track.
    private mutating func receiveMedia(
        _ packet: UnsafeMutableRawBufferPointer, isControl: Bool, of peer: EdgePeer, ports: inout MediaPorts, now: MonotonicTime
    ) -> Bool {
        guard let protection = peer.protection else { return false }
        guard let count = try? isControl ? protection.unprotectRTCP(packet) : protection.unprotect(packet) else { return false }
        let content = UnsafeMutableRawBufferPointer(rebasing: packet[..<count])
        let stream: MediaStream
        switch peer.media {
        case .none: return true
        case .awaited(let early):
            early.append(UnsafeRawBufferPointer(content), isControl: isControl, arrival: now)
            return true
        case .viewer(let viewer, let watched):
            guard isControl else { return false }
            stream = watched
            viewer.receive(UnsafeRawBufferPointer(content), stream: watched, now: now)
            watched.viewers.noteDue(viewer)
        case .subscriber(let subscriber):
            guard isControl else { return false }
            subscriber.receive(UnsafeRawBufferPointer(content), now: now)
            for place in subscriber.places.values where place.viewer.isDue(now: now) {
                place.stream.viewers.noteDue(place.viewer)
                touch(place.stream)
            }
            return true
        case .publisher(let publisher):
            stream = publisher.stream
            publisher.receive(content, isControl: isControl, ports: &ports, now: now)
            if peer.wishes.reportsLevels, let levels = publisher.takeLevels(now: now) { peer.events.yield(.levels(levels)) }
            touch(peer)
        }
        touch(stream)
        return true
    }

    mutating func touch(_ publisher: EdgePeer) {
        if touchedPublishers.last !== publisher { touchedPublishers.append(publisher) }
    }

    mutating func touch(_ stream: MediaStream) {
        guard !stream.turn.isOpen else { return }
        stream.turn.isOpen = true
        touched.append(stream)
    }
}
