import LinuxIO
import PeerTransport

/// A worker's way out to its peers: one UDP socket and the TCP connections of ICE-TCP. Datagrams are written into slots; those of UDP leave together.
///
/// ```
/// port.begin(tuple)
/// guard let slot = port.slot(size) else { return }   // no room: the kernel's buffer is full
/// port.commit(written)
/// port.flush()
/// ```
struct EdgePort: ~Copyable {
    /// The longest datagram that a slot has to hold: what the hub carries, a rewritten header and a tag.
    static let slotSize = 2048 + 192

    /// Where UDP goes; nil while the edge is off.
    let socket: UDPSocket?
    /// Where TCP comes in; nil on the workers that have none.
    let listener: TCPListener?
    private var batch: EdgeSendBatch
    private var connections: [FiveTuple: EdgeConnection] = [:]
    /// The connection that is written to; nil for UDP.
    private var stream: EdgeConnection?
    /// Connections that were written to, or had room, since `takeWritten`.
    private var written: [EdgeConnection] = []
    private var isLost = false
    private let frame: UnsafeMutableRawBufferPointer
    /// The kernel took no more: nothing is sent until the socket has room.
    private(set) var isBlocked = false
    /// Frames that a slow TCP reader could not take.
    private(set) var droppedFrames: UInt64 = 0
    /// Whose stream is over: peers that are to be closed, or sections of them that are to end.
    var orphans: [EdgeOrphan] = []
    /// Publishers that are to be asked for a keyframe of a track.
    var keyframeRequests: [(peer: EdgePeer, track: UInt8)] = []

    init(socket: UDPSocket? = nil, listener: TCPListener? = nil) {
        self.socket = socket
        self.listener = listener
        batch = EdgeSendBatch(slabBytes: socket == nil ? 0 : 256 * 1024)
        frame = .allocate(byteCount: Self.slotSize, alignment: 16)
    }

    deinit { frame.deallocate() }

    /// Counters of UDP.
    var counters: EdgeSendBatch.Counters { batch.counters }

    /// What is written from now on goes along `tuple`.
    mutating func begin(_ tuple: FiveTuple) {
        stream = nil
        isLost = false
        guard tuple.transport == .tcp else { return batch.begin(UDPRoute(tuple)) }
        stream = connections[tuple]
        // A path whose connection is gone: what is written goes nowhere.
        isLost = stream == nil
        if let stream, written.last !== stream { written.append(stream) }
    }

    /// Room for a datagram of up to `capacity` bytes, at most `slotSize`; nil when there is none now.
    @inline(__always)
    mutating func slot(_ capacity: Int = EdgePort.slotSize) -> UnsafeMutableRawBufferPointer? {
        guard stream == nil, !isLost else { return frame }
        guard !isBlocked else { return nil }
        if let slot = batch.slot(capacity) { return slot }
        flush()
        return isBlocked ? nil : batch.slot(capacity)
    }

    /// The first `length` bytes of the last slot are a datagram.
    @inline(__always)
    mutating func commit(_ length: Int) {
        guard let stream else { return isLost ? () : batch.commit(length) }
        let bytes = UnsafeRawBufferPointer(rebasing: frame[..<length])
        if stream.connection.send(bytes, now: SystemClocks.monotonicNanoseconds) != .taken { droppedFrames += 1 }
    }

    /// Sends one datagram along `tuple`, after what was written before.
    mutating func send(_ bytes: UnsafeRawBufferPointer, along tuple: FiveTuple) {
        begin(tuple)
        guard bytes.count <= Self.slotSize, let slot = slot(bytes.count) else { return }
        slot.copyMemory(from: bytes)
        commit(bytes.count)
    }

    /// Hands what was written to the kernel. Call it when a turn's work is done.
    mutating func flush() {
        guard let socket, !batch.isEmpty else { return }
        isBlocked = batch.flush(through: socket) == .blocked
    }

    /// The socket has room again.
    mutating func unblock() {
        isBlocked = false
        flush()
    }
}

extension EdgePort {
    /// A connection whose frames are a path of a peer's, or may become one.
    mutating func add(_ connection: EdgeConnection) { connections[connection.tuple] = connection }

    /// Forgets a connection; it closes when nobody else has it.
    mutating func remove(_ connection: EdgeConnection) {
        if connections[connection.tuple] === connection { connections[connection.tuple] = nil }
        written.removeAll { $0 === connection }
        guard stream === connection else { return }
        stream = nil
        isLost = true
    }

    /// The connection of a 5-tuple.
    func connection(_ tuple: FiveTuple) -> EdgeConnection? { connections[tuple] }

    var connectionCount: Int { connections.count }
    var allConnections: [EdgeConnection] { Array(connections.values) }

    /// Connections that were written to since the last call: they may wait for room.
    mutating func takeWritten() -> [EdgeConnection] {
        guard !written.isEmpty else { return [] }
        defer { written = [] }
        return written
    }

    /// The connection sent something of what waited.
    mutating func note(_ connection: EdgeConnection) { written.append(connection) }
}

extension UDPRoute {
    /// The way of a 5-tuple.
    init(_ tuple: FiveTuple) {
        self.init(remote: SocketAddress(tuple.remote), local: SocketAddress(tuple.local))
    }
}

extension SocketAddress {
    init(_ address: TransportAddress) { self.init(high: address.high, low: address.low, port: address.port) }
}

extension TransportAddress {
    init(_ address: SocketAddress, port: UInt16) { self.init(ipv6: address.high, address.low, port: port) }
}
