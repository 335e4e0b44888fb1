internal import CLinux
internal import Glibc

/// A TCP connection that carries datagrams, each behind its length in two bytes (RFC 4571 section 2). Non-blocking; it belongs to one thread, owns its
/// descriptor and closes it at the end.
///
/// Both directions are bounded: a longer frame than `maximumFrame` ends the connection, and what a slow reader does not take waits in a queue that
/// refuses more when it is full. Received frames cost no allocation; the queue's memory is there only while something waits.
package final class FramedConnection {
    /// The longest frame that is taken, in bytes: more than any packet of WebRTC has.
    package static let maximumFrame = 2048
    /// Bytes that may wait for a slow reader: a keyframe of a fast stream.
    package static let queueLimit = 512 * 1024
    /// For an `Epoll`; stays owned here.
    package let descriptor: Int32
    /// The peer's address.
    package let remote: SocketAddress
    /// Ours, with the port.
    package let local: SocketAddress
    private var framing = StreamFraming(frameLimit: maximumFrame)
    private var queue: UnsafeMutableRawBufferPointer?
    private var queued = 0..<0
    /// When the queue last became shorter or came into being, in nanoseconds of the monotonic clock.
    private var progressedAt: UInt64 = 0

    /// Takes over a connected descriptor.
    init(descriptor: Int32, remote: SocketAddress, local: SocketAddress) {
        self.descriptor = descriptor
        self.remote = remote
        self.local = local
    }

    /// Begins to connect, without waiting: sends queue up until the connection is there. Throws the failed system call.
    package init(connectingTo remote: SocketAddress) throws(SystemError) {
        var raw = remote.raw
        let made = clinux_tcp_connect(&raw)
        guard made >= 0 else {
            descriptor = -1
            self.remote = remote
            local = .any(port: 0)
            throw SystemError(call: "connect", number: -made)
        }
        descriptor = made
        self.remote = remote
        local = .any(port: 0)
    }

    deinit {
        queue?.deallocate()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Why a connection is of no use any more.
    package enum Closing: Sendable, Equatable {
        /// The peer closed or reset it.
        case byPeer
        /// A frame was longer than `maximumFrame`.
        case frameTooLong
    }

    /// Reads what is there and calls `body` for each whole frame, whose bytes may be changed and are valid for that call. Empty frames are skipped.
    /// Returns why the connection is over, or nil. At most `readsPerCall` reads, so that one peer does not hold up the others.
    package func receive(_ body: (UnsafeMutableRawBufferPointer) -> Void) -> Closing? {
        for _ in 0..<Self.readsPerCall {
            let room = framing.space()
            let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
            if count < 0 { return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? nil : .byPeer }
            guard count > 0 else { return .byPeer }
            framing.filled(count)
            do throws(StreamFraming.Fault) {
                while let frame = try framing.next() { body(frame) }
            } catch {
                return .frameTooLong
            }
            guard count == room.count else { return nil }
        }
        return nil
    }

    /// What became of a frame.
    package enum SendResult: Sendable, Equatable {
        /// Sent, or queued: wait for room and call `flush` while `isWaiting`.
        case taken
        /// The queue is full: the frame is lost.
        case full
        /// The connection is over.
        case closed
    }

    /// Sends a frame of 1...65535 bytes. `now` is the monotonic clock in nanoseconds.
    package func send(_ frame: UnsafeRawBufferPointer, now: UInt64) -> SendResult {
        guard var header = StreamFraming.header(of: frame.count) else { return .full }
        return withUnsafeBytes(of: &header) { header in
            if isWaiting { return enqueue(header, frame, skipping: 0, now: now) }
            let sent = clinux_send_parts(descriptor, header.baseAddress, header.count, frame.baseAddress, frame.count)
            if sent == header.count + frame.count { return .taken }
            guard sent >= 0 || Self.isTransient(Int32(-sent)) else { return .closed }
            return enqueue(header, frame, skipping: max(0, sent), now: now)
        }
    }

    /// Something is queued: the descriptor is to be watched for room.
    package var isWaiting: Bool { !queued.isEmpty }

    /// Sends what waits. False when the connection is over.
    package func flush(now: UInt64) -> Bool {
        while isWaiting, let queue {
            let rest = UnsafeRawBufferPointer(rebasing: queue[queued])
            let sent = clinux_send_parts(descriptor, rest.baseAddress, rest.count, nil, 0)
            guard sent > 0 else { return Self.isTransient(Int32(-sent)) }
            queued = queued.lowerBound + sent..<queued.upperBound
            progressedAt = now
        }
        queue?.deallocate()
        queue = nil
        queued = 0..<0
        return true
    }

    /// Whether something has waited for longer than `limit` without a byte being taken: the reader is too slow to keep.
    package func isStalled(now: UInt64, limit: UInt64) -> Bool { isWaiting && now > progressedAt && now - progressedAt > limit }

    private static let readsPerCall = 16
}

extension FramedConnection {
    /// ENOTCONN: the connection is still being made.
    private static func isTransient(_ number: Int32) -> Bool { [EAGAIN, EINTR, ENOBUFS, ENOMEM, ENOTCONN].contains(number) }

    /// Queues header and frame but for the first `skipped` bytes of them, which are sent. A frame that was begun is always taken.
    private func enqueue(
        _ header: UnsafeRawBufferPointer, _ frame: UnsafeRawBufferPointer, skipping skipped: Int, now: UInt64
    ) -> SendResult {
        let count = header.count + frame.count - skipped
        if !isWaiting {
            progressedAt = now
            queue = queue ?? .allocate(byteCount: Self.queueLimit + header.count + Int(UInt16.max), alignment: 16)
        }
        guard let queue, skipped > 0 || queued.count + count <= Self.queueLimit else { return .full }
        if queued.upperBound + count > queue.count { moveQueueToFront(queue) }
        guard queued.upperBound + count <= queue.count else { return .full }
        var end = queued.upperBound
        for part in [header.dropFirst(skipped), frame.dropFirst(max(0, skipped - header.count))] {
            UnsafeMutableRawBufferPointer(rebasing: queue[end..<end + part.count]).copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
            end += part.count
        }
        queued = queued.lowerBound..<end
        return .taken
    }

    private func moveQueueToFront(_ queue: UnsafeMutableRawBufferPointer) {
        queue.copyMemory(from: UnsafeRawBufferPointer(rebasing: queue[queued]))
        queued = 0..<queued.count
    }
}
