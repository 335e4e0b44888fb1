import LinuxIO
import Testing

@Suite struct StreamFramingTests {
    private struct Outcome: Equatable {
        var frames: [[UInt8]] = []
        var fault: StreamFraming.Fault?
        var pending = 0
    }

    /// Feeds the stream in steps of these lengths, the last again and again.
    private func read(_ stream: [UInt8], limit: Int = 8, steps: [Int] = [.max]) -> Outcome {
        var framing = StreamFraming(frameLimit: limit)
        var outcome = Outcome()
        var offset = 0
        var turn = 0
        while offset < stream.count {
            let space = framing.space()
            let count = min(max(1, steps[min(turn, steps.count - 1)]), space.count, stream.count - offset)
            space.copyBytes(from: stream[offset..<offset + count])
            framing.filled(count)
            offset += count
            turn += 1
            do throws(StreamFraming.Fault) {
                while let frame = try framing.next() { outcome.frames.append(Array(frame)) }
            } catch {
                outcome.fault = error
                return outcome
            }
        }
        outcome.pending = framing.pending
        return outcome
    }

    @Test func streamsAreCutAtTheirHeads() {
        let cases: [([UInt8], Outcome)] = [
            ([], Outcome()),
            ([0], Outcome(pending: 1)),
            ([0, 1], Outcome(pending: 2)),
            ([0, 1, 9], Outcome(frames: [[9]])),
            ([0, 0], Outcome()),
            ([0, 0, 0, 0, 0, 1, 7, 0, 0], Outcome(frames: [[7]])),
            ([0, 2, 1], Outcome(pending: 3)),
            ([0, 2, 1, 2, 0, 1, 3, 0], Outcome(frames: [[1, 2], [3]], pending: 1)),
            ([0, 8, 1, 2, 3, 4, 5, 6, 7, 8], Outcome(frames: [[1, 2, 3, 4, 5, 6, 7, 8]])),
            ([0, 9], Outcome(fault: .tooLong(9))),
            ([0, 1, 5, 1, 0], Outcome(frames: [[5]], fault: .tooLong(256))),
            ([255, 255, 1, 2, 3], Outcome(fault: .tooLong(65_535))),
            // What else is spoken to open ports: HTTP, TLS, a STUN message without a head.
            (Array("GET / HTTP/1.1".utf8), Outcome(fault: .tooLong(0x4745))),
            ([0x16, 0x03, 0x01, 0x02, 0x00], Outcome(fault: .tooLong(0x1603))),
            ([0x00, 0x01, 0x00, 0x4C, 0x21], Outcome(frames: [[0]], fault: .tooLong(0x4C21))),
        ]
        for (stream, expected) in cases {
            for step in 1...4 { #expect(read(stream, steps: [step]) == expected, "\(stream) in steps of \(step)") }
            #expect(read(stream) == expected, "\(stream)")
        }
    }

    @Test func anyCuttingOfAStreamGivesTheSameFrames() {
        var state: UInt64 = 21
        func number(below limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for _ in 0..<300 {
            let frames = (0...number(below: 11)).map { _ in (0...number(below: 64)).map { _ in UInt8(number(below: 256)) } }
            let stream = frames.flatMap { frame in (StreamFraming.header(of: frame.count).map { [$0.0, $0.1] } ?? []) + frame }
            let steps = (0..<100).map { _ in 1 + number(below: 40) }
            #expect(read(stream, limit: 65, steps: steps) == Outcome(frames: frames))
        }
    }

    @Test func thereIsAlwaysRoomWhileAFrameIsIncomplete() {
        var framing = StreamFraming(frameLimit: 1500)
        for byte: UInt8 in [0x05, 0xDC] + [UInt8](repeating: 3, count: 1499) {
            let space = framing.space()
            guard !space.isEmpty else { return #expect(Bool(false), "no room") }
            space[0] = byte
            framing.filled(1)
            var frames = 0
            do throws(StreamFraming.Fault) { if try framing.next() != nil { frames += 1 } } catch { frames = -1 }
            #expect(frames == 0)
        }
        #expect(framing.pending == 1501)
    }

    @Test func headersAreWrittenForLengthsThatFit() {
        #expect(![0, -1, 65_536].contains { StreamFraming.header(of: $0) != nil })
        #expect(StreamFraming.header(of: 0x1234).map { [$0.0, $0.1] } == [0x12, 0x34])
        #expect(StreamFraming.header(of: 65_535).map { [$0.0, $0.1] } == [0xFF, 0xFF])
    }
}
