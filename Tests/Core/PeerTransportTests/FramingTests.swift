import BridgeModel
import PeerTransport
import Testing

@Suite struct FramingTests {
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
        var random = SeededGenerator(21)
        for _ in 0..<300 {
            let frames = (0..<Int.random(in: 1..<12, using: &random)).map { _ in
                (0..<Int.random(in: 1...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            let stream = frames.flatMap { frame in
                var head = [UInt8](repeating: 0, count: 2)
                _ = head.withUnsafeMutableBytes { StreamFraming.writeHeader(length: frame.count, into: $0) }
                return head + frame
            }
            let steps = (0..<100).map { _ in Int.random(in: 1...40, using: &random) }
            #expect(read(stream, limit: 64, steps: steps) == Outcome(frames: frames))
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

    @Test func headsAreWrittenForLengthsThatFit() {
        var head = [UInt8](repeating: 0xAA, count: 2)
        func write(_ length: Int, room: Int = 2) -> Bool {
            head.withUnsafeMutableBytes { StreamFraming.writeHeader(length: length, into: .init(rebasing: $0[..<room])) }
        }
        #expect(![write(0), write(-1), write(65_536), write(5, room: 1)].contains(true))
        #expect(head == [0xAA, 0xAA])
        #expect(write(0x1234) && head == [0x12, 0x34])
        #expect(write(65_535) && head == [0xFF, 0xFF])
    }
}

@Suite struct StreamConnectionWatchTests {
    private func time(_ seconds: Int64) -> MonotonicTime { PeerStage.start.advanced(by: .seconds(seconds)) }

    @Test func aStrangerHasTenSecondsWhateverItSends() {
        var watch = StreamConnectionWatch(now: time(0))
        let isTaken = watch.received(100, now: time(9))
        #expect(isTaken)
        #expect(!watch.isOverdue(now: time(9)))
        #expect(watch.isOverdue(now: time(10)))
        #expect(!watch.mayCarryMedia)
    }

    @Test func aStrangerMayNotSayMuch() {
        var watch = StreamConnectionWatch(now: time(0))
        let taken = [watch.received(4096, now: time(0)), watch.received(0, now: time(0)), watch.received(1, now: time(0))]
        #expect(taken == [true, true, false])
        var other = StreamConnectionWatch(now: time(0))
        let hostile = [other.received(.min, now: time(0)), other.received(.max, now: time(0)), other.received(.max, now: time(0))]
        #expect(hostile == [true, false, false])
    }

    @Test func anIntroducedConnectionLivesWhileItSpeaks() {
        var watch = StreamConnectionWatch(now: time(0))
        watch.introduced(now: time(5))
        #expect(watch.mayCarryMedia)
        for second in stride(from: Int64(10), to: 200, by: 25) {
            #expect(!watch.isOverdue(now: time(second)))
            let isTaken = watch.received(1_000_000, now: time(second))
            #expect(isTaken)
        }
        #expect(watch.deadline == time(185 + 30))
        #expect(watch.isOverdue(now: time(215)))
    }
}
