package import Bridge
package import BridgeModel
import Glibc
package import LinuxIO
import SDP
package import SecureTransport

/// A full ICE agent with DTLS and SRTP in the client's role, on a socket of its own: what a browser would be. One thread uses it.
package final class EdgeClient {
    package enum Failure: Error {
        /// What did not come in time.
        case timedOut(String)
    }

    package private(set) var socket: UDPSocket
    package let server: SocketAddress
    private var endpoint: EdgeEndpoint
    private let codec = STUNCodec()
    private var handshake: DTLSEndpoint
    private let ciphers: PacketCiphers
    package private(set) var protection: PacketProtection?
    /// ICE-TCP instead of the socket.
    private var connection: FramedConnection?
    private var inbox = UDPReceiveBatch()
    private var outbox = EdgeSendBatch(slabBytes: 64 * 1024)
    private var heard = Heard()
    /// Drops what this says before it is looked at: a network that loses.
    package var loses: (DatagramKind) -> Bool = { _ in false }

    /// `context` has our certificate; many clients may share it.
    package init(_ endpoint: EdgeEndpoint, context: DTLSContext) throws {
        self.endpoint = endpoint
        let candidate = endpoint.candidates[0]
        server = try SocketAddress(candidate.address, port: candidate.port).orFail("candidate")
        socket = try Self.makeSocket()
        ciphers = try PacketCiphers()
        handshake = try DTLSEndpoint(
            context: context, role: .client,
            fingerprints: endpoint.fingerprints.compactMap {
                CertificateFingerprint(algorithm: $0.algorithm, value: $0.value)
            })
    }

    package static let ufrag = "clientfrag"

    /// The fingerprint of a context's certificate, as an offer says it.
    package static func fingerprint(of context: DTLSContext) -> Fingerprint {
        Fingerprint(algorithm: context.fingerprint.algorithm, value: context.fingerprint.value)
    }

    private var now: Duration { .nanoseconds(Int64(SystemClocks.monotonicNanoseconds)) }

    /// Nominates, shakes hands and waits for the keys.
    package func connect(within limit: Duration = .seconds(10)) throws {
        try establishPath(within: limit)
        _ = handshake.start(now: now) { self.send($0) }
        try pump(within: limit, "DTLS") { self.protection != nil || self.lastEvent != nil && self.lastEvent != .connected }
    }

    /// Uses the credentials of an ICE restart from now on.
    package func adopt(_ endpoint: EdgeEndpoint) { self.endpoint = endpoint }

    /// Uses ICE-TCP from now on.
    package func useTCP() throws { connection = try FramedConnection(connectingTo: server) }

    /// Leaves the address for another one: a new port, as after a change of network.
    package func move() throws { socket = try Self.makeSocket() }

    /// Each datagram comes by itself, as at a browser.
    private static func makeSocket() throws -> UDPSocket {
        try UDPSocket(bindingTo: .loopback(port: 0), options: UDPSocket.Options(receiveBuffer: 1 << 20, coalesces: false))
    }

    /// Sends checks until one is answered: the first may come before the worker knows the peer.
    package func establishPath(within limit: Duration = .seconds(10)) throws {
        let before = successes
        var next = now
        try pump(within: limit, "ICE") {
            if self.successes == before, self.now >= next {
                self.sendCheck()
                next = self.now + .milliseconds(50)
            }
            return self.successes > before
        }
    }

    /// Sends a check with USE-CANDIDATE.
    package func sendCheck(password: String? = nil) {
        makeCheck(password: password).withUnsafeBytes { send($0) }
    }

    /// A check with USE-CANDIDATE.
    package func makeCheck(password: String? = nil) -> [UInt8] {
        let check = STUNCheck(
            transaction: STUNTransaction(high: 7, low: SystemClocks.monotonicNanoseconds), priority: 0x6E00_01FF,
            role: .controlling(tieBreaker: 99), usesCandidate: true)
        let username = Array("\(endpoint.ufrag):\(Self.ufrag)".utf8)
        let key = Array((password ?? endpoint.password.revealed).utf8)
        return [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
            count = username.withUnsafeBytes { name in
                key.withUnsafeBytes { codec.writeRequest(check, username: name, key: $0, into: UnsafeMutableRawBufferPointer(buffer)) }
            }
        }
    }

    /// Protects and sends an RTP packet; `headerSize` counts its extensions too.
    package func send(rtp packet: [UInt8], headerSize: Int = 12) throws {
        guard let protection else { throw Failure.timedOut("not connected") }
        try withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 8) { buffer in
            let count = try packet.withUnsafeBytes { bytes in
                try protection.protect(
                    header: UnsafeRawBufferPointer(rebasing: bytes[..<headerSize]),
                    payload: UnsafeRawBufferPointer(rebasing: bytes[headerSize...]), into: buffer)
            }
            send(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Protects and sends an RTCP compound.
    package func send(rtcp packet: [UInt8]) throws {
        guard let protection else { throw Failure.timedOut("not connected") }
        try withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 8) { buffer in
            let count = try packet.withUnsafeBytes { try protection.protectRTCP($0, into: buffer) }
            send(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Says goodbye.
    package func close() { handshake.close { self.send($0) } }

    package func send(_ bytes: UnsafeRawBufferPointer) {
        if let connection {
            _ = connection.send(bytes, now: SystemClocks.monotonicNanoseconds)
            return
        }
        outbox.begin(UDPRoute(remote: server))
        guard let slot = outbox.slot(bytes.count) else { return }
        slot.copyMemory(from: bytes)
        outbox.commit(bytes.count)
        _ = outbox.flush(through: socket)
    }

    /// Receives until `isDone`; throws when that does not come.
    package func pump(within limit: Duration = .seconds(10), _ what: String, until isDone: () -> Bool) throws {
        let end = now + limit
        while !isDone() {
            guard now < end else { throw Failure.timedOut(what) }
            receive(wait: 20)
            if let deadline = handshake.deadline, now >= deadline { note(handshake.tick(now: now) { self.send($0) }) }
        }
    }

    /// Takes what comes within `wait` milliseconds.
    package func receive(wait: Int32) {
        let room = connection?.isWaiting == true ? POLLOUT : 0
        var ready = pollfd(fd: connection?.descriptor ?? socket.descriptor, events: Int16(POLLIN | room), revents: 0)
        guard poll(&ready, 1, wait) == 1 else { return }
        if let connection {
            _ = connection.flush(now: SystemClocks.monotonicNanoseconds)
            heard.isClosed = connection.receive { self.take($0) } == .byPeer || heard.isClosed
            return
        }
        while case .messages(let count) = inbox.receive(from: socket) {
            for index in 0..<count {
                let message = inbox.message(index)
                message.forEachDatagram { take($0) }
            }
        }
    }

    private func take(_ datagram: UnsafeMutableRawBufferPointer) {
        let bytes = UnsafeRawBufferPointer(datagram)
        let kind = DatagramKind(of: bytes)
        if loses(kind) { return }
        switch kind {
        case .stun:
            switch try? codec.read(bytes) {
            case .success: heard.successes += 1
            case .error(_, let code): heard.errors.append(code)
            default: break
            }
        case .dtls: note(handshake.receive(bytes, now: now) { self.send($0) })
        case .rtp:
            if let count = try? protection?.unprotect(datagram) { heard.packets.append(Array(datagram[..<count])) }
        case .rtcp:
            if let count = try? protection?.unprotectRTCP(datagram) { heard.controls.append(Array(datagram[..<count])) }
        case .other: break
        }
    }

    private func note(_ event: DTLSEvent?) {
        guard let event else { return }
        heard.lastEvent = event
        guard event == .connected, let keys = handshake.takeKeyingMaterial() else { return }
        protection = try? PacketProtection(profile: keys.profile, exported: keys.exported, isClient: keys.isClient, ciphers: ciphers)
    }
}

/// What came to a client.
private struct Heard {
    var packets: [[UInt8]] = []
    var controls: [[UInt8]] = []
    var successes = 0
    var errors: [Int] = []
    var lastEvent: DTLSEvent?
    var isClosed = false
}

extension EdgeClient {
    /// Decrypted RTP and RTCP that came, in order.
    package var packets: [[UInt8]] { heard.packets }
    package var controls: [[UInt8]] { heard.controls }
    /// Checks that were answered, and error codes.
    package var successes: Int { heard.successes }
    package var errors: [Int] { heard.errors }
    /// The server closed the TCP connection.
    package var isClosedByServer: Bool { heard.isClosed }
    /// What the handshake said last.
    package var lastEvent: DTLSEvent? { heard.lastEvent }
}

extension Optional {
    /// The value, or an error that names what is missing.
    package func orFail(_ what: String) throws -> Wrapped {
        guard let self else { throw EdgeClient.Failure.timedOut(what) }
        return self
    }
}
