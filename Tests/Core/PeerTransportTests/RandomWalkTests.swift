import BridgeModel
import PeerTransport
import Testing

@Suite struct RandomWalkTests {
    @Test(arguments: [DTLSRole.server, .client], [ConsentRenewal.checks, .checksAndPackets])
    func noWalkBreaksAnInvariant(role: DTLSRole, renewal: ConsentRenewal) {
        var reached: [String: Int] = [:]
        for seed in UInt64(0)..<400 {
            var random = SeededGenerator(seed)
            var walk = PeerWalk(role: role, renewal: renewal, seed: seed)
            for _ in 0..<250 where walk.fault == nil {
                let bits: UInt64 = random.next()
                walk.step(UInt8(bits & 255), UInt8(bits >> 8 & 255), UInt8(bits >> 16 & 255), UInt8(bits >> 24 & 255))
            }
            #expect(walk.fault == nil, "seed \(seed), step \(walk.steps)")
            for event in walk.events { reached["\(event)".prefix { $0 != "(" }.description, default: 0] += 1 }
        }
        // The walks go everywhere.
        for event in ["connecting", "connected", "moved", "disconnected", "reconnected", "ended"] {
            #expect(reached[event, default: 0] > 50)
        }
    }
}
