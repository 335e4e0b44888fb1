import RTP
import Testing

/// What we write is what aiortc writes, and what aiortc writes is what we read.
@Suite struct RTCPWriterTests {
    private let sender: UInt32 = 0x0102_0304
    private let media: UInt32 = 0xA0B0_C0D0

    @Test func nacksAreAiortcsByteForByte() {
        for (lost, expected) in AiortcVectors.nacks {
            let bytes = written { writer in
                var isWritten = writer.appendNack(sender: sender, media: media, lost: lost[0])
                for sequence in lost.dropFirst() { isWritten = writer.appendLost(sequence) && isWritten }
                #expect(isWritten)
            }
            #expect(bytes == hexBytes(expected))
        }
    }

    @Test func aNackListMayWrap() {
        let bytes = written { writer in
            _ = writer.appendNack(sender: sender, media: media, lost: 0xFFFE)
            for sequence: UInt16 in [0xFFFF, 0, 14, 15, 14] { _ = writer.appendLost(sequence) }
        }
        let lost = withControlPacket(bytes) { packet -> [UInt16]? in
            guard case .feedback(.nack(media: _, let lost))? = RTCPMessage(packet) else { return nil }
            return Array(lost)
        }
        #expect(lost?.prefix(4) == [0xFFFE, 0xFFFF, 0, 14])
        #expect(lost?.contains(15) == true)
    }

    @Test func estimatesAreAiortcsByteForByteAndReadBack() {
        for (bitrate, expected) in AiortcVectors.estimates {
            let bytes = written { _ = $0.appendReceiverEstimate(sender: sender, bitrate: bitrate, media: media) }
            #expect(bytes == hexBytes(expected))
            let read = withControlPacket(bytes) { ReceiverEstimate($0)?.bitrate } ?? 0
            // 18 bits of mantissa.
            #expect(read <= bitrate && Double(bitrate - read) <= Double(bitrate) / 131_072)
        }
        let sources = withControlPacket(hexBytes(AiortcVectors.estimateOfTwoSources)) { packet in
            ReceiverEstimate(packet).map { estimate in (0..<estimate.sourceCount).map { estimate.source(at: $0) } }
        }
        #expect(sources == [media, sender])
    }

    @Test func canonicalNamesOfAiortcAreReadAndOursAreWholeWords() {
        for (length, theirs) in AiortcVectors.names {
            let name = String(repeating: "n", count: length)
            let ours = written { _ = $0.appendCanonicalName(name, of: sender) }
            #expect(ours.count % 4 == 0 && ours.last == 0)
            for bytes in [ours, hexBytes(theirs)] {
                #expect(bytes.withUnsafeBytes { RTCPCompound.check($0) })
                let items = withControlPacket(bytes) { packet in
                    SourceDescriptionItems(packet).map { "\($0.ssrc) \($0.type) \(String(decoding: $0.value, as: UTF8.self))" }
                }
                #expect(items == ["\(sender) 1 \(name)"])
            }
        }
        #expect(written { _ = $0.appendCanonicalName(String(repeating: "n", count: 256), of: sender) }.isEmpty)
    }

    @Test func pictureLossAndGoodbyeAreAiortcsByteForByte() {
        #expect(
            written { _ = $0.appendPictureLossIndication(sender: sender, media: media) } == hexBytes(AiortcVectors.pictureLoss))
        #expect(written { _ = $0.appendGoodbye(of: sender) } == hexBytes(AiortcVectors.goodbye))
        let sources = withControlPacket(hexBytes(AiortcVectors.goodbye)) { Array(GoodbyeSources($0)) }
        #expect(sources == [sender])
    }

    @Test func reportsOfAiortcAreReadAndWrittenBack() {
        for theirs in AiortcVectors.senderReports.map(hexBytes) {
            let ours = withControlPacket(theirs) { packet -> [UInt8]? in
                guard case .senderReport(let report, let blocks)? = RTCPMessage(packet) else { return nil }
                return written { writer in
                    _ = writer.appendSenderReport(report)
                    for block in blocks { _ = writer.appendReportBlock(block) }
                }
            }
            #expect(ours == theirs)
        }
        let theirs = hexBytes(AiortcVectors.receiverReport)
        let ours = withControlPacket(theirs) { packet -> [UInt8]? in
            guard case .receiverReport(let sender, let blocks)? = RTCPMessage(packet) else { return nil }
            return written { writer in
                _ = writer.appendReceiverReport(sender: sender)
                for block in blocks { _ = writer.appendReportBlock(block) }
            }
        }
        #expect(ours == theirs)
    }

    @Test func lossCountsAreClampedToTwentyFourBits() {
        for (lost, expected) in [(Int32.max, 0x7F_FFFF), (Int32.min, -0x80_0000), (-1, -1)] as [(Int32, Int32)] {
            let bytes = written { writer in
                _ = writer.appendReceiverReport(sender: 1)
                _ = writer.appendReportBlock(ReportBlock(ssrc: 2, cumulativeLost: lost))
            }
            #expect(withControlPacket(bytes) { ReportBlocks($0).map(\.cumulativeLost) } == [expected])
        }
    }

    @Test func aFullIntraRequestNamesItsMediaInItsEntry() {
        let bytes = written { _ = $0.appendFullIntraRequest(sender: sender, media: media, sequence: 7) }
        #expect(bytes == [0x84, 206, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0, 0xA0, 0xB0, 0xC0, 0xD0, 7, 0, 0, 0])
    }

    @Test func packetsFollowEachOtherInOneCompound() {
        let bytes = written { writer in
            _ = writer.appendReceiverReport(sender: sender)
            _ = writer.appendReportBlock(ReportBlock(ssrc: 5))
            _ = writer.appendCanonicalName("bridge", of: sender)
            // The report is closed, and no NACK is open.
            let refused = [writer.appendReportBlock(ReportBlock(ssrc: 6)), writer.appendLost(1)]
            #expect(refused == [false, false])
            _ = writer.appendPictureLossIndication(sender: sender, media: media)
        }
        #expect(bytes.withUnsafeBytes { RTCPCompound($0).map(\.type) } == [201, 202, 206])
        #expect(bytes.withUnsafeBytes { RTCPCompound.check($0) })
    }

    /// Whatever room there is: what does not fit leaves no trace, and what was written is well-formed.
    @Test func nothingIsWrittenPastTheEnd() {
        for capacity in 0...140 {
            let bytes = written(capacity: capacity) { writer in
                _ = writer.appendSenderReport(SenderReportView(ssrc: 1, ntp: 2, rtp: 3))
                _ = writer.appendReportBlock(ReportBlock(ssrc: 2))
                _ = writer.appendCanonicalName("some name", of: sender)
                _ = writer.appendFullIntraRequest(sender: sender, media: media, sequence: 1)
                if writer.appendNack(sender: sender, media: media, lost: 1) { _ = writer.appendLost(100) }
                _ = writer.appendReceiverEstimate(sender: sender, bitrate: 1, media: media)
                _ = writer.appendGoodbye(of: sender)
            }
            #expect(bytes.count <= capacity)
            #expect(bytes.isEmpty || bytes.withUnsafeBytes { RTCPCompound.check($0) })
        }
    }

    @Test func aReportHoldsThirtyOneBlocks() {
        _ = written { writer in
            _ = writer.appendReceiverReport(sender: sender)
            let accepted = (0..<32).filter { writer.appendReportBlock(ReportBlock(ssrc: UInt32($0))) }
            #expect(accepted == Array(0..<31))
        }
    }

    static let lies: [(String, [UInt8])] = [
        ("a report that counts more blocks than it has", [0x9F, 201, 0, 1, 0, 0, 0, 1]),
        ("a cut block", [0x81, 201, 0, 6] + [UInt8](repeating: 1, count: 24)),
        ("a BYE that counts more sources than it has", [0x9F, 203, 0, 1, 0, 0, 0, 1]),
        ("a BYE of nobody", [0x80, 203, 0, 0]),
        ("a description without a chunk", [0x9F, 202, 0, 0]),
        ("a description whose item is cut", [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, 65, 65]),
        ("a description whose item header is cut", [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 1, 65, 1]),
        ("a description without an end", [0x82, 202, 0, 1, 0, 0, 0, 1]),
        ("an estimate that counts more sources than it has", [0x8F, 206, 0, 4] + hexBytes("000000010000000052454d42ff000001")),
        ("another application's feedback", [0x8F, 206, 0, 4] + hexBytes("000000010000000052454d4300000001")),
        ("a bare header", [0x81, 205, 0, 0]),
        ("an extended report", [0x80, 207, 0, 1, 0, 0, 0, 1]),
    ]

    @Test(arguments: lies) func liesEndWhereThePacketDoes(what: String, bytes: [UInt8]) {
        var items = 0
        bytes.withUnsafeBytes { buffer in
            for packet in RTCPCompound(buffer) { items += itemCount(RTCPMessage(packet)) }
        }
        #expect(items <= 1, "\(what)")
    }

    private func itemCount(_ message: RTCPMessage?) -> Int {
        switch message {
        case .senderReport(_, let blocks)?, .receiverReport(_, let blocks)?: Array(blocks).count
        case .sourceDescription(let items)?: Array(items).count
        case .goodbye(let sources)?: Array(sources).count
        case .receiverEstimate(let estimate)?: estimate.sourceCount
        case .transportFeedback(let feedback)?: Array(feedback.statuses).count
        case .feedback?, nil: 0
        }
    }

    @Test func anEstimateTooLargeForSixtyFourBitsIsTheLargest() {
        let bytes: [UInt8] = [0x8F, 206, 0, 4] + hexBytes("000000010000000052454d4200ffffff")
        #expect(withControlPacket(bytes) { ReceiverEstimate($0)?.bitrate } == .max)
    }
}
