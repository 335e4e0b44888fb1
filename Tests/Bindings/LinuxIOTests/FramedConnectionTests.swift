import Glibc
import LinuxIO
import Testing

@Suite struct FramedConnectionTests {
    /// Both ends of a connection over loopback.
    private func pair() throws -> (near: FramedConnection, far: FramedConnection) {
        let listener = try TCPListener(bindingTo: .loopback(port: 0))
        let near = try FramedConnection(connectingTo: listener.localAddress)
        var wait = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&wait, 1, 5000) == 1)
        guard case .connection(let far) = listener.accept() else { throw SystemError(call: "accept", number: EAGAIN) }
        return (near, far)
    }

    private func waitFor(_ events: Int32, of connection: FramedConnection) -> Bool {
        var wait = pollfd(fd: connection.descriptor, events: Int16(events), revents: 0)
        return poll(&wait, 1, 5000) == 1
    }

    /// Frames until there are `count` or the connection is over.
    private func receive(_ count: Int, at connection: FramedConnection) -> (frames: [[UInt8]], closing: FramedConnection.Closing?) {
        var frames: [[UInt8]] = []
        while frames.count < count, waitFor(POLLIN, of: connection) {
            if let closing = connection.receive({ frames.append(Array($0)) }) { return (frames, closing) }
        }
        return (frames, nil)
    }

    private func send(_ bytes: [UInt8], on connection: FramedConnection, now: UInt64 = 0) -> FramedConnection.SendResult {
        bytes.withUnsafeBytes { connection.send($0, now: now) }
    }

    /// Bytes as they are, without a frame.
    private func sendRaw(_ bytes: [UInt8], on connection: FramedConnection) {
        #expect(Glibc.send(connection.descriptor, bytes, bytes.count, 0) == bytes.count)
    }

    @Test func framesKeepTheirBorders() throws {
        let (near, far) = try pair()
        let frames = (1...50).map { [UInt8](repeating: UInt8($0), count: $0 * 40) }
        for frame in frames { #expect(send(frame, on: near) == .taken) }
        #expect(receive(50, at: far).frames == frames)
        #expect(far.remote.ipv4 == 0x7F00_0001 && far.local.port == near.remote.port)
        #expect(send([1, 2, 3], on: far) == .taken)
        #expect(receive(1, at: near).frames == [[1, 2, 3]])
    }

    @Test func aFrameThatComesByteByByteIsOne() throws {
        let (near, far) = try pair()
        var frames: [[UInt8]] = []
        for byte in [0, 3, 7, 8, 9] as [UInt8] {
            sendRaw([byte], on: near)
            #expect(waitFor(POLLIN, of: far))
            #expect(far.receive { frames.append(Array($0)) } == nil)
        }
        #expect(frames == [[7, 8, 9]])
    }

    @Test(
        arguments: [
            ([0, 0, 0, 1, 5], [[5]], nil),
            ([0, 0], [], nil),
            ([0x08, 0x00] + [UInt8](repeating: 1, count: 2048), [[UInt8](repeating: 1, count: 2048)], nil),
            ([0x08, 0x01], [], .frameTooLong),
            ([0xFF, 0xFF, 1], [], .frameTooLong),
            ([0, 1, 9, 0x80, 0], [[9]], .frameTooLong),
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), [], .frameTooLong),
        ] as [([UInt8], [[UInt8]], FramedConnection.Closing?)])
    func whatIsReadIsBounded(bytes: [UInt8], expected: [[UInt8]], closing: FramedConnection.Closing?) throws {
        let (near, far) = try pair()
        sendRaw(bytes, on: near)
        var frames: [[UInt8]] = []
        #expect(waitFor(POLLIN, of: far))
        var end: FramedConnection.Closing?
        while end == nil, frames.count < expected.count || closing != nil { end = far.receive { frames.append(Array($0)) } }
        #expect(frames == expected)
        #expect(end == closing)
    }

    @Test func aSlowReaderFillsTheQueueAndNoMore() throws {
        let (near, far) = try pair()
        let frame = [UInt8](repeating: 7, count: 2000)
        var taken = 0
        while taken < 100_000, send(frame, on: near, now: 1000) == .taken { taken += 1 }
        #expect(near.isWaiting && taken < 100_000)
        #expect(!near.isStalled(now: 1000, limit: 5000))
        #expect(near.isStalled(now: 7000, limit: 5000))
        // Every frame that was taken arrives whole once the reader reads.
        var received = 0
        while received < taken {
            if waitFor(POLLIN, of: far) { _ = far.receive { received += $0.count == 2000 && $0[1999] == 7 ? 1 : 0 } }
            #expect(near.flush(now: 8000))
        }
        #expect(!near.isWaiting && received == taken)
        #expect(!near.isStalled(now: .max, limit: 1))
    }

    @Test func aPeerThatLeavesIsNoticed() throws {
        let far = try {
            let (near, far) = try pair()
            #expect(send([1], on: near) == .taken)
            return far
        }()
        let result = receive(2, at: far)
        #expect(result.frames == [[1]])
        #expect(result.closing == .byPeer)
    }

    @Test func aListenerWithoutGuestsSaysSo() throws {
        let listener = try TCPListener(bindingTo: .any(port: 0))
        guard case .empty = listener.accept() else {
            Issue.record("somebody was there")
            return
        }
    }
}
