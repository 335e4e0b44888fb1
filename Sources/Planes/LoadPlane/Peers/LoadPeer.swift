internal import BridgeModel
internal import LinuxIO
internal import LoadGeneration
internal import SDP
internal import SecureTransport

/// One WebRTC client: a socket of its own, as a browser has, a controlling ICE agent, DTLS and SRTP, and what it is there for. It lives on the loop's thread.
final class LoadPeer {
    let socket: UDPSocket
    let plan: PeerPlan
    private let tools: PeerTools
    private let remotes: [SocketAddress]
    private var checks: PathChecks
    private let handshake: DTLSEndpoint
    private var protection: PacketProtection?
    private var reception: ViewerReception?
    private var publication: Publication?
    /// Over when `ending` is set: nothing is sent or counted any more.
    private(set) var record: PeerRecord
    /// Told once: joined, or why not.
    private var whenJoined: ((JoinFailure?) -> Void)?
    /// What had been received when the measured time began; nil for a peer that was not there.
    var windowMark: ViewerCounters?

    /// Sends nothing yet; the first `tick` does. `whenJoined` is called on the loop's thread.
    init(_ plan: PeerPlan, tools: PeerTools, now: MonotonicTime, whenJoined: @escaping (JoinFailure?) -> Void) throws(JoinFailure) {
        self.plan = plan
        self.tools = tools
        remotes = plan.answer.candidates.compactMap { SocketAddress($0.address, port: $0.port) }
        guard !remotes.isEmpty else { throw .badAnswer }
        do {
            socket = try UDPSocket(
                bindingTo: .any(port: 0), options: UDPSocket.Options(receiveBuffer: Self.receiveBuffer, sendBuffer: 1 << 20))
            handshake = try DTLSEndpoint(
                context: tools.context, role: plan.answer.setup == .active ? .server : .client,
                fingerprints: plan.answer.fingerprints.compactMap {
                    CertificateFingerprint(algorithm: $0.algorithm, value: $0.value)
                }, profiles: plan.profiles)
        } catch is SystemError {
            throw .local
        } catch {
            throw .badAnswer
        }
        checks = PathChecks(candidateCount: remotes.count, seed: plan.seed, now: now)
        var milestones = JoinMilestones()
        milestones.answer = plan.answeredAt.duration(since: plan.startedAt)
        record = PeerRecord(milestones: milestones)
        self.whenJoined = whenJoined
    }

    /// Half a second of 8 Mbit/s, so that a thread that is late loses nothing.
    private static let receiveBuffer: Int32 = 1 << 20

    /// The stream that it watches; nil for a publisher.
    var stream: Int? {
        guard case .viewer(let stream, _, _) = plan.role else { return nil }
        return stream
    }

    /// It has neither joined nor failed.
    var isJoining: Bool { whenJoined != nil }

    /// What it received, for a viewer.
    var counters: ViewerCounters { reception?.counters ?? record.counters }

    /// When `tick` has something to do.
    var deadline: MonotonicTime {
        guard record.ending == nil else { return MonotonicTime(nanoseconds: .max) }
        var earliest = checks.deadline
        if whenJoined != nil { earliest = min(earliest, plan.joinBy) }
        if let deadline = handshake.deadline { earliest = min(earliest, Self.time(deadline)) }
        if let deadline = reception?.deadline { earliest = min(earliest, deadline) }
        if let deadline = publication?.deadline { earliest = min(earliest, deadline) }
        return earliest
    }

    /// Stops, and gives what there is to say about it. `saysGoodbye` ends DTLS in good manners: for servers that are told no other way.
    func leave(saysGoodbye: Bool) -> PeerRecord {
        if record.ending == nil, saysGoodbye { handshake.close { sendRaw($0) } }
        var final = record
        guard let reception else { return final }
        final.counters = reception.counters
        final.milestones.firstPacket = reception.firstPacketAt?.duration(since: plan.startedAt)
        final.milestones.keyframe = reception.keyframeAt?.duration(since: plan.startedAt)
        return final
    }

    /// It is over before it was told to leave.
    func end(_ failure: JoinFailure) {
        guard record.ending == nil else { return }
        record.ending = failure
        whenJoined.take()?(failure)
    }

    private func settleJoin() { whenJoined.take()?(nil) }

    private static func time(_ duration: Duration) -> MonotonicTime {
        MonotonicTime(nanoseconds: UInt64(max(0, duration.wholeNanoseconds)))
    }
}

// MARK: - Time

extension LoadPeer {
    /// Does what is due.
    func tick(now: MonotonicTime) {
        guard record.ending == nil else { return }
        if checks.hasLostConsent(now: now) { return end(.consentLost) }
        if whenJoined != nil, plan.joinBy <= now { return end(lateness) }
        for check in checks.check(now: now) { send(check) }
        let time = Duration.nanoseconds(Int64(clamping: now.nanoseconds))
        if let deadline = handshake.deadline, deadline <= time { note(handshake.tick(now: time) { sendRaw($0) }, now: now) }
        guard record.ending == nil, protection != nil else { return }
        sendDueControl(now: now)
        sendDueMedia(now: now)
    }

    /// What a join lacked when its time was over.
    private var lateness: JoinFailure {
        if checks.path == nil { return .noPath }
        return protection == nil ? .handshakeFailed : .noMedia
    }

    private func sendDueControl(now: MonotonicTime) {
        let ntp = ntp(at: now)
        let count =
            reception?.writeControl(to: tools.scratch, now: now)
            ?? publication?.writeReports(to: tools.scratch, now: now, ntp: ntp) ?? 0
        guard count > 0 else { return }
        sendProtected(UnsafeRawBufferPointer(rebasing: tools.scratch[..<count]), isControl: true)
    }

    private func sendDueMedia(now: MonotonicTime) {
        let wall = wallMicroseconds(at: now)
        while let count = publication?.writePacket(to: tools.scratch, now: now, wall: wall), count > 0 {
            sendProtected(UnsafeRawBufferPointer(rebasing: tools.scratch[..<count]), isControl: false)
        }
    }

    private func wallMicroseconds(at now: MonotonicTime) -> UInt64 {
        UInt64(clamping: (Int64(clamping: now.nanoseconds) + tools.wallOffset) / 1000)
    }

    /// 32.32 fixed point, seconds since 1900 (RFC 3550 section 4).
    private func ntp(at now: MonotonicTime) -> UInt64 {
        let wall = UInt64(clamping: Int64(clamping: now.nanoseconds) + tools.wallOffset)
        let seconds = wall / 1_000_000_000 + 2_208_988_800
        return seconds << 32 | (wall % 1_000_000_000) << 32 / 1_000_000_000
    }
}

// MARK: - Datagrams

extension LoadPeer {
    /// Takes a datagram; what a packet told of its stream, for a viewer.
    func receive(_ datagram: UnsafeMutableRawBufferPointer, from remote: SocketAddress, now: MonotonicTime) -> ViewerReception.Observation {
        guard record.ending == nil else { return .nothing }
        let bytes = UnsafeRawBufferPointer(datagram)
        switch DatagramKind(of: bytes) {
        case .rtp: return receiveMedia(datagram, now: now)
        case .rtcp: receiveControl(datagram, now: now)
        case .stun: receiveCheck(bytes, from: remote, now: now)
        case .dtls:
            let time = Duration.nanoseconds(Int64(clamping: now.nanoseconds))
            note(handshake.receive(bytes, now: time) { sendRaw($0) }, now: now)
        case .other: break
        }
        return .nothing
    }

    private func receiveMedia(_ datagram: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> ViewerReception.Observation {
        guard let protection, reception != nil else { return .nothing }
        guard let count = try? protection.unprotect(datagram) else {
            record.rejected += 1
            return .nothing
        }
        let packet = UnsafeRawBufferPointer(rebasing: datagram[..<count])
        let observation = reception?.receive(packet, now: now, wall: wallMicroseconds(at: now)) ?? .nothing
        if whenJoined != nil, observation != .nothing { settleJoin() }
        return observation
    }

    private func receiveControl(_ datagram: UnsafeMutableRawBufferPointer, now: MonotonicTime) {
        guard let protection else { return }
        guard let count = try? protection.unprotectRTCP(datagram) else {
            record.rejected += 1
            return
        }
        let compound = UnsafeRawBufferPointer(rebasing: datagram[..<count])
        reception?.receiveControl(compound, now: now)
        publication?.receiveControl(compound, scratch: tools.scratch) { sendProtected($0, isControl: false) }
    }

    private func receiveCheck(_ bytes: UnsafeRawBufferPointer, from remote: SocketAddress, now: MonotonicTime) {
        switch try? tools.codec.read(bytes) {
        case .success(let transaction, _)?:
            guard isAuthentic(bytes, key: plan.answer.password), checks.answered(transaction.low, now: now) else { return }
            let time = Duration.nanoseconds(Int64(clamping: now.nanoseconds))
            note(handshake.start(now: time) { sendRaw($0) }, now: now)
        case .request(let request)?:
            // A server that is a full agent checks the path, too (RFC 8445 section 7.3).
            guard isAuthentic(bytes, key: plan.password) else { return }
            answer(request.transaction, to: remote)
        case .error?, .indication?, nil: break
        }
    }

    private func note(_ event: DTLSEvent?, now: MonotonicTime) {
        switch event {
        case nil: break
        case .connected?: secure(now: now)
        case .closedByPeer?: end(.endedByServer)
        case .failed(.fingerprintMismatch)?: end(.fingerprintMismatch)
        case .failed?: end(protection == nil ? .handshakeFailed : .endedByServer)
        }
    }

    private func secure(now: MonotonicTime) {
        guard let keys = handshake.takeKeyingMaterial(),
            let made = try? PacketProtection(
                profile: keys.profile, exported: keys.exported, isClient: keys.isClient, ciphers: tools.ciphers)
        else { return end(.handshakeFailed) }
        protection = made
        record.milestones.secured = now.duration(since: plan.startedAt)
        switch plan.role {
        case .viewer(_, let tracks, let feedback):
            let sender = UInt32(truncatingIfNeeded: plan.seed) | 1
            reception = ViewerReception(tracks, feedback: feedback, sender: sender, startedAt: plan.startedAt, now: now)
        case .publisher(let settings, let video, let audio):
            publication = Publication(settings, video: video, audio: audio, seed: plan.seed, now: now)
            settleJoin()
        }
    }
}

// MARK: - Sending

extension LoadPeer {
    private func sendProtected(_ packet: UnsafeRawBufferPointer, isControl: Bool) {
        guard let protection, let path = checks.path else { return }
        let capacity = packet.count + protection.profile.rtcpOverhead
        tools.send(to: remotes[path], through: socket, capacity: capacity) { slot in
            if isControl { return (try? protection.protectRTCP(packet, into: slot)) ?? 0 }
            return (try? protection.protect(header: packet, payload: UnsafeRawBufferPointer(start: nil, count: 0), into: slot)) ?? 0
        }
    }

    /// DTLS, on the path.
    private func sendRaw(_ bytes: UnsafeRawBufferPointer) {
        guard let path = checks.path else { return }
        tools.send(to: remotes[path], through: socket, capacity: bytes.count) { slot in
            slot.copyMemory(from: bytes)
            return bytes.count
        }
    }

    private func send(_ check: PathChecks.Check) {
        let request = STUNCheck(
            transaction: STUNTransaction(high: UInt32(truncatingIfNeeded: plan.seed >> 32), low: check.transaction),
            priority: Self.priority, role: .controlling(tieBreaker: plan.seed), usesCandidate: true)
        let name = Array("\(plan.answer.ufrag):\(plan.ufrag)".utf8)
        let key = Array(plan.answer.password.revealed.utf8)
        tools.send(to: remotes[check.candidate], through: socket, capacity: STUNCodec.maximumByteCount) { slot in
            name.withUnsafeBytes { name in
                key.withUnsafeBytes { tools.codec.writeRequest(request, username: name, key: $0, into: slot) }
            }
        }
    }

    /// Of a peer-reflexive candidate, component 1 (RFC 8445 section 5.1.2).
    private static let priority: UInt32 = 110 << 24 | 0xFFFF << 8 | 255

    private func answer(_ transaction: STUNTransaction, to remote: SocketAddress) {
        let key = Array(plan.password.revealed.utf8)
        let mapped = STUNAddress(high: remote.high, low: remote.low, port: remote.port)
        tools.send(to: remote, through: socket, capacity: STUNCodec.maximumResponseByteCount) { slot in
            key.withUnsafeBytes { tools.codec.writeSuccess(transaction, mapped: mapped, key: $0, into: slot) }
        }
    }

    private func isAuthentic(_ bytes: UnsafeRawBufferPointer, key: Redacted<String>) -> Bool {
        Array(key.revealed.utf8).withUnsafeBytes { tools.codec.isAuthentic(bytes, key: $0) }
    }
}
