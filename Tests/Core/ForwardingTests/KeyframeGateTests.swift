import BridgeModel
import Forwarding
import Testing

@Suite struct KeyframeGateTests {
    private func time(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

    @Test func keyframeRequestsAreCoalesced() {
        var gate = KeyframeGate()
        let asked = (0..<1000).count { _ in gate.request(now: time(1000)) }
        #expect(asked == 1)
        #expect(gate.deadline == time(1500))
    }

    @Test func theSourceIsAskedAgainUntilAKeyframeComes() {
        var gate = KeyframeGate()
        let first = gate.request(now: time(0))
        let asked = stride(from: UInt64(100), through: 2000, by: 100).filter { gate.poll(now: time($0)) }
        #expect(first)
        #expect(asked == [500, 1000, 1500, 2000])
        gate.keyframeSeen()
        #expect(gate.deadline == nil)
        let later = gate.poll(now: time(9000))
        #expect(!later)
    }

    @Test func aRequestSoonAfterAKeyframeWaitsForTheInterval() {
        var gate = KeyframeGate()
        _ = gate.request(now: time(0))
        gate.keyframeSeen()
        let early = gate.request(now: time(200))
        #expect(!early)
        #expect(gate.deadline == time(500))
        let later = gate.poll(now: time(500))
        #expect(later)
    }

    @Test func cancelledRequestsAreNotRepeated() {
        var gate = KeyframeGate()
        _ = gate.request(now: time(0))
        gate.cancel()
        #expect(gate.deadline == nil)
        let later = gate.poll(now: time(500))
        #expect(!later)
    }
}
