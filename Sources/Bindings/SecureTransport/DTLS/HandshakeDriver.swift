/// Brings one handshake through a bad network: keeps from OpenSSL what cannot belong to it, repeats flights, and does not believe what anybody could
/// have sent.
final class HandshakeDriver {
    enum Outcome: Equatable {
        case none
        case finished
        case failed(DTLSError)
    }

    /// A reason to give up that is not proved: it came in plaintext, so perhaps not from the peer.
    private struct Suspicion {
        var error: DTLSError
        /// When it is believed, unless the handshake went on before.
        var deadline: Duration
        /// The alert that is sent then.
        var alert: OutgoingFlight
    }

    /// How long an alert is doubted: a peer that is there repeats its flight sooner (RFC 6347 section 4.2.4.1: after a second at first).
    private static let doubtOfAlert = Duration.milliseconds(1500)
    /// How long a ClientHello that failed is doubted: the peer's own may be lost, and come later.
    private static let doubtOfHello = Duration.seconds(5)

    private let makeHandshake: () throws(OpenSSLError) -> DTLSHandshake
    private let role: DTLSRole
    private(set) var handshake: DTLSHandshake
    private var filter: HandshakeFilter
    private var timer = RetransmissionTimer()
    private var numbers = RecordNumbers()
    private var flight = OutgoingFlight()
    private var suspicion: Suspicion?
    private lazy var protection = try? handshake.makeRecordProtection()

    init(
        context: DTLSContext, role: DTLSRole, expected: ExpectedFingerprints, profiles: [ProtectionProfile]
    ) throws(OpenSSLError) {
        makeHandshake = { () throws(OpenSSLError) in
            try DTLSHandshake(context: context, role: role, expected: expected, profiles: profiles)
        }
        self.role = role
        handshake = try makeHandshake()
        filter = HandshakeFilter(role: role)
    }

    /// When `tick` has something to do.
    var deadline: Duration? {
        guard let suspected = suspicion?.deadline else { return timer.deadline }
        return timer.deadline.map { min($0, suspected) } ?? suspected
    }

    /// A client sends its first flight.
    func begin(now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> Outcome { advance(with: nil, now: now, send: send) }

    func receive(_ record: DTLSRecord, now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> Outcome {
        switch filter.judge(record) {
        case .pass: return advance(with: record.octets, now: now, send: send)
        case .unprovedAlert(let code): hear(alert: code, now: now)
        case .retransmission:
            suspicion = nil
            if timer.mayRepeat(now: now) { repeatFlight(send) }
        case .startOver: if startOver() { return receive(record, now: now, send: send) }
        case .drop: break
        }
        return .none
    }

    func tick(now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> Outcome {
        if let suspicion, now >= suspicion.deadline {
            suspicion.alert.forEachDatagram(send)
            return .failed(suspicion.error)
        }
        guard let isDue = timer.isDue(now: now) else { return .failed(.timedOut) }
        if isDue { repeatFlight(send) }
        return .none
    }

    /// What remains when the handshake is finished.
    func makeAssociation() throws(OpenSSLError) -> EstablishedAssociation {
        EstablishedAssociation(role: role, protection: try handshake.makeRecordProtection(), numbers: numbers, lastFlight: flight)
    }

    private func advance(with record: UnsafeRawBufferPointer?, now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> Outcome {
        let step = handshake.advance(with: record)
        let output = handshake.takeOutput()
        switch step {
        case .waiting:
            suspicion = nil
            guard !output.isEmpty else { return .none }
            filter.noteFlight()
            timer.start(now: now)
            sendNumbered(output, send)
            return .none
        case .finished:
            sendNumbered(output, send)
            return .finished
        case .failed(let error):
            return giveUp(error, output, now: now, send: send)
        }
    }

    /// A server that has answered nothing waits for a better ClientHello: the one that failed was perhaps not the peer's.
    private func giveUp(_ error: DTLSError, _ output: OutgoingFlight, now: Duration, send: (UnsafeRawBufferPointer) -> Void) -> Outcome {
        guard role == .server, !filter.hasAnswered, startOver() else {
            sendNumbered(output, send)
            return .failed(error)
        }
        suspect(error, until: now + Self.doubtOfHello, alert: output)
        return .none
    }

    /// Nobody refuses a server that has sent nothing.
    private func hear(alert code: UInt8, now: Duration) {
        guard timer.deadline != nil else { return }
        suspect(.alertReceived(code), until: now + Self.doubtOfAlert, alert: OutgoingFlight())
    }

    /// Forgets what OpenSSL has seen so far. False when there is no memory for that.
    private func startOver() -> Bool {
        guard let fresh = try? makeHandshake() else { return false }
        handshake = fresh
        filter = HandshakeFilter(role: role)
        return true
    }

    /// The first suspicion counts, however often it is repeated.
    private func suspect(_ error: DTLSError, until deadline: Duration, alert: OutgoingFlight) {
        guard suspicion == nil else { return }
        suspicion = Suspicion(error: error, deadline: deadline, alert: alert)
    }

    private func sendNumbered(_ output: OutgoingFlight, _ send: (UnsafeRawBufferPointer) -> Void) {
        flight = output
        repeatFlight(send)
    }

    private func repeatFlight(_ send: (UnsafeRawBufferPointer) -> Void) {
        flight.renumber(with: &numbers) { protection }
        flight.forEachDatagram(send)
    }
}
