internal import CLinux
internal import Glibc

/// Datagrams on their way out, to many peers, written in place and sent with few system calls. It belongs to one thread and allocates only when made.
///
/// The caller begins a route, asks for a slot, writes a datagram into it and commits its length. Datagrams of one route that follow each other with
/// equal lengths, the last one shorter if need be, become one message (UDP_SEGMENT); all messages leave with one sendmmsg(2). Where the kernel or the
/// way to a peer has no UDP_SEGMENT, the same datagrams leave one by one.
package struct EdgeSendBatch: ~Copyable {
    /// What a flush did.
    package enum FlushResult: Sendable, Equatable {
        /// Nothing is left in the batch.
        case sent
        /// The socket is full: what was not sent stays in the batch. Flush again when there is room, or `discard`.
        case blocked
    }

    /// Counters since the batch was made.
    package struct Counters: Sendable, Equatable {
        package var datagrams: UInt64 = 0
        package var bytes: UInt64 = 0
        /// Messages handed to the kernel, and the calls that did so.
        package var messages: UInt64 = 0
        package var calls: UInt64 = 0
        /// Datagrams that the kernel refused (no route, not permitted, too long).
        package var refused: UInt64 = 0
        /// Datagrams that were discarded unsent.
        package var discarded: UInt64 = 0
    }

    /// Messages that a batch holds.
    package static let messageCapacity = Int(CLINUX_UDP_SEND_BATCH)
    /// The kernel's bounds of one segmented send: UDP_MAX_SEGMENTS of Linux 4.18, and what fits into one IPv4 packet behind its headers.
    private static let maximumSegments = 64
    private static let maximumMessageBytes = 65_487

    private let slab: UnsafeMutableRawBufferPointer
    private let messages: UnsafeMutablePointer<clinux_udp_message>
    private var messageCount = 0
    /// The first message that was not sent.
    private var firstUnsent = 0
    /// End of the bytes that are written.
    private var used = 0
    private var route = UDPRoute(remote: .any(port: 0))
    /// The last message takes more datagrams: it is of `route`, and its datagrams are equally long.
    private var isOpen = false
    private var segments = 0
    private var usesSegmentation = true
    package private(set) var counters = Counters()

    /// `slabBytes` is how much one flush carries; a few hundred kilobytes stay in the processor's cache.
    package init(slabBytes: Int = 256 * 1024) {
        slab = .allocate(byteCount: max(slabBytes, 4096), alignment: 64)
        messages = .allocate(capacity: Self.messageCapacity)
        messages.initialize(repeating: clinux_udp_message(), count: Self.messageCapacity)
    }

    deinit {
        slab.deallocate()
        messages.deallocate()
    }

    /// Nothing waits to be sent.
    package var isEmpty: Bool { firstUnsent == messageCount }

    /// What is written from now on goes to `route`.
    package mutating func begin(_ route: UDPRoute) {
        self.route = route
        isOpen = false
    }

    /// Room for one datagram of at most `capacity` bytes; nil when the batch is full: flush, then ask again. The room is the caller's until `commit`,
    /// or until the next `slot`.
    @inline(__always)
    package mutating func slot(_ capacity: Int) -> UnsafeMutableRawBufferPointer? {
        guard capacity <= slab.count - used, messageCount < Self.messageCapacity else { return nil }
        return UnsafeMutableRawBufferPointer(rebasing: slab[used..<used + capacity])
    }

    /// The first `length` bytes of the last slot are a datagram of the route; nothing when it is 0. Only after a `slot` that was not nil.
    package mutating func commit(_ length: Int) {
        guard length > 0, length <= slab.count - used else { return }
        if isOpen, extendLast(by: length) { return }
        guard messageCount < Self.messageCapacity else { return }
        messages[messageCount] = clinux_udp_message(
            bytes: slab.baseAddress?.advanced(by: used), length: UInt32(length), segment: UInt32(length), remote: route.remote.raw,
            local: route.local.isUnspecified ? SocketAddress.any(port: 0).raw : route.local.raw)
        messageCount += 1
        used += length
        segments = 1
        isOpen = true
    }

    /// Sends what is there. After `.blocked` the batch takes more until it is full.
    package mutating func flush(through socket: borrowing UDPSocket) -> FlushResult {
        if !socket.features.contains(.segmentation) { usesSegmentation = false }
        while firstUnsent < messageCount {
            let status = usesSegmentation ? sendMessages(through: socket) : sendDatagrams(through: socket)
            guard status < 0 else { continue }
            switch -status {
            case EAGAIN, ENOBUFS, ENOMEM:
                isOpen = false
                return .blocked
            default: settleFailure(-status, socket: socket)
            }
        }
        reset()
        return .sent
    }

    /// Drops what was not sent.
    package mutating func discard() {
        for index in firstUnsent..<messageCount { counters.discarded += UInt64(Self.datagramCount(messages[index])) }
        reset()
    }
}

extension EdgeSendBatch {
    private mutating func extendLast(by length: Int) -> Bool {
        let last = messageCount - 1
        let segment = Int(messages[last].segment)
        guard length <= segment, segments < Self.maximumSegments, Int(messages[last].length) + length <= Self.maximumMessageBytes else {
            isOpen = false
            return false
        }
        messages[last].length += UInt32(length)
        used += length
        segments += 1
        // A shorter datagram is the last one of its message (udp(7)).
        if length < segment { isOpen = false }
        return true
    }

    private mutating func reset() {
        messageCount = 0
        firstUnsent = 0
        used = 0
        isOpen = false
    }

    private static func datagramCount(_ message: clinux_udp_message) -> Int {
        let segment = max(1, Int(message.segment))
        return (Int(message.length) + segment - 1) / segment
    }

    /// One sendmmsg. Returns 0 or -errno.
    private mutating func sendMessages(through socket: borrowing UDPSocket) -> Int32 {
        let sent = clinux_udp_send(
            socket.descriptor, socket.features.rawValue, messages + firstUnsent, UInt32(messageCount - firstUnsent))
        counters.calls += 1
        guard sent > 0 else { return sent < 0 ? sent : -EAGAIN }
        for index in firstUnsent..<firstUnsent + Int(sent) { count(messages[index]) }
        firstUnsent += Int(sent)
        return 0
    }

    /// The first unsent message, datagram by datagram. Returns 0 or -errno, with what was not sent left in the message.
    private mutating func sendDatagrams(through socket: borrowing UDPSocket) -> Int32 {
        while messages[firstUnsent].length > 0 {
            var one = messages[firstUnsent]
            one.length = min(one.segment, one.length)
            one.segment = 0
            let sent = clinux_udp_send(socket.descriptor, socket.features.rawValue, &one, 1)
            counters.calls += 1
            guard sent > 0 else { return sent < 0 ? sent : -EAGAIN }
            count(one)
            skipDatagram(one.length)
        }
        firstUnsent += 1
        return 0
    }

    private mutating func skipDatagram(_ length: UInt32) {
        messages[firstUnsent].bytes = messages[firstUnsent].bytes?.advanced(by: Int(length))
        messages[firstUnsent].length -= length
    }

    private mutating func count(_ message: clinux_udp_message) {
        counters.messages += 1
        counters.datagrams += UInt64(message.segment == 0 ? 1 : Self.datagramCount(message))
        counters.bytes += UInt64(message.length)
    }

    /// The kernel refused the first unsent message for another reason than a lack of room. Where segmentation may be that reason, the message is sent
    /// datagram by datagram: EIO where a device lacks checksum offload, EINVAL and EMSGSIZE where a segment is longer than the path takes.
    private mutating func settleFailure(_ number: Int32, socket: borrowing UDPSocket) {
        let isSegmented = usesSegmentation && messages[firstUnsent].length > messages[firstUnsent].segment
        if isSegmented, number == EIO || number == EINVAL || number == EMSGSIZE {
            if number == EIO { usesSegmentation = false }
            let status = sendDatagrams(through: socket)
            guard status < 0, ![EAGAIN, ENOBUFS, ENOMEM].contains(-status) else { return }
        }
        counters.refused += UInt64(Self.datagramCount(messages[firstUnsent]))
        firstUnsent += 1
    }
}
