import ProtectionTesting
import SecureTransport
import Testing

/// Held against libsrtp2. `bench-protection prove` does the same with millions of packets.
struct ReferenceTests {
    @Test(arguments: ProtectionProfile.allCases, [1, 2])
    func protectsAndAcceptsWhatTheReferenceDoes(profile: ProtectionProfile, seed: UInt64) throws {
        var trial = try ProtectionTrial(profile: profile, seed: seed, sourceCount: 4, ciphers: PacketCiphers())
        try trial.run(packets: 20_000)
        let counts = trial.counts
        #expect(trial.rollovers > 10)
        #expect(counts.resent > 100)
        #expect(counts.refusedAsReplay > 100)
        #expect(counts.refusedAsFalse > 100)
        #expect(counts.accepted > 5000)
    }

    @Test(arguments: ProtectionProfile.allCases)
    func protectsPayloadsOfEachSizeAsTheReferenceDoes(profile: ProtectionProfile) throws {
        var trial = try ProtectionTrial(profile: profile, seed: 3, sourceCount: 1, ciphers: PacketCiphers())
        try trial.runAllSizes()
        #expect(trial.counts.protected == 1461)
    }
}
