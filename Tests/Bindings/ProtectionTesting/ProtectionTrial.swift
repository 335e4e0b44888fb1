package import SecureTransport

/// Our protection beside libsrtp's, packet by packet: the same packets out, the same decisions and packets in.
///
/// Packets of several sources are protected by both. What comes in was protected by libsrtp, and goes to both through a network that loses, delays,
/// duplicates, changes, and replays what is long gone.
package struct ProtectionTrial {
    /// The first packet on which the two did not agree.
    package struct Disagreement: Error {
        package let step: Int
        package let what: String
    }

    /// What has happened so far; a trial that never met a rollover or a replay proves little.
    package struct Counts: Sendable {
        package var protected = 0
        package var resent = 0
        package var accepted = 0
        package var refusedAsReplay = 0
        package var refusedAsFalse = 0

        /// Packets that both sides handled.
        package var packets: Int { protected + accepted + refusedAsReplay + refusedAsFalse }
    }

    package private(set) var counts = Counts()
    /// How often sequence numbers wrapped, in both directions.
    package var rollovers: Int { (sources + peerSources).reduce(0) { $0 + $1.rollovers } }
    private let ours: PacketProtection
    private let referenceOut: ReferenceSession
    private let referenceIn: ReferenceSession
    /// The peer, who is libsrtp.
    private let peer: ReferenceSession
    private var random: SeededRandom
    private var sources: [PacketSource] = []
    private var peerSources: [PacketSource] = []
    private var media = UnreliableNetwork()
    private var control = UnreliableNetwork()
    private var step = 0

    package init(profile: ProtectionProfile, seed: UInt64, sourceCount: Int, ciphers: PacketCiphers) throws {
        random = SeededRandom(seed: seed)
        let keyCount = profile.keyByteCount + profile.saltByteCount
        let (outboundKey, inboundKey) = (random.octets(keyCount), random.octets(keyCount))
        ours = try PacketProtection(profile: profile, outbound: outboundKey, inbound: inboundKey, ciphers: ciphers)
        // The widest window that libsrtp has, so that it sends again what is old.
        referenceOut = try ReferenceSession(profile: profile, keyAndSalt: outboundKey, direction: .outbound, replayWindow: 0x7FFF)
        peer = try ReferenceSession(profile: profile, keyAndSalt: inboundKey, direction: .outbound, replayWindow: 0x7FFF)
        referenceIn = try ReferenceSession(profile: profile, keyAndSalt: inboundKey, direction: .inbound, replayWindow: 1024)
        for number in 0..<sourceCount {
            sources.append(PacketSource(ssrc: UInt32(truncatingIfNeeded: random.next()), random: &random))
            peerSources.append(PacketSource(ssrc: UInt32(truncatingIfNeeded: random.next()), random: &random))
            // RFC 3711 begins an SRTCP index with 0, libsrtp with 1: ours is brought up to its.
            _ = try ours.protectRTCP(PacketSource.controlPacket(ssrc: sources[number].ssrc, random: &random))
        }
    }

    /// Goes on until so many packets were handled.
    package mutating func run(packets: Int) throws {
        let end = counts.packets + packets
        while counts.packets < end {
            step += 1
            try send()
            try receive()
            if random.happens(percent: 5) { try sendControl() }
            if random.happens(percent: 5) { try receiveControl() }
        }
    }

    /// Each payload size once, with every way to share it out between the viewer's own part and the common one.
    package mutating func runAllSizes() throws {
        let ssrc = UInt32(truncatingIfNeeded: random.next())
        for size in 0...PacketSource.largestPayload {
            step += 1
            let packet = PacketSource.packet(ssrc: ssrc, sequence: UInt16(size), payloadCount: size, random: &random)
            try compareProtected(packet, ownCount: packet.count - random.next(below: size + 1))
        }
    }

    private mutating func send() throws {
        let which = random.next(below: sources.count)
        if random.happens(percent: 8), let packet = sources[which].again(random: &random) {
            counts.resent += 1
            try compareProtected(packet, ownCount: packet.count)
        } else {
            let packet = sources[which].next(random: &random)
            // Between the end of the header, which is at most 128 octets, and the end of the packet.
            let payloadCount = max(0, packet.count - 128)
            try compareProtected(packet, ownCount: packet.count - random.next(below: payloadCount + 1))
        }
    }

    private mutating func compareProtected(_ packet: [UInt8], ownCount: Int) throws {
        guard try ours.protect(packet, ownCount: ownCount) == referenceOut.protect(packet) else { throw disagreement("SRTP out") }
        counts.protected += 1
    }

    private mutating func sendControl() throws {
        let ssrc = sources[random.next(below: sources.count)].ssrc
        let packet = PacketSource.controlPacket(ssrc: ssrc, random: &random)
        guard try ours.protectRTCP(packet) == referenceOut.protectRTCP(packet) else { throw disagreement("SRTCP out") }
        counts.protected += 1
    }

    private mutating func receive() throws {
        let which = random.next(below: peerSources.count)
        let packet = peerSources[which].next(random: &random)
        media.send(try peer.protect(packet), random: &random)
        while let arrival = media.receive(random: &random) {
            let our = Outcome { () throws(ProtectionError) in try ours.unprotect(arrival.packet) }
            let their = Outcome { () throws(ReferenceSession.Refusal) in try referenceIn.unprotect(arrival.packet) }
            try compare(our, their, of: arrival, "SRTP in")
        }
    }

    private mutating func receiveControl() throws {
        let which = random.next(below: peerSources.count)
        let packet = PacketSource.controlPacket(ssrc: peerSources[which].ssrc, random: &random)
        control.send(try peer.protectRTCP(packet), random: &random)
        while let arrival = control.receive(random: &random) {
            let our = Outcome { () throws(ProtectionError) in try ours.unprotectRTCP(arrival.packet) }
            let their = Outcome { () throws(ReferenceSession.Refusal) in try referenceIn.unprotectRTCP(arrival.packet) }
            try compare(our, their, of: arrival, "SRTCP in")
        }
    }

    /// A packet that was changed on its way may be refused for one reason or another, but by both.
    private mutating func compare(_ our: Outcome, _ their: Outcome, of arrival: UnreliableNetwork.Arrival, _ what: String) throws {
        switch (our, their) {
        case (.packet(let one), .packet(let other)) where one == other && !arrival.isChanged: counts.accepted += 1
        case (.replay, .replay): counts.refusedAsReplay += 1
        case (.other, .other): counts.refusedAsFalse += 1
        case (.replay, .other) where arrival.isChanged, (.other, .replay) where arrival.isChanged: counts.refusedAsFalse += 1
        default: throw disagreement("\(what): \(our.summary) here, \(their.summary) there")
        }
    }

    private func disagreement(_ what: String) -> Disagreement { Disagreement(step: step, what: what) }
}

/// What became of a packet.
private enum Outcome {
    case packet([UInt8])
    case replay
    case other

    init(_ body: () throws(ProtectionError) -> [UInt8]) {
        do throws(ProtectionError) { self = .packet(try body()) } catch { self = error == .replay ? .replay : .other }
    }

    init(_ body: () throws(ReferenceSession.Refusal) -> [UInt8]) {
        do throws(ReferenceSession.Refusal) { self = .packet(try body()) } catch { self = error == .replay ? .replay : .other }
    }

    var summary: String {
        switch self {
        case .packet(let octets): "\(octets.count) octets"
        case .replay: "replay"
        case .other: "refused"
        }
    }
}
