import RTP
import Testing

@Suite struct RTCPTests {
    private func report(_ report: SenderReportView) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: SenderReportView.size)
        bytes.withUnsafeMutableBytes { report.write(to: $0) }
        return bytes
    }

    private func feedback(_ bytes: [UInt8]) -> RTCPFeedback? {
        bytes.withUnsafeBytes { buffer in
            var compound = RTCPCompound(buffer)
            return compound.next().flatMap { RTCPFeedback($0) }
        }
    }

    @Test func aSenderReportIsFoundBehindOtherPackets() {
        let sent = SenderReportView(ssrc: 7, ntp: 0xE000_0000_8000_0000, rtp: 0x1234_5678, packetCount: 3, octetCount: 4)
        let compound: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 1] + report(sent) + [0x81, 202, 0, 2, 0, 0, 0, 7, 1, 0, 0, 0]
        #expect(compound.withUnsafeBytes { SenderReportView(inCompound: $0) } == sent)
        #expect(compound.withUnsafeBytes { RTCPCompound.check($0) })
    }

    @Test func pictureLossIndicationNamesItsMedia() {
        guard case .pictureLossIndication(media: 0x0A0B_0C0D)? = feedback([0x81, 206, 0, 2, 0, 0, 0, 1, 0x0A, 0x0B, 0x0C, 0x0D]) else {
            Issue.record("not read as a PLI")
            return
        }
    }

    @Test func fullIntraRequestListsItsEntries() {
        let bytes: [UInt8] = [0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 42, 0, 0, 0, 0, 0, 0, 6, 43, 0, 0, 0]
        let entries = bytes.withUnsafeBytes { buffer -> [UInt32]? in
            var compound = RTCPCompound(buffer)
            guard case .fullIntraRequest(let entries)? = compound.next().flatMap({ RTCPFeedback($0) }) else { return nil }
            return entries.map(\.ssrc)
        }
        #expect(entries == [5, 6])
    }

    @Test func nackExpandsItsBitMask() {
        let bytes: [UInt8] = [0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFE, 0x80, 0x03, 0x00, 0x20, 0x00, 0x00]
        let lost = bytes.withUnsafeBytes { buffer -> [UInt16]? in
            var compound = RTCPCompound(buffer)
            guard case .nack(media: 2, let lost)? = compound.next().flatMap({ RTCPFeedback($0) }) else { return nil }
            return Array(lost)
        }
        #expect(lost == [0xFFFE, 0xFFFF, 0, 14, 0x20])
    }

    @Test func paddingIsNotContent() {
        let bytes: [UInt8] = [0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4]
        let size = bytes.withUnsafeBytes { buffer -> Int? in
            var compound = RTCPCompound(buffer)
            return compound.next()?.bytes.count
        }
        #expect(size == 8)
    }

    /// What libwebrtc sends: see `RTCPCompound.measure`.
    @Test func paddingOfPartOfAWordInFrontOfAnotherPacketIsRead() {
        let bytes: [UInt8] = [0xA0, 201, 0, 2, 0, 0, 0, 1, 9, 0, 0, 3, 0x80, 201, 0, 1, 0, 0, 0, 1]
        #expect(bytes.withUnsafeBytes { RTCPCompound($0).map(\.bytes.count) } == [9, 8])
        #expect(bytes.withUnsafeBytes { RTCPCompound.check($0) })
    }

    static let malformed: [(String, [UInt8])] = [
        ("nothing", []),
        ("three bytes", [0x80, 200, 0]),
        ("version 0", [0x00, 200, 0, 0]),
        ("version 3", [0xC0, 200, 0, 0]),
        ("length past the end", [0x80, 200, 0, 1]),
        ("length of 65535 words", [0x80, 200, 0xFF, 0xFF, 0, 0, 0, 0]),
        ("bytes after the last packet", [0x80, 201, 0, 1, 0, 0, 0, 1, 0]),
        ("padding of zero", [0xA0, 201, 0, 1, 0, 0, 0, 0]),
        ("padding over the header", [0xA0, 201, 0, 1, 0, 0, 0, 8]),
        ("padding over the header of a packet that is not the last", [0xA0, 201, 0, 1, 0, 0, 0, 8, 0x80, 201, 0, 1, 0, 0, 0, 1]),
    ]

    @Test(arguments: malformed) func malformedCompoundsAreNoticed(what: String, bytes: [UInt8]) {
        #expect(!bytes.withUnsafeBytes { RTCPCompound.check($0) }, "\(what)")
    }

    static let notFeedback: [(String, [UInt8])] = [
        ("PLI without media", [0x81, 206, 0, 1, 0, 0, 0, 1]),
        ("FIR without an entry", [0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]),
        ("NACK without an entry", [0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]),
        ("an unknown format", [0x9E, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]),
        ("a receiver report", [0x81, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]),
    ]

    @Test(arguments: notFeedback) func otherPacketsAreNoFeedback(what: String, bytes: [UInt8]) {
        #expect(feedback(bytes) == nil, "\(what)")
    }

    @Test func aCutSenderReportIsNone() {
        var bytes = report(SenderReportView(ssrc: 1, ntp: 2, rtp: 3))
        bytes.removeLast(4)
        bytes[3] = 5
        #expect(bytes.withUnsafeBytes { SenderReportView(inCompound: $0) } == nil)
    }
}
