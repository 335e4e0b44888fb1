import BridgeModel
import PeerTransport

/// A sequence of datagrams, reports, commands and time, chosen by bytes, played to a peer under the eyes of the oracle: random bytes make a random
/// walk, a fuzzer's bytes a search. The file needs no test library.
struct PeerWalk {
    private let stage: PeerStage
    private var oracle: PeerOracle
    /// The first thing that must not be, and after how many steps.
    private(set) var fault: String?
    private(set) var steps = 0
    /// Credentials that were ever given out: the peer may try old ones.
    private var credentials: [IceCredentials]

    init(role: DTLSRole, renewal: ConsentRenewal, seed: UInt64 = 1) {
        var policy = TransportPolicy()
        policy.consentRenewal = renewal
        stage = PeerStage(role: role, policy: policy, seed: seed)
        oracle = PeerOracle(stage)
        credentials = [stage.transport.credentials]
    }

    /// The events that were reached, to see that a walk goes somewhere.
    var events: [TransportEvent] { stage.events }

    /// Plays all bytes or up to the first fault; the first byte chooses the variant.
    static func play(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let first = bytes.first else { return nil }
        var walk = PeerWalk(role: first & 1 == 0 ? .server : .client, renewal: first & 2 == 0 ? .checks : .checksAndPackets)
        for start in stride(from: 1, to: bytes.count - 3, by: 4) {
            walk.step(bytes[start], bytes[start + 1], bytes[start + 2], bytes[start + 3])
            if let fault = walk.fault { return "\(fault), after \(walk.steps) steps" }
        }
        return nil
    }

    /// One step: what, where, and details.
    mutating func step(_ what: UInt8, _ whereabouts: UInt8, _ details: UInt8, _ more: UInt8) {
        guard fault == nil else { return }
        steps += 1
        let tuple = FiveTuple.remote(whereabouts & 15, transport: whereabouts & 0x40 == 0 ? .udp : .tcp)
        switch what & 15 {
        case 0...4: check(tuple, details, more)
        case 5, 6: note(oracle.media(from: tuple, wasTaken: stage.media(from: tuple), now: stage.now))
        case 7: _ = stage.handshakeRecord(from: tuple)
        case 8: handshake(details)
        case 9: stage.lose(tuple)
        case 10 where details < 64: restart()
        case 11 where details == 0: stage.close()
        case 12:
            // From milliseconds to a minute, with all the ticks on the way.
            wait(.milliseconds(Int64(details) * (more & 3 == 0 ? 250 : 20)))
            return
        case 13: stage.sleep(.milliseconds(Int64(details) * (more & 3 == 0 ? 250 : 5)))
        default:
            stage.tick()
            note(oracle.apply(stage.takeLatest()))
            note(oracle.tickFault(of: stage))
            note(oracle.fault(of: stage))
            return
        }
        note(oracle.apply(stage.takeLatest()))
        note(oracle.fault(of: stage))
    }

    private mutating func wait(_ duration: Duration) {
        let end = stage.now.advanced(by: duration)
        while let deadline = stage.transport.deadline, deadline <= end, fault == nil {
            stage.sleep(max(.zero, deadline.duration(since: stage.now)))
            stage.tick()
            note(oracle.apply(stage.takeLatest()))
            note(oracle.tickFault(of: stage))
            note(oracle.fault(of: stage))
        }
        stage.sleep(end.duration(since: stage.now))
    }

    private mutating func check(_ tuple: FiveTuple, _ details: UInt8, _ more: UInt8) {
        let proof = credentials[Int(more >> 4) % credentials.count].ufrag
        let integrity: BindingRequest.Integrity =
            switch details & 7 {
            case 0: .absent
            case 1: .wrong
            default: .verified(details & 8 == 0 ? stage.transport.credentials.ufrag : proof)
            }
        let role: BindingRequest.Role =
            switch more & 15 {
            case 0: .controlled
            case 1: .contradictory
            case 2: .unstated
            default: .controlling
            }
        var request = BindingRequest(
            byteCount: 20 + Int(more), integrity: integrity, role: role, priority: details & 0xF0 == 0xF0 ? nil : UInt32(details >> 4),
            nominates: details & 1 == 0)
        request.nomination = more & 15 == 15 ? UInt32(more >> 4) : nil
        request.hasUnknownRequiredAttribute = more == 3
        let answered = Set([stage.transport.credentials.ufrag] + (stage.transport.previousCredentials.map { [$0.ufrag] } ?? []))
        let answer = stage.receive(request, on: tuple)
        note(oracle.checked(request, on: tuple, answer: answer, wasAnswered: answered, now: stage.now))
    }

    private mutating func handshake(_ details: UInt8) {
        switch details {
        case 0...1: stage.handshake(.fingerprintMismatch)
        case 2...3: stage.handshake(.finished(.aeadAES128GCM, certificateMatches: false))
        case 4...5: stage.handshake(.failed)
        case 6...7: stage.handshake(.closed)
        default:
            oracle.finished(matching: true)
            stage.finishHandshake()
        }
    }

    private mutating func restart() {
        guard !stage.transport.hasEnded else { return }
        oracle.restarted(now: stage.now)
        credentials.append(stage.restart())
    }

    private mutating func note(_ fault: String?) { if self.fault == nil { self.fault = fault } }
}
