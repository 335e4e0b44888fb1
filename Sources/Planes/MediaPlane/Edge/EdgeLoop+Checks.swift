import Bridge
import BridgeModel
import LinuxIO
import PeerTransport
import SecureTransport

extension EdgeLoop {
    /// Answers a STUN datagram, if it is to be answered.
    mutating func answer(
        _ datagram: UnsafeRawBufferPointer, on tuple: FiveTuple, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        // Indications are keep-alives, and a lite agent has no checks under way that a response could answer.
        guard case .request(let message)? = try? codec.read(datagram) else {
            totals.strangers += 1
            return
        }
        let ufrag = message.username.flatMap { LocalUfrag(username: UnsafeRawBufferPointer(rebasing: datagram[$0])) }
        guard let ufrag, let index = table.peer(with: ufrag), let peer = peers[index.number] else {
            if let ufrag, let owner = exchange.owner(of: ufrag), passOn(datagram, on: tuple, to: owner) { return }
            if let ufrag, keepEarly(message, datagram, of: ufrag, on: tuple, now: now) { return }
            let request = BindingRequest(message, byteCount: datagram.count, integrity: message.hasIntegrity ? .wrong : .absent)
            guard replyBudget.spend(now: now) else { return }
            return reply(.toStranger(request), to: message, by: nil, on: tuple, ports: &ports)
        }
        let integrity = integrity(of: message, in: datagram, by: ufrag, with: peer.credentials(with: ufrag))
        let request = BindingRequest(message, byteCount: datagram.count, integrity: integrity)
        if case .verified = integrity, !yieldPath(tuple, to: index, streams: &streams, ports: &ports, now: now) { return }
        let answer = peer.transport.check(request, on: tuple, now: now, effects: &effects)
        if case .error(_, signedBy: nil, _) = answer, !replyBudget.spend(now: now) { return }
        reply(answer, to: message, by: peer, on: tuple, ports: &ports)
        applyEffects(of: peer, streams: &streams, ports: &ports, now: now)
    }

    /// Keeps a check that overtook its peer's answer; false when it is none.
    private mutating func keepEarly(
        _ message: STUNBindingRequest, _ datagram: UnsafeRawBufferPointer, of ufrag: LocalUfrag, on tuple: FiveTuple, now: MonotonicTime
    ) -> Bool {
        let credentials = environment.awaited.credentials(of: ufrag)
        guard case .verified = integrity(of: message, in: datagram, by: ufrag, with: credentials) else { return false }
        return environment.awaited.keep(datagram, of: ufrag, on: tuple, receiver: exchange.arriving, now: now)
    }

    /// Answers the checks that came before their peer.
    mutating func takeEarlyChecks(
        of ufrag: LocalUfrag, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) {
        for check in environment.awaited.take(ufrag, now: now) {
            exchange.arriving = check.receiver
            check.datagram.withUnsafeBytes { answer($0, on: check.tuple, streams: &streams, ports: &ports, now: now) }
            exchange.arriving = nil
        }
    }

    /// Gives a check to the worker of the peer that it names: over UDP the datagram, over TCP the connection. False when it is not to be passed on.
    private mutating func passOn(_ datagram: UnsafeRawBufferPointer, on tuple: FiveTuple, to owner: Int) -> Bool {
        tuple.transport == .udp ? hand(datagram, on: tuple, to: owner) : departures.begin(to: owner)
    }

    /// A Binding indication without attributes (RFC 8445 section 11): keeps a NAT's mapping open.
    func sendKeepalive(along tuple: FiveTuple, ports: inout MediaPorts) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 8) { bytes in
            // Type, length, magic cookie and transaction (RFC 5389 section 6).
            bytes.storeBytes(of: (0x0011_0000 as UInt32).bigEndian, as: UInt32.self)
            bytes.storeBytes(of: (0x2112_A442 as UInt32).bigEndian, toByteOffset: 4, as: UInt32.self)
            bytes.storeBytes(of: UInt32.random(in: .min ... .max), toByteOffset: 8, as: UInt32.self)
            bytes.storeBytes(of: UInt64.random(in: .min ... .max), toByteOffset: 12, as: UInt64.self)
            ports.edge.send(UnsafeRawBufferPointer(bytes), along: tuple)
        }
    }

    private func integrity(
        of message: STUNBindingRequest, in datagram: UnsafeRawBufferPointer, by ufrag: LocalUfrag, with credentials: IceCredentials?
    ) -> BindingRequest.Integrity {
        guard message.hasIntegrity, let credentials else { return .absent }
        return credentials.withPassword { codec.isAuthentic(datagram, key: $0) } ? .verified(ufrag) : .wrong
    }

    /// A verified check of another peer takes a 5-tuple over from one that is silent there: its NAT gave the port away. False when the one is not
    /// silent: the check is not answered then.
    private mutating func yieldPath(
        _ tuple: FiveTuple, to index: PeerIndex, streams: inout MediaStreams, ports: inout MediaPorts, now: MonotonicTime
    ) -> Bool {
        guard let holder = table.holder(of: tuple, besides: index),
            let other = peers[holder.peer.number]
        else { return true }
        guard other.transport.isSilent(holder.path, now: now) else { return false }
        other.transport.pathLost(holder.path, now: now, effects: &effects)
        applyEffects(of: other, streams: &streams, ports: &ports, now: now)
        return true
    }

    private func reply(
        _ answer: StunAnswer, to message: STUNBindingRequest, by peer: EdgePeer?, on tuple: FiveTuple, ports: inout MediaPorts
    ) {
        withUnsafeTemporaryAllocation(byteCount: STUNCodec.maximumResponseByteCount, alignment: 8) { buffer in
            let count = write(answer, to: message, by: peer, mapped: STUNAddress(tuple.remote), into: buffer)
            guard count > 0 else { return }
            ports.edge.send(UnsafeRawBufferPointer(rebasing: buffer[..<count]), along: tuple)
        }
    }

    /// Bytes written; 0 when nothing is to be sent.
    private func write(
        _ answer: StunAnswer, to message: STUNBindingRequest, by peer: EdgePeer?, mapped: STUNAddress,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        switch answer {
        case .none: return 0
        case .success(let ufrag):
            guard let credentials = peer?.credentials(with: ufrag) else { return 0 }
            return credentials.withPassword { codec.writeSuccess(message.transaction, mapped: mapped, key: $0, into: buffer) }
        case .error(let code, let ufrag, let limit):
            let credentials = ufrag.flatMap { peer?.credentials(with: $0) }
            let code = STUNErrorCode(code)
            let unknown = code == .unknownAttribute ? message.unknownAttributes : STUNUnknownAttributes()
            let count =
                credentials?.withPassword { codec.writeError(code, message.transaction, unknown: unknown, key: $0, into: buffer) }
                ?? codec.writeError(code, message.transaction, unknown: unknown, key: nil, into: buffer)
            return count <= limit ? count : 0
        }
    }
}

extension EdgePeer {
    /// Our credentials that have this fragment: those in use, or those before an ICE restart.
    func credentials(with ufrag: LocalUfrag) -> IceCredentials? {
        if transport.credentials.ufrag == ufrag { return transport.credentials }
        guard let previous = transport.previousCredentials, previous.ufrag == ufrag else { return nil }
        return previous
    }
}

extension STUNAddress {
    fileprivate init(_ address: TransportAddress) { self.init(high: address.high, low: address.low, port: address.port) }
}

extension STUNErrorCode {
    fileprivate init(_ code: StunErrorCode) {
        self =
            switch code {
            case .badRequest: .badRequest
            case .unauthorized: .unauthorized
            case .unknownAttribute: .unknownAttribute
            case .roleConflict: .roleConflict
            }
    }
}

extension BindingRequest {
    fileprivate init(_ message: STUNBindingRequest, byteCount: Int, integrity: Integrity) {
        let role: Role =
            switch message.role {
            case .unstated: .unstated
            case .controlling: .controlling
            case .controlled: .controlled
            case .contradictory: .contradictory
            }
        self.init(
            byteCount: byteCount, integrity: integrity, role: role, priority: message.priority, nominates: message.usesCandidate)
        nomination = message.nomination
        hasUnknownRequiredAttribute = !message.unknownAttributes.isEmpty
    }
}
