import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

@Suite struct ReceptionTests {
    /// The algorithms of RFC 3550 appendix A.3 and A.8 as they stand there, with their C integers.
    private struct Reference {
        var baseSequence: UInt32 = 0
        var maxSequence: UInt32 = 0
        var received: UInt32 = 0
        var expectedPrior: UInt32 = 0
        var receivedPrior: UInt32 = 0
        var transit: Int32 = 0
        var jitter: UInt32 = 0

        mutating func arrive(_ sequence: UInt32, timestamp: UInt32, arrival: UInt32) {
            let transit = Int32(bitPattern: arrival &- timestamp)
            if received == 0 {
                baseSequence = sequence
                maxSequence = sequence
            } else {
                maxSequence = max(maxSequence, sequence)
                let difference = UInt32(abs(transit &- self.transit))
                jitter = jitter &+ difference &- ((jitter &+ 8) >> 4)
            }
            self.transit = transit
            received += 1
        }

        mutating func report() -> (fraction: UInt8, lost: Int32) {
            let expected = maxSequence - baseSequence + 1
            let expectedInterval = expected - expectedPrior
            let receivedInterval = received - receivedPrior
            expectedPrior = expected
            receivedPrior = received
            let lostInterval = Int32(bitPattern: expectedInterval &- receivedInterval)
            let fraction = expectedInterval == 0 || lostInterval <= 0 ? 0 : (lostInterval << 8) / Int32(expectedInterval)
            return (UInt8(min(fraction, 255)), Int32(bitPattern: expected &- received))
        }
    }

    @Test func reportsAreThoseOfTheRFCsOwnAlgorithms() {
        for seed: UInt64 in 1...20 {
            var random = SeededRandom(seed: seed)
            var link = VirtualLink<UInt32>(
                LinkConditions(delay: .milliseconds(30), jitter: .milliseconds(20), loss: .independent(0.1)).reordering(0.05), seed: seed)
            var statistics = ReceptionStatistics(clockRate: 90_000)
            var reference = Reference()
            let start = MonotonicTime(nanoseconds: 5_000_000_000)
            let first = UInt32.random(in: 0...70_000, using: &random)
            for step: UInt32 in 0..<3000 {
                let now = start.advanced(by: .milliseconds(Int64(step)))
                link.send(step, size: 100, now: now)
                while let arrival = link.receive(now: now) {
                    let timestamp = UInt32.max - 1000 &+ arrival.payload &* 90
                    statistics.receive(sequence: Int64(first + arrival.payload), timestamp: timestamp, arrival: now)
                    reference.arrive(first + arrival.payload, timestamp: timestamp, arrival: 77 &+ step &* 90)
                }
                guard step % 500 == 499 else { continue }
                let (fraction, lost) = reference.report()
                let block = statistics.reportBlock(ssrc: 1)
                #expect(block?.fractionLost == fraction && block?.cumulativeLost == lost)
                #expect(block?.jitter == reference.jitter >> 4)
                #expect(block?.extendedHighestSequence == reference.maxSequence)
            }
        }
    }

    @Test func thereIsNoReportBeforeAPacket() {
        var statistics = ReceptionStatistics(clockRate: 0)
        #expect(statistics.reportBlock(ssrc: 1) == nil && statistics.expected == 0 && statistics.lost == 0)
    }

    /// Against a set of everything that came.
    @Test func theArrivalWindowTellsFirstFromAgain() {
        for seed: UInt64 in 1...20 {
            var random = SeededRandom(seed: seed)
            var window = ArrivalWindow()
            var seen: Set<Int64> = []
            var newest: Int64 = Int64.random(in: -5000...5000, using: &random)
            for step in 0..<5000 {
                let leap: Int64 = step % 500 == 0 ? 3000 : 40
                let sequence = newest + Int64.random(in: -1200...leap, using: &random)
                let isFirstEver = seen.isEmpty
                if isFirstEver { newest = sequence }
                let expected: ArrivalWindow.Arrival =
                    !isFirstEver && newest - sequence >= ArrivalWindow.capacity
                    ? .tooOld : seen.contains(sequence) ? .again : .first
                #expect(window.insert(sequence) == expected)
                if expected == .first { seen.insert(sequence) }
                newest = max(newest, sequence)
            }
        }
    }

    @Test func aReportThatWasOvertakenDoesNotSetTheClockBack() {
        let start = MonotonicTime(nanoseconds: 9_000_000_000)
        var clock = SenderClock()
        #expect(clock.ntp(of: 5, clockRate: 90_000) == nil)
        clock.receive(SenderReportView(ssrc: 1, ntp: 10 << 32, rtp: 900_000), arrival: start)
        clock.receive(SenderReportView(ssrc: 1, ntp: 9 << 32, rtp: 810_000), arrival: start.advanced(by: .milliseconds(10)))
        #expect(clock.newest?.ntp == 10 << 32)
        clock.receive(SenderReportView(ssrc: 1, ntp: 2 << 32, rtp: 990_000), arrival: start.advanced(by: .milliseconds(1010)))
        #expect(clock.newest?.ntp == 2 << 32, "the source's clock was set")
    }

    @Test func theAnswerToAReportSaturates() {
        var clock = SenderClock()
        var block = ReportBlock(ssrc: 1)
        clock.complete(&block, now: MonotonicTime(nanoseconds: 5))
        #expect(block.lastSenderReport == 0 && block.delaySinceLastSenderReport == 0)
        clock.receive(SenderReportView(ssrc: 1, ntp: 1 << 40, rtp: 0), arrival: MonotonicTime(nanoseconds: 0))
        clock.complete(&block, now: MonotonicTime(nanoseconds: UInt64(Int64.max)))
        #expect(block.delaySinceLastSenderReport == .max)
    }
}
