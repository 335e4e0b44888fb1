import LinuxIO

/// Datagrams to many sockets, a frame at a time, with and without UDP_SEGMENT; nothing is encrypted.
struct SocketBench {
    let viewers: Int
    let seconds: Double

    func run() throws {
        for segments in [1, Load.packetsPerFrame] { try measure(segments: segments) }
    }

    private func measure(segments: Int) throws {
        let loopback = SocketAddress.loopback(port: 0)
        let peers = try (0..<viewers).map { _ in try UDPSocket(bindingTo: loopback, options: UDPSocket.Options(coalesces: false)) }
        let socket = try UDPSocket(bindingTo: loopback)
        let drain = try Drain(peers)
        try? pinThread(0, toProcessor: 0)
        var batch = EdgeSendBatch()
        let routes = peers.map { UDPRoute(remote: $0.localAddress) }
        let (start, cpu) = (Threads.now, Threads.own)
        var rounds = 0
        while Threads.now - start < seconds {
            for route in routes { write(segments, to: route, into: &batch, socket: socket) }
            _ = batch.flush(through: socket)
            rounds += 1
            // Stays within what the other side takes.
            if rounds % 8 == 0 { Threads.sleep(0.0002) }
        }
        let used = Threads.own - cpu
        let counters = batch.counters
        Threads.sleep(0.1)
        let taken = drain.taken
        drain.stop()
        let name = "sockets alone, \(segments) a frame"
        report("\(name): CPU per datagram", "us", used * 1e6 / Double(max(1, counters.datagrams)))
        report("\(name): datagrams a call", "1", Double(counters.datagrams) / Double(max(1, counters.calls)))
        report("\(name): not taken by the receivers", "%", 100 * (1 - Double(taken) / Double(max(1, counters.datagrams))))
    }

    private func write(_ count: Int, to route: UDPRoute, into batch: inout EdgeSendBatch, socket: UDPSocket) {
        batch.begin(route)
        for _ in 0..<count {
            if batch.slot(Load.packetSize) == nil {
                _ = batch.flush(through: socket)
                batch.begin(route)
            }
            guard let slot = batch.slot(Load.packetSize) else { return }
            slot.storeBytes(of: 0x80, as: UInt8.self)
            batch.commit(Load.packetSize)
        }
    }
}
