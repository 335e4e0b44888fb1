import Glibc
import SecureTransport

/// What a joining peer costs the bridge, on one thread of one core: the server's side of a DTLS handshake, the memory of a connected endpoint, a STUN
/// check with its answer.
///
/// `bench-handshake [ENDPOINTS]` prints one line a figure: its name, a blank, its value. The other side runs in the same thread; its time is not
/// counted.
@main struct HandshakeBench {
    static func main() throws {
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 5000
        guard count > 0 else { return print("usage: bench-handshake [ENDPOINTS]") }
        let server = try DTLSContext(certificate: try Certificate.makeSelfSigned())
        let client = try DTLSContext(certificate: try Certificate.makeSelfSigned())
        // Lets OpenSSL look up what it needs, and the heap grow to what a handshake takes.
        _ = try measureHandshakes(200, server: server, client: client)
        try printHandshakes(count, server: server, client: client)
        printChecks(200_000)
    }

    private static func printHandshakes(_ count: Int, server: DTLSContext, client: DTLSContext) throws {
        let before = residentOctets()
        let (endpoints, time) = try measureHandshakes(count, server: server, client: client)
        let grown = residentOctets() - before
        precondition(endpoints.allSatisfy { $0.isConnected }, "every handshake succeeds")
        print("handshake-us", oneDecimal(time.microseconds / Double(count)))
        print("endpoint-octets", grown / endpoints.count)
    }

    /// The process's resident memory.
    private static func residentOctets() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let fields = String(decoding: line.map(UInt8.init(bitPattern:)), as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(getpagesize())
    }

    /// The server's endpoints, and the time that its calls took.
    private static func measureHandshakes(
        _ count: Int, server: DTLSContext, client: DTLSContext
    ) throws -> (endpoints: [DTLSEndpoint], time: Duration) {
        var endpoints: [DTLSEndpoint] = []
        endpoints.reserveCapacity(count)
        var time = Duration.zero
        for _ in 0..<count {
            let peer = try DTLSEndpoint(context: client, role: .client, fingerprints: [server.fingerprint])
            let begin = threadTime()
            let endpoint = try DTLSEndpoint(context: server, role: .server, fingerprints: [client.fingerprint])
            time += threadTime() - begin
            time += shakeHands(endpoint, peer)
            endpoints.append(endpoint)
        }
        return (endpoints, time)
    }

    /// The time that `server` took.
    private static func shakeHands(_ server: DTLSEndpoint, _ client: DTLSEndpoint) -> Duration {
        var time = Duration.zero
        var toServer: [[UInt8]] = []
        _ = client.start(now: .zero) { toServer.append(Array($0)) }
        while !toServer.isEmpty {
            var toClient: [[UInt8]] = []
            let begin = threadTime()
            for datagram in toServer {
                datagram.withUnsafeBytes { octets in _ = server.receive(octets, now: .zero) { toClient.append(Array($0)) } }
            }
            time += threadTime() - begin
            toServer = []
            for datagram in toClient {
                datagram.withUnsafeBytes { octets in _ = client.receive(octets, now: .zero) { toServer.append(Array($0)) } }
            }
        }
        return time
    }

    /// Reads a check, verifies it and writes the answer.
    private static func printChecks(_ count: Int) {
        let codec = STUNCodec()
        let octets = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 16)
        defer { octets.deallocate() }
        octets.initializeMemory(as: UInt8.self, repeating: UInt8(ascii: "a"))
        let output = UnsafeMutableRawBufferPointer(rebasing: octets[256...])
        let (username, password) = (
            UnsafeRawBufferPointer(rebasing: octets[256..<271]), UnsafeRawBufferPointer(rebasing: octets[480..<504])
        )
        let sent = STUNCheck(
            transaction: STUNTransaction(high: 1, low: 2), priority: 1, role: .controlling(tieBreaker: 3), usesCandidate: true)
        let room = UnsafeMutableRawBufferPointer(rebasing: octets[..<256])
        let request = UnsafeRawBufferPointer(
            rebasing: room[..<codec.writeRequest(sent, username: username, key: password, into: room)])
        let address = STUNAddress(ipv4: 0x7F00_0001, port: 5000)
        var answered = 0
        let begin = threadTime()
        for _ in 0..<count {
            guard case .request(let check)? = try? codec.read(request), codec.isAuthentic(request, key: password) else { continue }
            let length = codec.writeSuccess(
                check.transaction, mapped: address, key: password, into: UnsafeMutableRawBufferPointer(rebasing: output[..<128]))
            if length > 0 { answered += 1 }
        }
        let time = threadTime() - begin
        precondition(answered == count, "every check is answered")
        print("check-us", oneDecimal(time.microseconds / Double(count)))
    }

    /// Of this thread, in use of the processor.
    private static func threadTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private static func oneDecimal(_ value: Double) -> String { String((value * 10).rounded() / 10) }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
    var microseconds: Double { seconds * 1e6 }
}
