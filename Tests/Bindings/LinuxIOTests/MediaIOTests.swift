import LinuxIO
import Testing

@Suite struct MediaIOTests {
    private func send(_ bytes: [UInt8], to socket: Int32) -> DatagramIO.SendResult {
        bytes.withUnsafeBytes { bytes in
            let half = bytes.count / 2
            return DatagramIO.send(
                UnsafeRawBufferPointer(rebasing: bytes[..<half]), UnsafeRawBufferPointer(rebasing: bytes[half...]), to: socket)
        }
    }

    @Test func twoPartsArriveAsOneDatagram() throws {
        let pair = try SocketPair.datagram()
        defer { [pair.near, pair.far].forEach(closeDescriptor) }
        var batch = DatagramBatch(datagramSize: 64)
        let nothing = batch.receive(from: pair.far)
        #expect(nothing == .empty)
        #expect(send([1, 2, 3, 4, 5], to: pair.near) == .sent)
        #expect(send([6], to: pair.near) == .sent)
        let received = batch.receive(from: pair.far)
        let contents = (0..<2).map { Array(batch.datagram($0)) }
        #expect(received == .received(2))
        #expect(contents == [[1, 2, 3, 4, 5], [6]])
    }

    @Test func aDatagramThatIsLongerThanItsSlotReadsAsEmpty() throws {
        let pair = try SocketPair.datagram()
        defer { [pair.near, pair.far].forEach(closeDescriptor) }
        var batch = DatagramBatch(datagramSize: 4)
        #expect(send([1, 2, 3, 4, 5], to: pair.near) == .sent)
        #expect(send([1, 2, 3, 4], to: pair.near) == .sent)
        let received = batch.receive(from: pair.far)
        let lengths = (0..<2).map { batch.datagram($0).count }
        #expect(received == .received(2))
        #expect(lengths == [0, 4])
    }

    @Test func aFullSocketSaysSoAndAClosedOneToo() throws {
        let pair = try SocketPair.datagram(bufferBytes: 4096)
        defer { closeDescriptor(pair.near) }
        let bytes = [UInt8](repeating: 1, count: 1000)
        let sent = (0..<100).prefix { _ in send(bytes, to: pair.near) == .sent }.count
        #expect((1..<100).contains(sent))
        #expect(send(bytes, to: pair.near) == .full)
        closeDescriptor(pair.far)
        #expect(send(bytes, to: pair.near) == .closed)
    }

    @Test func epollTellsWhoIsReadyUntilItIsRemoved() throws {
        let pair = try SocketPair.datagram()
        defer { [pair.near, pair.far].forEach(closeDescriptor) }
        let wakeUp = try EventFD()
        var epoll = try Epoll()
        try epoll.add(pair.far, token: 7)
        try epoll.add(wakeUp.descriptor, token: 8)
        let quiet = try epoll.wait(timeout: .zero)
        #expect(quiet == 0)

        #expect(send([1, 2], to: pair.near) == .sent)
        wakeUp.signal()
        let both = try epoll.wait(timeout: .seconds(5))
        let tokens = Set((0..<both).map { epoll.event($0).token })
        #expect(tokens == [7, 8])

        wakeUp.drain()
        try epoll.remove(pair.far)
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
