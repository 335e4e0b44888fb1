internal import CWebSockets
internal import CWebSocketsShims
import Glibc
import HTTPTypes

/// What a connection is at the moment: waiting for a handshake, serving HTTP, a WebSocket, or on its way out. Everything runs on the loop.
protocol ConnectionRole: AnyObject {
    /// Bytes arrived; they are valid during the call only.
    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection, of host: isolated SocketHost)
    /// Everything written was taken by the system.
    func drained(on connection: Connection, of host: isolated SocketHost)
    /// Regular call to look at deadlines.
    func check(now: ContinuousClock.Instant, on connection: Connection, of host: isolated SocketHost)
    /// The connection is gone.
    func closed(by host: isolated SocketHost)
    /// The host wants to end: what is idle closes now, what runs finishes first.
    func windDown(on connection: Connection, of host: isolated SocketHost)
    /// Whether a reply is still being made or sent, for which a shutdown waits.
    var isBusy: Bool { get }
}

/// One socket with its output queue. Lives on the loop of its host and nowhere else.
final class Connection {
    /// What becomes of the socket once the output is written.
    enum Ending {
        case none
        case close
        /// Say goodbye and read on for a while, so that a peer that is still sending gets to read our reply (RFC 9112, 9.6).
        case linger
    }

    let id: ConnectionID
    let remoteAddress: String
    let isSecure: Bool
    var role: any ConnectionRole
    private let socket: OpaquePointer
    private var output: [UInt8] = []
    private var written = 0
    private var ending = Ending.none
    private var isDropped = false
    private(set) var isReadingPaused = false
    /// When the peer last took bytes, or had none to take.
    private var lastProgress = ContinuousClock.now

    init(id: ConnectionID, socket: OpaquePointer, remoteAddress: String, isSecure: Bool, role: any ConnectionRole) {
        self.id = id
        self.socket = socket
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.role = role
    }

    /// Bytes that the system has not taken yet, in so far as they are ours; libwebsockets may hold one buffer more.
    var unwritten: Int { output.count - written }

    /// Whether every byte is with the system.
    private var isDrained: Bool { unwritten == 0 && lws_partial_buffered(socket) == 0 }

    /// Sends bytes, now if the socket takes them, else in order as it does. Nothing is sent after `end`.
    func write(_ bytes: [UInt8]) {
        guard !isDropped, ending == .none, !bytes.isEmpty else { return }
        if isDrained { lastProgress = .now }
        if unwritten == 0 {
            output = bytes
            written = 0
        } else {
            output += bytes
        }
        flush()
    }

    /// Calls the role's `drained` once everything written is with the system, also if it is already.
    func notifyWhenDrained() {
        if !isDropped { lws_callback_on_writable(socket) }
    }

    /// Closes the socket as soon as everything is written.
    func end(_ ending: Ending) {
        guard self.ending == .none else { return }
        self.ending = ending
        if isDrained { finish() }
    }

    /// Closes the socket without more ado.
    func drop() {
        guard !isDropped else { return }
        isDropped = true
        lws_set_timeout(socket, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC)
    }

    /// Leaves what the peer sends in the system's buffers, so that it has to wait.
    func pauseReading() {
        guard !isReadingPaused, !isDropped else { return }
        isReadingPaused = true
        lws_rx_flow_control(socket, 0)
    }

    /// Reads again.
    func resumeReading() {
        guard isReadingPaused, !isDropped else { return }
        isReadingPaused = false
        lws_rx_flow_control(socket, 1)
    }

    /// The socket has room.
    func becameWritable(of host: isolated SocketHost) {
        lastProgress = .now
        flush()
        guard isDrained, !isDropped else { return }
        if ending == .none {
            role.drained(on: self, of: host)
        } else {
            finish()
        }
    }

    /// Drops a peer that takes nothing; everything else is the role's to judge.
    func check(now: ContinuousClock.Instant, of host: isolated SocketHost) {
        if !isDrained, now - lastProgress > host.limits.slowReaderTimeout { return drop() }
        role.check(now: now, on: self, of: host)
    }

    private func flush() {
        output.withUnsafeMutableBufferPointer { buffer in
            while written < buffer.count, lws_partial_buffered(socket) == 0, !isDropped, let start = buffer.baseAddress {
                let count = min(ServiceLoop.bufferBytes, buffer.count - written)
                // libwebsockets keeps what the system does not take of this part, and reports the next chance to write after it is gone.
                guard viaduct_lws_write_raw(socket, start + written, count) >= 0 else { return drop() }
                written += count
            }
        }
        if written == output.count {
            output = []
            written = 0
        } else if written > ServiceLoop.bufferBytes * 4 {
            output.removeFirst(written)
            written = 0
        }
        if !isDrained, !isDropped { lws_callback_on_writable(socket) }
    }

    private func finish() {
        guard ending == .linger else { return drop() }
        // Inside TLS there is no half-closed socket; there the lingering alone has to do.
        if !isSecure { shutdown(lws_get_socket_fd(socket), Int32(SHUT_WR)) }
        if !(role is LingeringRole) { role = LingeringRole() }
        resumeReading()
    }
}

/// A connection whose last bytes are written: what still comes is thrown away, for a short while.
final class LingeringRole: ConnectionRole {
    private static let patience = Duration.seconds(2)
    private let deadline = ContinuousClock.now + patience

    var isBusy: Bool { false }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection, of host: isolated SocketHost) {}

    func drained(on connection: Connection, of host: isolated SocketHost) {}

    func check(now: ContinuousClock.Instant, on connection: Connection, of host: isolated SocketHost) {
        if now > deadline { connection.drop() }
    }

    func closed(by host: isolated SocketHost) {}

    func windDown(on connection: Connection, of host: isolated SocketHost) {
        if host.isClosingWebSockets { connection.drop() }
    }
}

/// A connection above a limit: its first bytes are answered with 503.
final class RefusingRole: ConnectionRole {
    private let deadline: ContinuousClock.Instant

    init(patience: Duration) { deadline = .now + patience }

    var isBusy: Bool { false }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection, of host: isolated SocketHost) {
        var head = ResponseEncoder.head(.init(status: .serviceUnavailable), framing: .length(0), date: HTTPDate.now())
        head += ResponseEncoder.endOfHead(.close)
        connection.write(head)
        connection.end(.linger)
    }

    func drained(on connection: Connection, of host: isolated SocketHost) {}

    func check(now: ContinuousClock.Instant, on connection: Connection, of host: isolated SocketHost) {
        if now > deadline { connection.drop() }
    }

    func closed(by host: isolated SocketHost) {}

    func windDown(on connection: Connection, of host: isolated SocketHost) { connection.drop() }
}
