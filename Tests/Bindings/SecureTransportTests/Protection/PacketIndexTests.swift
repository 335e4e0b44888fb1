@testable import SecureTransport
import Testing

/// RFC 3711 section 3.3.1 and its appendix A.
struct PacketIndexTests {
    struct Case: Sendable {
        let highest: UInt64
        let sequence: UInt16
        let index: UInt64?
    }

    @Test(arguments: [
        Case(highest: 0, sequence: 0, index: 0),
        Case(highest: 0, sequence: 0x7FFF, index: 0x7FFF),
        Case(highest: 0, sequence: 0xFFFF, index: 0xFFFF),  // there is nothing before rollover counter 0
        Case(highest: 5, sequence: 4, index: 4),
        Case(highest: 0x7FFF, sequence: 0xFFFF, index: 0xFFFF),
        Case(highest: 0x8000, sequence: 0, index: 0),
        Case(highest: 0x8001, sequence: 0, index: 0x1_0000),
        Case(highest: 0xFFFF, sequence: 0, index: 0x1_0000),
        Case(highest: 0xFFFF, sequence: 0x7FFE, index: 0x1_7FFE),
        Case(highest: 0xFFFF, sequence: 0x7FFF, index: 0x7FFF),
        Case(highest: 0x1_0000, sequence: 0xFFFF, index: 0xFFFF),  // late, across the wrap
        Case(highest: 0x1_0000, sequence: 0x8000, index: 0x1_8000),
        Case(highest: 0x1_0000, sequence: 0x8001, index: 0x8001),
        Case(highest: 0x2_1234, sequence: 0x1235, index: 0x2_1235),
        Case(highest: 1 << 48 - 1, sequence: 0xFFFF, index: 1 << 48 - 1),
        Case(highest: 1 << 48 - 1, sequence: 0xFFF0, index: 1 << 48 - 16),
        Case(highest: 1 << 48 - 1, sequence: 0, index: nil),  // 2^48 packets are all that a key may protect
    ])
    func estimatesTheClosestIndex(_ one: Case) {
        #expect(PacketIndex.estimate(sequence: one.sequence, highest: one.highest) == one.index)
    }

    @Test func followsASenderAcrossManyRollovers() {
        var index: UInt64 = 1000
        for step in 0..<40_000 {
            let next = index + UInt64(1 + step * 7919 % 0x7FFF)
            #expect(PacketIndex.estimate(sequence: UInt16(truncatingIfNeeded: next), highest: index) == next)
            index = next
        }
        #expect(PacketIndex.rollover(of: index) > 5000)
    }
}
