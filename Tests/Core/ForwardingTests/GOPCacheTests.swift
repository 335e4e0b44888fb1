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

    // MARK: - Pre-roll

    @Test func aPreRollIsKeptFromTheKeyframeBeforeItOn() {
        var stream = SyntheticStream()
        stream.cache.keepPreRoll(.seconds(10))
        // Keyframes 1.98 s apart, for a minute.
        for _ in 0..<30 { stream.run(frames: 60, startingWithKeyframe: true) }
        let since = stream.now.advanced(by: .seconds(-10))
        let arrival = stream.cache.keyframeArrival(of: 0, notAfter: since)
        let age = arrival.map { since.duration(since: $0) } ?? .seconds(100)
        #expect(age >= .zero && age < .seconds(2))
        // Nothing older than that.
        let oldest = stream.cache[stream.cache.firstIndex].arrival
        #expect(oldest == arrival)
        let newest = stream.cache.newestKeyframe(of: 0)
        #expect(newest == stream.now.advanced(by: .milliseconds(-1980)))
    }

    @Test func withoutAPreRollNothingOfItIsKept() {
        var stream = SyntheticStream()
        stream.cache.keepPreRoll(.seconds(10))
        for _ in 0..<10 { stream.run(frames: 60, startingWithKeyframe: true) }
        let kept = stream.cache.byteCount
        stream.cache.keepPreRoll(nil)
        stream.run(frames: 1, startingWithKeyframe: false)
        let left = stream.cache.byteCount
        #expect(left < kept / 3)
        let oldest = stream.now.duration(since: stream.cache[stream.cache.firstIndex].arrival)
        #expect(oldest < .seconds(2.1))
    }

    @Test func aLongGOPIsKeptAsLongAsThePreRollNeedsIt() {
        var stream = SyntheticStream()
        stream.cache.keepPreRoll(.seconds(10))
        stream.run(frames: 60, startingWithKeyframe: true)
        let first = stream.cache.newestKeyframe(of: 0)
        // 15 s without a keyframe: more than the limit of a GOP, less than both together.
        stream.run(frames: 450, startingWithKeyframe: false)
        let held = stream.cache.newestKeyframe(of: 0)
        #expect(held == first && held != nil)
        stream.run(frames: 200, startingWithKeyframe: false)
        let late = stream.cache.newestKeyframe(of: 0)
        #expect(late == nil)
    }

    @Test func aPreRollIsLimitedInBytesToo() {
        var stream = SyntheticStream(limits: GOPCache.Limits(bytes: 100_000, preRollBytes: 300_000))
        stream.cache.keepPreRoll(.seconds(60))
        for _ in 0..<100 {
            stream.sendFrame(keyframe: true, packets: 10, size: 1000)
            stream.advance(.milliseconds(500))
            let bytes = stream.cache.byteCount
            #expect(bytes <= 300_000)
        }
        let bytes = stream.cache.byteCount
        #expect(bytes > 280_000)
        let start = stream.cache.preRollStart
        let keyframe = start.map { stream.cache.frame(at: $0).beginsFrame || stream.cache[$0].arrival < stream.now } ?? false
        #expect(keyframe)
    }

    @Test func soundAloneHasAPreRollToo() {
        var stream = SyntheticStream()
        stream.cache.keepPreRoll(.seconds(5))
        for _ in 0..<500 {
            stream.sendAudio()
            stream.advance(.milliseconds(20))
        }
        let since = stream.now.advanced(by: .seconds(-3))
        var sound = EgressTrack(SyntheticStream.audio, .recorded(since: since), stream)
        let count = sound.drain(stream).count
        #expect(count == 150)
    }
}
