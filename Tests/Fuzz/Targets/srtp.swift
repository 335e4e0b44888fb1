import SecureTransport

/// Libfuzzer calls on one thread, which is the one that uses this.
nonisolated(unsafe) private let ciphers = try? PacketCiphers()

/// The first octet chooses profile and kind of packet, the others are what a peer sends, and what a viewer is to be sent.
func fuzzSRTP(_ bytes: UnsafeRawBufferPointer) {
    guard let choice = bytes.first, let ciphers else { return }
    let packet = Array(bytes.dropFirst())
    let profile: ProtectionProfile = choice & 1 == 0 ? .aeadAES128GCM : .aes128CMSHA1_80
    guard let peers = try? Peers(profile: profile, isControl: choice & 2 != 0, ciphers: ciphers) else { return }
    if let accepted = peers.receive(packet) {
        // Only the sender's key can have made it: it makes the same again, if it is its first.
        if peers.isFirst(packet) { precondition(peers.protect(accepted) == packet) }
    } else {
        // What was refused has changed nothing: the peer's first packet is accepted.
        precondition(peers.protect(Peers.valid).flatMap(peers.receive) == Peers.valid)
    }
    guard let fresh = try? Peers(profile: profile, isControl: choice & 2 != 0, ciphers: ciphers) else { return }
    if let protected = fresh.protect(packet) { precondition(fresh.receive(protected) == packet) }
}

/// A sender and its receiver, whose keys a corpus can have seeds for.
private struct Peers {
    /// As an RTP packet and as an RTCP packet alike.
    static let valid: [UInt8] = [0x80, 200, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4]

    private let sender: PacketProtection
    private let receiver: PacketProtection
    private let isControl: Bool

    init(profile: ProtectionProfile, isControl: Bool, ciphers: PacketCiphers) throws(OpenSSLError) {
        let exported = SecretBytes(count: profile.exportedByteCount)
        sender = try PacketProtection(profile: profile, exported: exported, isClient: true, ciphers: ciphers)
        receiver = try PacketProtection(profile: profile, exported: exported, isClient: false, ciphers: ciphers)
        self.isControl = isControl
    }

    /// Whether a packet that was accepted has the index that a sender begins with: rollover counter 0 is sure, an SRTCP index is not.
    func isFirst(_ packet: [UInt8]) -> Bool {
        guard isControl else { return true }
        let word = sender.profile == .aeadAES128GCM ? packet.suffix(4) : packet.dropLast(10).suffix(4)
        return Array(word) == [0x80, 0, 0, 0]
    }

    func receive(_ packet: [UInt8]) -> [UInt8]? {
        var packet = packet
        let length = packet.withUnsafeMutableBytes { isControl ? try? receiver.unprotectRTCP($0) : try? receiver.unprotect($0) }
        return length.map { Array(packet.prefix($0)) }
    }

    func protect(_ packet: [UInt8]) -> [UInt8]? {
        var slot = [UInt8](repeating: 0, count: packet.count + sender.profile.rtcpOverhead)
        let length = slot.withUnsafeMutableBytes { slot in
            packet.withUnsafeBytes { packet in
                isControl
                    ? try? sender.protectRTCP(packet, into: slot)
                    : try? sender.protect(header: packet, payload: UnsafeRawBufferPointer(start: nil, count: 0), into: slot)
            }
        }
        return length.map { Array(slot.prefix($0)) }
    }
}
