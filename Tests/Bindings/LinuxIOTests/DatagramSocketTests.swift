import LinuxIO
import Testing

@Suite struct DatagramSocketTests {
    private func pair(bufferBytes: Int32 = 512 * 1024) throws -> (near: DatagramSocket, far: DatagramSocket) {
        let pair = try SocketPair.datagram(bufferBytes: bufferBytes)
        return (DatagramSocket(descriptor: pair.near), DatagramSocket(descriptor: pair.far))
    }

    /// Sends in two parts.
    private func send(_ bytes: [UInt8], to socket: DatagramSocket) -> DatagramSocket.SendResult {
        bytes.withUnsafeBytes { bytes in
            let half = bytes.count / 2
            return socket.send(UnsafeRawBufferPointer(rebasing: bytes[..<half]), UnsafeRawBufferPointer(rebasing: bytes[half...]))
        }
    }

    @Test func twoPartsArriveAsOneDatagram() throws {
        let (near, far) = try pair()
        var batch = DatagramBatch(datagramSize: 64)
        let nothing = batch.receive(from: far)
        #expect(nothing == .empty)
        #expect(send([1, 2, 3, 4, 5], to: near) == .sent)
        #expect(send([6], to: near) == .sent)
        let received = batch.receive(from: far)
        let contents = (0..<2).map { Array(batch.datagram($0)) }
        #expect(received == .datagrams(2))
        #expect(contents == [[1, 2, 3, 4, 5], [6]])
    }

    @Test func aDatagramThatIsLongerThanItsSlotReadsAsEmpty() throws {
        let (near, far) = try pair()
        var batch = DatagramBatch(datagramSize: 4)
        #expect(send([1, 2, 3, 4, 5], to: near) == .sent)
        #expect(send([1, 2, 3, 4], to: near) == .sent)
        let received = batch.receive(from: far)
        let lengths = (0..<2).map { batch.datagram($0).count }
        #expect(received == .datagrams(2))
        #expect(lengths == [0, 4])
    }

    @Test func oneAtATimeSaysWhatItFound() throws {
        let (near, far) = try pair()
        for bytes in [[1, 2, 3], [], [1, 2, 3, 4, 5]] as [[UInt8]] { #expect(send(bytes, to: near) == .sent) }
        var buffer = [UInt8](repeating: 0, count: 4)
        let found = (0..<4).map { _ in buffer.withUnsafeMutableBytes { far.receive(into: $0) } }
        #expect(found == [.datagram(3), .datagram(0), .tooLong, .empty])
    }

    @Test func aFullSocketSaysSoAndAClosedOneToo() throws {
        let near = try {
            let (near, far) = try pair(bufferBytes: 4096)
            let bytes = [UInt8](repeating: 1, count: 1000)
            let sent = (0..<100).prefix { _ in send(bytes, to: near) == .sent }.count
            #expect((1..<100).contains(sent))
            #expect(send(bytes, to: near) == .full)
            withExtendedLifetime(far) {}
            return near
        }()
        #expect(send([1], to: near) == .closed)
    }

    @Test func whatIsNoSocketIsClosed() throws {
        let socket = DatagramSocket(descriptor: -1)
        var byte: [UInt8] = [0]
        var batch = DatagramBatch(datagramSize: 1)
        let batched = batch.receive(from: socket)
        #expect(send([1], to: socket) == .closed)
        #expect(byte.withUnsafeMutableBytes { socket.receive(into: $0) } == .closed)
        #expect(batched == .closed)
    }
}

@Suite struct EpollTests {
    @Test func epollTellsWhoIsReadyUntilItIsRemoved() throws {
        let pair = try SocketPair.datagram()
        let (near, far) = (DatagramSocket(descriptor: pair.near), DatagramSocket(descriptor: pair.far))
        let wakeUp = try EventFD()
        var epoll = try Epoll()
        try epoll.add(far.descriptor, token: 7)
        try epoll.add(wakeUp.descriptor, token: 8)
        let quiet = try epoll.wait(timeout: .zero)
        #expect(quiet == 0)

        #expect([UInt8(1)].withUnsafeBytes { near.send($0) } == .sent)
        wakeUp.signal()
        let both = try epoll.wait(timeout: .seconds(5))
        let tokens = Set((0..<both).map { epoll.event($0).token })
        #expect(tokens == [7, 8])

        wakeUp.drain()
        try epoll.remove(far.descriptor)
        let none = try epoll.wait(timeout: .zero)
        #expect(none == 0)
    }

    @Test func epollWaitsForRoomOnlyWhenAsked() throws {
        let pair = try SocketPair.datagram()
        defer { [pair.near, pair.far].forEach(closeDescriptor) }
        var epoll = try Epoll()
        try epoll.add(pair.near, token: 1)
        let before = try epoll.wait(timeout: .zero)
        try epoll.watchWriting(true, of: pair.near, token: 1)
        let asked = try epoll.wait(timeout: .zero)
        let isWritable = epoll.event(0).isWritable
        #expect(before == 0)
        #expect(asked == 1 && isWritable)
    }

    @Test func aDescriptorThatIsNoneIsRefused() throws {
        let epoll = try Epoll()
        #expect(throws: SystemError.self) { try epoll.add(-1, token: 1) }
    }

    @Test func aThreadRunsAndIsJoined() throws {
        let wakeUp = try EventFD()
        let thread = try JoinableThread(name: "a name that is longer than it may be") { wakeUp.signal() }
        thread.join()
        thread.join()
        var epoll = try Epoll()
        try epoll.add(wakeUp.descriptor, token: 1)
        let count = try epoll.wait(timeout: .zero)
        #expect(count == 1)
    }
}
