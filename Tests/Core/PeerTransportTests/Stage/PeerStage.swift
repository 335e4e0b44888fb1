import BridgeModel
import PeerTransport

/// One peer with its worker's table and a clock that stands still until it is told to go on. The file needs no test library: fuzzing uses it too.
final class PeerStage {
    var transport: PeerTransport
    /// All effects so far.
    private(set) var effects: [TransportEffect] = []
    /// Effects of the last call.
    private(set) var latest: [TransportEffect] = []
    private(set) var now: MonotonicTime
    private(set) var table: PeerTable
    let peer: PeerIndex
    private var random: SeededGenerator

    static let start = MonotonicTime(nanoseconds: 1_000_000_000_000)
    /// Takes the effects of the last call, so that they are not taken twice.
    func takeLatest() -> [TransportEffect] {
        defer { latest = [] }
        return latest
    }

    /// What a browser's check takes: USERNAME, PRIORITY, role, USE-CANDIDATE, MESSAGE-INTEGRITY, FINGERPRINT.
    static let checkBytes = 108

    init(role: DTLSRole = .server, policy: TransportPolicy = TransportPolicy(), seed: UInt64 = 1) {
        var random = SeededGenerator(seed)
        var table = PeerTable(capacity: 1, using: &random)
        now = Self.start
        let credentials = table.makeCredentials(worker: 0, using: &random)
        transport = PeerTransport(credentials, role: role, policy: policy, now: now)
        peer = table.admit(credentials.ufrag) ?? PeerIndex(0)
        self.table = table
        self.random = random
    }

    /// The events so far.
    var events: [TransportEvent] { Self.events(in: effects) }
    /// Events of the last call.
    var latestEvents: [TransportEvent] { Self.events(in: latest) }
    var mediaPath: FiveTuple? { transport.mediaPath(now: now) }

    private static func events(in effects: [TransportEffect]) -> [TransportEvent] {
        effects.compactMap { if case .event(let event) = $0 { event } else { nil } }
    }

    /// A verified check, whatever it says.
    @discardableResult
    func check(
        _ tuple: FiveTuple, nominates: Bool = true, priority: UInt32? = 100, with credentials: IceCredentials? = nil,
        change: (inout BindingRequest) -> Void = { _ in }
    ) -> StunAnswer {
        let ufrag = (credentials ?? transport.credentials).ufrag
        var request = BindingRequest(
            byteCount: Self.checkBytes, integrity: .verified(ufrag), priority: priority, nominates: nominates)
        change(&request)
        return receive(request, on: tuple)
    }

    @discardableResult
    func receive(_ request: BindingRequest, on tuple: FiveTuple) -> StunAnswer {
        play { $0.check(request, on: tuple, now: now, effects: &$1) }
    }

    func handshake(_ outcome: HandshakeOutcome) { play { $0.handshake(outcome, now: now, effects: &$1) } }

    func finishHandshake(_ profile: SRTPProfile = .aeadAES128GCM) { handshake(.finished(profile, certificateMatches: true)) }

    /// A DTLS record from this 5-tuple; true when the endpoint would see it.
    func handshakeRecord(from tuple: FiveTuple) -> Bool {
        guard let found = table.path(of: tuple) else { return false }
        return transport.admitsHandshake(from: found.path)
    }

    /// An authentic SRTP packet from this 5-tuple; true when unprotection would see it.
    @discardableResult
    func media(from tuple: FiveTuple) -> Bool {
        guard let found = table.path(of: tuple), transport.admitsMedia(from: found.path) else { return false }
        play { $0.authenticated(from: found.path, now: now, effects: &$1) }
        return true
    }

    /// The TCP connection of this 5-tuple is gone.
    func lose(_ tuple: FiveTuple) {
        guard let found = table.path(of: tuple) else { return }
        play { $0.pathLost(found.path, now: now, effects: &$1) }
    }

    @discardableResult
    func restart() -> IceCredentials {
        let new = table.makeCredentials(worker: 0, using: &random)
        _ = play { $0.restart(with: new, now: now, effects: &$1) }
        return new
    }

    func close() { play { $0.close(now: now, effects: &$1) } }

    /// Lets time pass, with a tick at each deadline on the way and none at the end.
    func wait(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = transport.deadline, deadline <= end {
            now = max(now, deadline)
            tick()
            // A deadline that stands still would be ticked for ever.
            if let next = transport.deadline, next <= now { break }
        }
        now = end
    }

    /// Lets time pass in which nobody ticks.
    func sleep(_ duration: Duration) { now = now.advanced(by: duration) }

    func tick() { play { $0.tick(now: now, effects: &$1) } }

    private func play<Result>(_ call: (inout PeerTransport, inout [TransportEffect]) -> Result) -> Result {
        var new: [TransportEffect] = []
        let result = call(&transport, &new)
        for effect in new { table.apply(effect, of: peer) }
        latest = new
        effects += new
        return result
    }
}

extension FiveTuple {
    /// The bridge's port and a remote address of this number.
    static func remote(_ number: UInt8, port: UInt16 = 50_000, transport: TransportProtocol = .udp) -> FiveTuple {
        FiveTuple(
            local: TransportAddress(ipv4: 0xC000_0201, port: 8189),
            remote: TransportAddress(ipv4: 0xCB00_7100 | UInt32(number), port: port), transport: transport)
    }
}
