import Glibc
import ProtectionTesting
import SecureTransport

/// Our protection beside libsrtp2's, with as many packets as there is time for.
enum Proof {
    private static let sourceCount = 6

    static func run(packets: Int, seed: UInt64) throws {
        for profile in ProtectionProfile.allCases {
            var trial = try ProtectionTrial(profile: profile, seed: seed, sourceCount: sourceCount, ciphers: PacketCiphers())
            try trial.runAllSizes()
            try trial.run(packets: packets - trial.counts.packets)
            let counts = trial.counts
            print(
                "\(profile): \(counts.packets) packets agree with libsrtp2: \(counts.protected) protected (\(counts.resent) of them again), "
                    + "\(counts.accepted) accepted, \(counts.refusedAsReplay) refused as replayed or too old, "
                    + "\(counts.refusedAsFalse) refused as false; \(trial.rollovers) rollovers")
            // Minutes lie between the profiles, and a file would show the first line with the last.
            fflush(nil)
        }
    }
}
