import RTP
import Testing

@testable import Forwarding

/// What a viewer's reports say of its own path, where packets were lost before they came to us, too.
@Suite struct ReportedLossTests {
    /// A report up to this number, with so many of 256 lost.
    private func block(_ highest: UInt32, lost: UInt8) -> ReportBlock {
        var block = ReportBlock(ssrc: 1)
        (block.extendedHighestSequence, block.fractionLost) = (highest, lost)
        return block
    }

    private func sender(_ ranges: [ClosedRange<UInt16>]) -> ReportedLoss {
        var loss = ReportedLoss()
        for range in ranges { for number in range { loss.sent(number) } }
        return loss
    }

    @Test func packetsAreCountedOverWraps() {
        var loss = ReportedLoss()
        #expect(loss.take(block(.max - 4, lost: 0)) == (0, 0))
        #expect(loss.take(block(5, lost: 128)) == (10, 5))
        #expect(loss.take(block(1, lost: 128)) == (0, 0), "an older one")
    }

    @Test func whatWasNeverSentIsNotLost() {
        // A publisher's gap of a hundred, of a hundred and fifty numbers.
        var loss = sender([1...100, 201...250])
        #expect(loss.take(block(100, lost: 0)) == (0, 0))
        #expect(loss.take(block(250, lost: 170)) == (51, 0))
        // What the path loses later is its own, but for what the report's fraction is short of.
        for number in UInt16(251)...350 { loss.sent(number) }
        #expect(loss.take(block(350, lost: 128)) == (99, 49))
    }

    @Test func bothAreToldFromEachOther() {
        var loss = sender([1...100, 151...200])
        _ = loss.take(block(100, lost: 0))
        // Fifty were never sent, and twenty-five were lost on the way.
        #expect(loss.take(block(200, lost: 192)) == (50, 25))
    }

    @Test func aReportThatSpeaksOfAPartLeavesTheRest() {
        var loss = sender([1...100, 201...250])
        _ = loss.take(block(90, lost: 0))
        // It came to the viewer before the gap did.
        #expect(loss.take(block(100, lost: 0)) == (10, 0))
        #expect(loss.take(block(230, lost: 196)) == (31, 0))
    }

    @Test func whatComesLateWasSent() {
        var loss = sender([1...100, 111...120, 101...110])
        _ = loss.take(block(100, lost: 0))
        #expect(loss.take(block(120, lost: 128)) == (20, 10))
    }

    @Test func numbersWrapAndFarOnesAreBounded() {
        var loss = sender([65_530...65_535, 10...19])
        _ = loss.take(block(65_535, lost: 0))
        #expect(loss.take(block(65_555, lost: 128)) == (10, 0))
        for start in stride(from: UInt32(0), to: 2_000_000, by: 30_000) { loss.sent(UInt16(truncatingIfNeeded: start)) }
        #expect(loss.take(block(65_565, lost: 255)).lost >= 0)
    }
}
