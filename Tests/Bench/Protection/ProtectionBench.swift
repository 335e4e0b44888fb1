import Glibc
import ProtectionTesting
import SecureTransport

/// What protection costs, and whether it is right.
///
/// `bench-protection` prints the cost of packets of 1,200 octets of payload and the memory of a peer.
/// `bench-protection prove [packets] [seed]` compares that many packets (10 million) of each profile with libsrtp2, and prints what they met.
@main struct ProtectionBench {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.first == "prove" else { return try Cost.printTable() }
        let numbers = arguments.dropFirst().compactMap { UInt64($0) }
        try Proof.run(packets: Int(numbers.first ?? 10_000_000), seed: numbers.dropFirst().first ?? 1)
    }
}
