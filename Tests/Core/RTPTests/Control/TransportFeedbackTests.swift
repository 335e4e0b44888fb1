import RTP
import Testing

@Suite struct TransportFeedbackTests {
    private typealias Status = TransportFeedback.Status
    private static let lost = TransportFeedbackEncoder.notReceived

    private func decode(_ bytes: [UInt8]) -> (feedback: TransportFeedback, statuses: [TransportFeedback.Status])? {
        withControlPacket(bytes) { packet in TransportFeedback(packet).map { ($0, Array($0.statuses)) } }
    }

    private func packet(base: UInt16, count: UInt16, reference: UInt32 = 1, _ body: [UInt8]) -> [UInt8] {
        let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
        let words = UInt8(4 + padded.count / 4)
        let fixed: [UInt8] = [UInt8(base >> 8), UInt8(base & 0xFF), UInt8(count >> 8), UInt8(count & 0xFF)]
        let time: [UInt8] = [UInt8(reference >> 16 & 0xFF), UInt8(reference >> 8 & 0xFF), UInt8(reference & 0xFF), 9]
        return [0x8F, 205, 0, words, 0, 0, 0, 1, 0, 0, 0, 2] + fixed + time + padded
    }

    private func encode(base: UInt16, _ arrivals: [Int64], capacity: Int = 1500) -> (bytes: [UInt8], statuses: Int) {
        var statuses = 0
        let header = TransportFeedbackEncoder.Header(sender: 1, media: 2, baseSequence: base, feedbackCount: 9)
        let bytes = written(capacity: capacity) { writer in
            statuses = arrivals.withUnsafeBufferPointer { writer.appendTransportFeedback(header, arrivals: $0) }
        }
        return (bytes, statuses)
    }

    /// Captured from a browser: one received packet, and the padding of one byte that libwebrtc puts behind its delta.
    @Test func aBrowsersFeedbackIsRead() throws {
        let bytes = hexBytes("afcd0005fa17fa1743032fa0009900013de8021720019401")
        let (feedback, statuses) = try #require(decode(bytes))
        #expect(feedback.baseSequence == 153 && feedback.statusCount == 1 && feedback.feedbackCount == 23)
        #expect(feedback.referenceTime == 4_057_090 && feedback.media == 0x4303_2FA0)
        #expect(statuses == [Status(sequence: 153, arrivalTicks: 148)])
    }

    @Test func runsOfEachSymbolAreRead() throws {
        // Three lost, two with small deltas, one with a large one; base before the wrap.
        let body: [UInt8] = [0x00, 3, 0x20, 2, 0x40, 1] + [4, 8] + [0xFF, 0xF0]
        let (_, statuses) = try #require(decode(packet(base: 0xFFFE, count: 6, body)))
        #expect(statuses.map(\.sequence) == [0xFFFE, 0xFFFF, 0, 1, 2, 3])
        #expect(statuses.map(\.arrivalTicks) == [nil, nil, nil, 4, 12, -4])
    }

    @Test func vectorsOfOneAndTwoBitsAreRead() throws {
        // 1 0 1 1 0 0 0 0 0 0 0 0 0 1, then small, large, lost, small, reserved, and two that are not counted.
        let body: [UInt8] = [0b1010_1100, 0b0000_0001, 0b1101_1000, 0b0111_0000] + [1, 2, 3, 4] + [5] + [1, 0] + [6]
        let (_, statuses) = try #require(decode(packet(base: 10, count: 19, body)))
        #expect(statuses.count == 19)
        #expect(statuses.prefix(14).map(\.arrivalTicks) == [1, nil, 3, 6] + [Int64?](repeating: nil, count: 9) + [10])
        #expect(statuses.suffix(5).map(\.arrivalTicks) == [15, 271, nil, 277, nil])
    }

    @Test func theReferenceTimeIsSigned() throws {
        let (feedback, _) = try #require(decode(packet(base: 1, count: 1, reference: 0xFF_FFFF, [0x20, 1, 0])))
        #expect(feedback.referenceTime == -1)
    }

    static let malformed: [(String, UInt16, [UInt8])] = [
        ("no chunk", 1, []),
        ("a chunk too few", 8, [0xC0, 0x00, 0x00, 0x00]),
        ("a run of nothing", 1, [0x20, 0, 1, 0]),
        ("a small delta too few", 3, [0x20, 3, 1, 2]),
        ("deltas over the end", 8191, [0x3F, 0xFF, 1, 2]),
        ("large deltas over the end", 2, [0x40, 2, 1, 0]),
        ("65,535 statuses of two chunks", 65_535, [0x1F, 0xFF, 0x1F, 0xFF]),
    ]

    @Test(arguments: malformed) func feedbackThatDoesNotFitTogetherIsNone(what: String, count: UInt16, body: [UInt8]) {
        let bytes = packet(base: 1, count: count, body)
        #expect(bytes.withUnsafeBytes { RTCPCompound.check($0) })
        #expect(decode(bytes) == nil, "\(what)")
    }

    @Test func losslessTrafficIsOneRun() {
        let (bytes, statuses) = encode(base: 100, [1024, 1025, 1030, 1285])
        #expect(statuses == 4)
        // Reference 4 * 64 ms; a run of four small deltas.
        #expect(bytes == packet(base: 100, count: 4, reference: 4, [0x20, 4, 0, 1, 5, 255]))
    }

    @Test func mixedTrafficTakesTheSmallestChunks() {
        let received: [Int64] = (0..<14).map { $0 % 3 == 1 ? Self.lost : 256 + Int64($0) }
        #expect(encode(base: 0, received).bytes.prefix(22).suffix(2) == [0b1010_1101, 0b1011_0110])
        let large: [Int64] = [256, Self.lost, 1000, 1000, 900]
        #expect(encode(base: 0, large).bytes == packet(base: 0, count: 5, [0xD2, 0x60, 0] + [0x02, 0xE8, 0, 0xFF, 0x9C]))
    }

    @Test func aTimeTooFarAwayIsLeftToTheNextFeedback() {
        #expect(encode(base: 0, [0, 32_767, 65_534]).statuses == 3)
        #expect(encode(base: 0, [0, 32_768]).statuses == 1)
        #expect(encode(base: 0, [40_000, 7231]).statuses == 1)
    }

    @Test func nothingIsWrittenOfPacketsThatDidNotArrive() {
        #expect(encode(base: 0, [Self.lost, Self.lost]) == ([], 0))
        #expect(encode(base: 0, []) == ([], 0))
    }

    @Test func feedbackOfAnySizeStaysInItsRoom() throws {
        let arrivals = (0..<400).map { Int64($0) * 300 }
        for capacity in 0...120 {
            let (bytes, statuses) = encode(base: 0, arrivals, capacity: capacity)
            #expect(bytes.count <= capacity && (bytes.isEmpty == (statuses == 0)))
            if statuses > 0 { #expect(try #require(decode(bytes)).statuses.count == statuses) }
        }
        #expect(encode(base: 0, arrivals, capacity: 24).statuses > 0)
    }

    /// Random traffic with loss, bursts, reordering and pauses: what is read is what was written.
    @Test func whatIsWrittenIsReadBack() throws {
        for seed: UInt64 in 1...300 {
            var random = SeededRandom(seed: seed)
            var time = Int64.random(in: -10_000_000...10_000_000, using: &random)
            let loss = Double.random(in: 0...0.9, using: &random)
            let arrivals: [Int64] = (0..<Int.random(in: 1...700, using: &random)).map { _ in
                time += Int64.random(in: -300...(Bool.random(using: &random) ? 200 : 3000), using: &random)
                return Double.random(in: 0...1, using: &random) < loss ? Self.lost : time
            }
            let base = UInt16.random(in: 0...65_535, using: &random)
            let (bytes, count) = encode(base: base, arrivals, capacity: 1200)
            guard count > 0 else { continue }
            #expect(bytes.withUnsafeBytes { RTCPCompound.check($0) })
            let (feedback, statuses) = try #require(decode(bytes))
            let reference = Int64(feedback.referenceTime) * TransportFeedback.ticksPerReference
            #expect(statuses.map { $0.arrivalTicks.map { $0 + reference } ?? Self.lost } == Array(arrivals.prefix(count)))
            #expect(statuses.map(\.sequence) == (0..<count).map { base &+ UInt16($0) })
        }
    }

    @Test func theReferenceTimeWrapsAfterTwentyFourBits() throws {
        let arrival = (TransportFeedback.referenceRange + 5) * TransportFeedback.ticksPerReference + 7
        let (feedback, statuses) = try #require(decode(encode(base: 0, [arrival]).bytes))
        #expect(feedback.referenceTime == 5 && statuses == [Status(sequence: 0, arrivalTicks: 7)])
    }

    @Test func randomFeedbackNeverTraps() {
        var random = SeededRandom(seed: 9)
        var accepted = 0
        for _ in 0..<20_000 {
            let body = random.bytes(upTo: 40)
            if decode(packet(base: 1, count: UInt16.random(in: 0...60, using: &random), body)) != nil { accepted += 1 }
        }
        #expect(accepted > 1000, "the test must reach the statuses")
    }
}
