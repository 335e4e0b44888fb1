import BridgeModel
import LoadGeneration
import RTP
import Testing

@Suite struct VideoPublisherTests {
    @Test(arguments: [Codec.h264, .vp8], [300_000, 2_000_000, 8_000_000])
    func theBitRateIsKept(codec: Codec, bitrate: Int) {
        var publishing = Publishing(VideoSettings(codec: codec, bitrate: bitrate))
        let packets = publishing.run(for: .seconds(20))
        let rate = packets.reduce(0) { $0 + $1.bytes.count } * 8 / 20
        #expect(abs(rate - bitrate) < bitrate / 50, "\(rate) bit/s instead of \(bitrate)")
    }

    @Test(arguments: [Codec.h264, .vp8]) func aGOPBeginsWithAKeyframeAndFramesEndWithTheMarker(codec: Codec) {
        var publishing = Publishing(VideoSettings(codec: codec))
        var tracker = FrameTracker()
        var (frames, keyframes) = (0, [UInt32]())
        for (bytes, _) in publishing.run(for: .milliseconds(9900)) {
            let seen = bytes.readPacket { packet -> FrameTracker.Observation? in
                guard let traits = PayloadTraits(codec: codec, payload: packet.payload) else { return nil }
                let seen = tracker.observe(timestamp: packet.timestamp, marker: packet.marker, traits: traits)
                if seen.revealsKeyframe { keyframes.append(packet.timestamp) }
                return seen
            }
            guard let seen, let seen else {
                Issue.record("a packet that no receiver can read: \(bytes.prefix(32))")
                return
            }
            if seen.endsFrame { frames += 1 }
        }
        #expect(frames == 297)
        let steps = zip(keyframes.dropFirst(), keyframes).map { $0 &- $1 }
        #expect(keyframes.count == 5)
        #expect(steps.allSatisfy { abs(Int32(bitPattern: $0) - 180_000) < 90 }, "\(steps)")
    }

    @Test func aThousandRequestsMakeOneKeyframe() {
        var publishing = Publishing(VideoSettings(keyframeInterval: .seconds(100)))
        _ = publishing.run(for: .seconds(1))
        for _ in 0..<1000 { publishing.video.requestKeyframe() }
        _ = publishing.run(for: .milliseconds(300))
        #expect(publishing.video.counters.keyframes == 2)
        // Another request a moment later waits until the last keyframe is half a second old.
        publishing.video.requestKeyframe()
        _ = publishing.run(for: .milliseconds(100))
        #expect(publishing.video.counters.keyframes == 2)
        _ = publishing.run(for: .milliseconds(300))
        #expect(publishing.video.counters.keyframes == 3)
    }

    @Test func packetsAreSpreadOverTheirPartOfAFrame() {
        var publishing = Publishing()
        let packets = publishing.run(for: .milliseconds(33))
        let last = packets.last.map { $0.time.duration(since: Publishing.start) } ?? .zero
        #expect(packets.count > 10)
        #expect(last > .milliseconds(10) && last < .milliseconds(14), "\(last)")
    }

    @Test(arguments: [true, false]) func aLostPacketIsSentAgainAsItWas(hasRTX: Bool) throws {
        var publishing = Publishing(hasRTX: hasRTX)
        let packets = publishing.run(for: .seconds(1)).map(\.bytes)
        let original = packets[packets.count / 2]
        let sequence = try #require(original.readPacket(\.sequence))
        var again = Publishing.write { publishing.video.writeAgain(sequence, to: $0) }
        if hasRTX {
            let (ssrc, type) = try #require(again.readPacket { ($0.ssrc, $0.payloadType) })
            #expect(ssrc == Publishing.rtx && type == 97)
            again = again.withUnsafeMutableBytes {
                RetransmissionPacket.restore($0, payloadType: 96, ssrc: Publishing.media).map { Array($0) } ?? []
            }
        }
        #expect(again == original)
        #expect(publishing.video.counters.retransmitted == 1)
    }

    @Test func whatIsForgottenIsNotSentAgain() throws {
        var publishing = Publishing()
        let first = try #require(publishing.run(for: .seconds(1)).first?.bytes.readPacket(\.sequence))
        _ = publishing.run(for: .seconds(10))
        #expect(Publishing.write { publishing.video.writeAgain(first, to: $0) }.isEmpty)
        #expect(Publishing.write { publishing.video.writeAgain(first &- 1, to: $0) }.isEmpty)
    }

    /// A byte of zero inside a NAL unit could look like the beginning of another one.
    @Test func fillerHoldsNoZero() {
        var publishing = Publishing()
        for (bytes, _) in publishing.run(for: .seconds(3)) {
            let isClean = bytes.readPacket { packet in
                packet.payload.first != H264Picture.fillerHeader || !packet.payload.contains(0)
            }
            #expect(isClean == true)
        }
    }

    @Test func theParameterSetsSayWhatTheOfferSays() throws {
        let parameters = try #require(H264Picture.sequenceParameterSet.withUnsafeBytes { H264SequenceParameterSet(reading: $0) })
        #expect(parameters.size == PictureSize(width: 160, height: 96))
    }
}
