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
    private var batch: EdgeSendBatch
    private var connections: [FiveTuple: FramedConnection] = [:]
    /// The connection that is written to; nil for UDP.
    private var stream: FramedConnection?
    private let frame: UnsafeMutableRawBufferPointer
    /// The kernel took no more: nothing is sent until the socket has room.
    private(set) var isBlocked = false
    /// Frames that a slow TCP reader could not take.
    private(set) var droppedFrames: UInt64 = 0
    /// Peers that are to be closed: the stream that they watch is over.
    var orphans: [EdgePeer] = []
    /// Publishers that are to be asked for a keyframe of a track.
    var keyframeRequests: [(peer: EdgePeer, track: UInt8)] = []

    init(socket: UDPSocket?) {
        self.socket = socket
        batch = EdgeSendBatch(slabBytes: socket == nil ? 0 : 256 * 1024)
        frame = .allocate(byteCount: Self.slotSize, alignment: 16)
    }

    deinit { frame.deallocate() }

    /// Counters of UDP.
    var counters: EdgeSendBatch.Counters { batch.counters }

    /// What is written from now on goes along `tuple`.
    mutating func begin(_ tuple: FiveTuple) {
        stream = nil
        if tuple.transport == .tcp {
            stream = connections[tuple]
        } else {
            batch.begin(UDPRoute(tuple))
        }
    }

    /// Room for a datagram of up to `capacity` bytes, at most `slotSize`; nil when there is none now.
    @inline(__always)
    mutating func slot(_ capacity: Int = EdgePort.slotSize) -> UnsafeMutableRawBufferPointer? {
        guard stream == nil else { return frame }
        guard !isBlocked else { return nil }
        if let slot = batch.slot(capacity) { return slot }
        flush()
        return isBlocked ? nil : batch.slot(capacity)
    }

    /// The first `length` bytes of the last slot are a datagram.
    @inline(__always)
    mutating func commit(_ length: Int) {
        guard let stream else { return batch.commit(length) }
        let bytes = UnsafeRawBufferPointer(rebasing: frame[..<length])
        if stream.send(bytes, now: SystemClocks.monotonicNanoseconds) != .taken { droppedFrames += 1 }
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
    mutating func add(_ connection: FramedConnection, as tuple: FiveTuple) { connections[tuple] = connection }

    /// Forgets a connection; it closes when nobody else has it.
    mutating func remove(_ tuple: FiveTuple) { connections[tuple] = nil }
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
