import Glibc
@testable import LinuxIO
import Testing

@Suite struct UDPSocketTests {
    private func pair(_ address: String = "127.0.0.1") throws -> (near: UDPSocket, far: UDPSocket) {
        let address = try #require(SocketAddress(address, port: 0))
        return (try UDPSocket(bindingTo: address), try UDPSocket(bindingTo: address))
    }

    private func datagram(_ length: Int, filledWith byte: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: byte), count: length)
    }

    @discardableResult
    private func write(_ datagrams: [[UInt8]], to route: UDPRoute, into batch: inout EdgeSendBatch) -> Int {
        batch.begin(route)
        var written = 0
        for bytes in datagrams {
            guard let slot = batch.slot(bytes.count) else { break }
            slot.copyBytes(from: bytes)
            batch.commit(bytes.count)
            written += 1
        }
        return written
    }

    /// Everything that waits at the socket.
    private func receiveAll(_ socket: UDPSocket) -> [(route: UDPRoute, bytes: [UInt8])] {
        var batch = UDPReceiveBatch()
        var all: [(route: UDPRoute, bytes: [UInt8])] = []
        while case .messages(let count) = batch.receive(from: socket) {
            for index in 0..<count {
                let message = batch.message(index)
                message.forEachDatagram { all.append((message.route, Array($0))) }
            }
        }
        return all
    }

    @Test func equalDatagramsAndAShorterLastOneLeaveAsOneMessage() throws {
        let (near, far) = try pair()
        var batch = EdgeSendBatch()
        let sent = (0..<6).map { datagram(1200, filledWith: $0) } + [datagram(500, filledWith: 6)]
        write(sent, to: UDPRoute(remote: far.localAddress), into: &batch)
        let result = batch.flush(through: near)
        #expect(result == .sent)
        let counters = batch.counters
        #expect(counters.datagrams == 7 && counters.bytes == 7700)
        #expect(counters.messages == 1 && counters.calls == 1)
        #expect(receiveAll(far).map(\.bytes) == sent)
    }

    @Test func aLongerDatagramBeginsAnotherMessage() throws {
        let (near, far) = try pair()
        var batch = EdgeSendBatch()
        let sent = [1000, 1000, 1001, 1001, 20, 20, 20, 21].enumerated().map { datagram($1, filledWith: $0) }
        write(sent, to: UDPRoute(remote: far.localAddress), into: &batch)
        let result = batch.flush(through: near)
        #expect(result == .sent)
        let counters = batch.counters
        #expect(counters.messages == 4)
        #expect(counters.calls == 1)
        #expect(receiveAll(far).map(\.bytes) == sent)
    }

    @Test func manyPeersAreServedByOneCall() throws {
        let (near, _) = try pair()
        let loopback = SocketAddress.loopback(port: 0)
        let peers = try (0..<20).map { _ in try UDPSocket(bindingTo: loopback) }
        var batch = EdgeSendBatch()
        for (index, peer) in peers.enumerated() {
            write(
                [datagram(300, filledWith: index), datagram(100, filledWith: index)], to: UDPRoute(remote: peer.localAddress), into: &batch)
        }
        let result = batch.flush(through: near)
        #expect(result == .sent)
        let counters = batch.counters
        #expect(counters.calls == 1)
        for (index, peer) in peers.enumerated() {
            #expect(receiveAll(peer).map(\.bytes) == [datagram(300, filledWith: index), datagram(100, filledWith: index)])
        }
    }

    @Test func aBatchThatIsFullSaysSoAndTakesMoreAfterTheFlush() throws {
        let (near, far) = try pair()
        var batch = EdgeSendBatch(slabBytes: 4096)
        let route = UDPRoute(remote: far.localAddress)
        let sent = (0..<5).map { datagram(1000, filledWith: $0) }
        let before = write(sent, to: route, into: &batch)
        _ = batch.flush(through: near)
        let after = write(Array(sent[4...]), to: route, into: &batch)
        #expect(before == 4 && after == 1)
        _ = batch.flush(through: near)
        #expect(receiveAll(far).map(\.bytes) == sent)
        // Messages run out before bytes do.
        let tiny = (1...100).map { datagram($0, filledWith: $0) }
        let taken = write(tiny, to: route, into: &batch)
        #expect(taken == EdgeSendBatch.messageCapacity)
    }

    @Test func moreSegmentsThanTheKernelTakesBecomeTwoMessages() throws {
        let (near, far) = try pair()
        var batch = EdgeSendBatch()
        let sent = (0..<200).map { datagram(600, filledWith: $0) }
        write(sent, to: UDPRoute(remote: far.localAddress), into: &batch)
        let result = batch.flush(through: near)
        #expect(result == .sent)
        let counters = batch.counters
        #expect(counters.messages == 4)
        #expect(counters.refused == 0)
        #expect(receiveAll(far).map(\.bytes) == sent)
    }

    @Test func aRefusedRouteDoesNotHoldUpTheOthers() throws {
        let (near, far) = try pair()
        var batch = EdgeSendBatch()
        let sent = [datagram(10, filledWith: 1)]
        write(sent, to: UDPRoute(remote: far.localAddress), into: &batch)
        // Port 0 is no destination (EINVAL).
        write(sent + sent, to: UDPRoute(remote: .loopback(port: 0)), into: &batch)
        write(sent, to: UDPRoute(remote: far.localAddress), into: &batch)
        let result = batch.flush(through: near)
        #expect(result == .sent)
        let counters = batch.counters
        #expect(counters.datagrams == 2)
        #expect(counters.refused == 2)
        #expect(receiveAll(far).count == 2)
    }

    @Test func aDatagramThatIsTooLongForItsWayIsRefusedAlone() throws {
        let (near, far) = try pair()
        var batch = EdgeSendBatch()
        let route = UDPRoute(remote: far.localAddress)
        write([datagram(65_530, filledWith: 1)], to: route, into: &batch)
        write([datagram(9, filledWith: 2)], to: route, into: &batch)
        _ = batch.flush(through: near)
        let counters = batch.counters
        #expect(counters.refused == 1)
        #expect(receiveAll(far).map(\.bytes) == [datagram(9, filledWith: 2)])
    }

    @Test func whatIsDiscardedIsCountedAndNotSent() throws {
        let (near, far) = try pair()
        var batch = EdgeSendBatch()
        write([1000, 1000, 7].map { datagram($0, filledWith: 0) }, to: UDPRoute(remote: far.localAddress), into: &batch)
        let wasEmpty = batch.isEmpty
        batch.discard()
        let isEmpty = batch.isEmpty
        _ = batch.flush(through: near)
        let counters = batch.counters
        #expect(!wasEmpty && isEmpty)
        #expect(counters.discarded == 3 && counters.datagrams == 0)
        #expect(receiveAll(far).isEmpty)
    }

    @Test func theLocalAddressComesWithADatagramAndTheReplyLeavesFromIt() throws {
        let server = try UDPSocket(bindingTo: SocketAddress.any(port: 0))
        let client = try UDPSocket(bindingTo: SocketAddress.loopback(port: 0))
        // 127.0.0.9 is ours, but no address that the kernel would choose.
        let service = SocketAddress(ipv4: 0x7F00_0009, port: server.localAddress.port)
        var batch = EdgeSendBatch()
        write([datagram(4, filledWith: 1)], to: UDPRoute(remote: service), into: &batch)
        _ = batch.flush(through: client)
        let asked = try #require(receiveAll(server).first)
        #expect(asked.route.remote == client.localAddress)
        #expect(asked.route.local.ipv4 == service.ipv4)
        write([datagram(5, filledWith: 2)], to: asked.route, into: &batch)
        _ = batch.flush(through: server)
        let answered = try #require(receiveAll(client).first)
        #expect(answered.route.remote == service)
    }

    @Test(arguments: ["::1", "127.0.0.1"]) func aDualStackSocketServesBothFamilies(client: String) throws {
        let server = try UDPSocket(bindingTo: SocketAddress.any(port: 0))
        try #require(server.features.contains(.dualStack))
        let client = try UDPSocket(bindingTo: #require(SocketAddress(client, port: 0)))
        let address = SocketAddress(high: client.localAddress.high, low: client.localAddress.low, port: server.localAddress.port)
        var batch = EdgeSendBatch()
        let sent = (0..<3).map { datagram(1000, filledWith: $0) }
        write(sent, to: UDPRoute(remote: address), into: &batch)
        _ = batch.flush(through: client)
        let received = receiveAll(server)
        #expect(received.map(\.bytes) == sent)
        let route = try #require(received.first?.route)
        #expect(route.remote == client.localAddress)
        write(sent, to: route, into: &batch)
        _ = batch.flush(through: server)
        #expect(receiveAll(client).map(\.bytes) == sent)
    }

    /// That others do not get through is shown end to end, with a namespace.
    @Test func aSocketForThisMachineTakesWhatThisMachineSendsToAnyOfItsAddresses() throws {
        let server = try UDPSocket(bindingTo: .any(port: 0), options: UDPSocket.Options(isForThisMachine: true))
        let listener = try TCPListener(bindingTo: server.localAddress, isForThisMachine: true)
        var batch = EdgeSendBatch()
        for here in HostFacts.interfaceAddresses() where !here.isLinkLocal {
            let address = try #require(SocketAddress(here.address, port: server.localAddress.port))
            let client = try UDPSocket(bindingTo: .any(port: 0))
            write([datagram(8, filledWith: 1)], to: UDPRoute(remote: address), into: &batch)
            _ = batch.flush(through: client)
            let asked = try #require(receiveAll(server).first, "nothing came to \(here.address)")
            write([datagram(9, filledWith: 2)], to: asked.route, into: &batch)
            _ = batch.flush(through: server)
            #expect(receiveAll(client).count == 1, "no answer from \(here.address)")
            let connection = try FramedConnection(connectingTo: address)
            var wait = pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0)
            #expect(poll(&wait, 1, 5000) == 1, "no connection to \(here.address)")
            guard case .connection(let accepted) = listener.accept() else { continue }
            #expect(accepted.descriptor != connection.descriptor)
        }
    }

    @Test func workersShareAPortAndAFlowStaysWithOneOfThem() throws {
        let sharing = UDPSocket.Options(sharesPort: true)
        let first = try UDPSocket(bindingTo: .loopback(port: 0), options: sharing)
        let second = try UDPSocket(bindingTo: first.localAddress, options: sharing)
        var batch = EdgeSendBatch()
        for _ in 0..<20 {
            let client = try UDPSocket(bindingTo: .loopback(port: 0))
            for _ in 0..<3 {
                write([datagram(8, filledWith: 0)], to: UDPRoute(remote: first.localAddress), into: &batch)
                _ = batch.flush(through: client)
            }
            #expect([receiveAll(first).count, receiveAll(second).count].sorted() == [0, 3])
        }
    }

    @Test func aPortThatIsTakenIsAnError() throws {
        let socket = try UDPSocket(bindingTo: .loopback(port: 0))
        #expect(throws: SystemError.self) { try UDPSocket(bindingTo: socket.localAddress) }
    }

    @Test func theKernelSaysWhatItGrants() throws {
        let socket = try UDPSocket(bindingTo: .loopback(port: 0), options: UDPSocket.Options(receiveBuffer: 300_000, sendBuffer: 300_000))
        #expect(socket.receiveBufferBytes >= 200_000)
        #expect(socket.sendBufferBytes >= 200_000)
        #expect(socket.features.contains(.localAddresses))
        #expect(!socket.features.contains(.ipv6))
    }
}

@Suite struct SocketAddressTests {
    @Test func textAndNumbersGiveTheSameAddress() throws {
        #expect(SocketAddress("127.0.0.1", port: 7) == SocketAddress.loopback(port: 7))
        #expect(SocketAddress("::ffff:127.0.0.1", port: 7) == SocketAddress.loopback(port: 7))
        #expect(SocketAddress("::", port: 7) == SocketAddress.any(port: 7))
        let address = try #require(SocketAddress("2001:db8::1:2", port: 7))
        #expect(address.high == 0x2001_0DB8_0000_0000 && address.low == 0x0001_0002)
        #expect(address.ipv4 == nil)
    }

    @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", ":::", "fe80::1%eth0", "127.0.0.1:80", "[::1]"])
    func whatIsNoAddressIsNil(text: String) { #expect(SocketAddress(text, port: 1) == nil) }

    @Test func unspecifiedAddressesAreKnown() {
        #expect(SocketAddress("0.0.0.0", port: 1)?.isUnspecified == true)
        #expect(SocketAddress.any(port: 0).isUnspecified)
        #expect(!SocketAddress.loopback(port: 0).isUnspecified)
    }
}
