import BridgeModel
import Forwarding
import RTP
import Testing

@Suite struct GOPCacheTests {
    @Test func itReachesBackToTheNewestKeyframe() throws {
        var stream = SyntheticStream()
        stream.run(frames: 90, startingWithKeyframe: true)
        stream.run(frames: 60, startingWithKeyframe: true)
        let found = stream.cache.keyframeStart(of: 0)
        let start = try #require(found)
        let entry = stream.cache[start]
        #expect(entry.track == 0)
        #expect(entry.header.sequence == 190)
        // Two seconds of it are needed, one second would be kept anyway: nothing of the first GOP is left.
        let first = stream.cache.firstIndex
        #expect(first == start)
    }

    @Test func aShortHistoryIsKeptForSinksThatAreBehind() throws {
        var stream = SyntheticStream()
        stream.run(frames: 90, startingWithKeyframe: true)
        stream.sendFrame(keyframe: true)
        let oldest = stream.cache[stream.cache.firstIndex].arrival
        let age = stream.now.duration(since: oldest)
        #expect(age > .milliseconds(900) && age <= .seconds(1))
    }

    @Test func theGOPBeginsWithTheFirstPacketOfItsFrame() {
        // An H.264 access unit: the parameter sets come before the slice that shows what it is.
        var cache = GOPCache(trackCount: 1)
        var tracker = FrameTracker()
        let packets: [(UInt32, PayloadTraits)] = [(1, []), (2, .parameterSets), (2, .parameterSets), (2, .keyframe), (2, .keyframe)]
        for (number, packet) in packets.enumerated() {
            let header = RTPHeader(payloadType: 96, sequence: UInt16(number), timestamp: packet.0, ssrc: 1)
            let entry = GOPCache.Entry(track: 0, epoch: 0, header: header, arrival: MonotonicTime(nanoseconds: 0))
            let frame = tracker.observe(timestamp: packet.0, marker: false, traits: packet.1)
            [UInt8(number)].withUnsafeBytes { cache.append(entry, frame: frame, bytes: $0) }
        }
        let start = cache.keyframeStart(of: 0)
        let first = cache.withPacket(1) { Array($0) }
        #expect(start == 1)
        #expect(first == [1])
    }

    @Test func aGOPThatGrowsTooOldIsGivenUpUntilTheNextKeyframe() {
        var stream = SyntheticStream(limits: GOPCache.Limits(duration: .seconds(2)))
        stream.run(frames: 60, startingWithKeyframe: true)
        let young = stream.cache.keyframeStart(of: 0)
        #expect(young == 0)
        stream.run(frames: 10, startingWithKeyframe: false)
        let old = stream.cache.keyframeStart(of: 0)
        #expect(old == nil)
        stream.sendFrame(keyframe: true)
        let next = stream.cache.keyframeStart(of: 0)
        #expect(next == 140)
    }

    @Test func aGOPThatGrowsTooLargeIsGivenUpAndTheLimitHolds() {
        var stream = SyntheticStream(limits: GOPCache.Limits(bytes: 100_000))
        stream.sendFrame(keyframe: true, packets: 50, size: 1000)
        let small = stream.cache.keyframeStart(of: 0)
        #expect(small == 0)
        for _ in 0..<10 {
            stream.sendFrame(keyframe: false, packets: 20, size: 1000)
            let bytes = stream.cache.byteCount
            #expect(bytes <= 100_000)
        }
        let large = stream.cache.keyframeStart(of: 0)
        #expect(large == nil)
    }

    @Test func packetsKeepTheirBytesWhileBlocksAreReused() {
        var cache = GOPCache(trackCount: 1, limits: GOPCache.Limits(bytes: 300_000))
        var wrong = 0
        for number in 0..<5000 {
            let bytes = [UInt8](repeating: UInt8(number % 251), count: 1 + number % 1500)
            let header = RTPHeader(payloadType: 96, sequence: UInt16(number), timestamp: 0, ssrc: 1)
            let entry = GOPCache.Entry(track: 0, epoch: 0, header: header, arrival: MonotonicTime(nanoseconds: 0))
            bytes.withUnsafeBytes { cache.append(entry, frame: FrameTracker.Observation(), bytes: $0) }
            let oldest = cache.firstIndex
            let intact = cache.withPacket(oldest) { packet in
                packet.count == 1 + Int(oldest) % 1500 && packet.allSatisfy { $0 == UInt8(oldest % 251) }
            }
            if !intact { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func withoutVideoOnlyTheHistoryIsKept() {
        var stream = SyntheticStream()
        for _ in 0..<500 {
            stream.sendAudio()
            stream.advance(.milliseconds(20))
        }
        let held = stream.cache.endIndex - stream.cache.firstIndex
        let preRoll = stream.cache.preRollStart
        #expect(held == 51)
        #expect(preRoll == nil)
    }
}
