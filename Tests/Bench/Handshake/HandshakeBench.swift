import Glibc
import SecureTransport

/// What a joining peer costs the bridge, on one thread of one core: DTLS handshakes a second, octets of a connected endpoint, a STUN check and its
/// answer.
///
///     bench-handshake [ENDPOINTS]
///
/// The other side runs in the same thread; its time is not counted.
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
        let connected = endpoints.count { $0.isConnected }
        print(
            "server handshakes: \(connected) of \(count), \(oneDecimal(time.microseconds / Double(count))) us each,",
            "\(Int(Double(count) / time.seconds)) a second on one core")
        print("memory of a connected server endpoint: \(grown / endpoints.count) octets")
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
        let transaction = STUNTransaction(high: 1, low: 2)
        let check = STUNCheck(transaction: transaction, priority: 1, role: .controlling(tieBreaker: 3), usesCandidate: true)
        let username = Array("AAAAAAAA:remote".utf8)
        let password = Array("abcdefghijklmnopqrstuvwx".utf8)
        let address = STUNAddress(ipv4: 0x7F00_0001, port: 5000)
        var request = [UInt8](repeating: 0, count: 256)
        var response = request
        let length = username.withUnsafeBytes { username in
            password.withUnsafeBytes { key in
                request.withUnsafeMutableBytes { codec.writeRequest(check, username: username, key: key, into: $0) }
            }
        }
        var answered = 0
        let begin = threadTime()
        request.withUnsafeBytes { request in
            password.withUnsafeBytes { key in
                response.withUnsafeMutableBytes { output in
                    let datagram = UnsafeRawBufferPointer(rebasing: request[..<length])
                    for _ in 0..<count {
                        guard case .request(let check)? = try? codec.read(datagram), codec.isAuthentic(datagram, key: key) else { continue }
                        if codec.writeSuccess(check.transaction, mapped: address, key: key, into: output) > 0 { answered += 1 }
                    }
                }
            }
        }
        let each = (threadTime() - begin).microseconds / Double(count)
        print("STUN: \(answered) of \(count) checks read, verified and answered, \(oneDecimal(each)) us each")
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
