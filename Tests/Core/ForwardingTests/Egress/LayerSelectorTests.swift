import BridgeModel
import RTP
import Testing

@testable import Forwarding

@Suite struct LayerSelectorTests {
    /// Three encodings of about 150, 500 and 1,500 kbit/s with two temporal layers each, measured over three seconds.
    private static func layers(sending: [Bool] = [true, true, true], until seconds: Int64 = 3) -> StreamLayers {
        var layers = StreamLayers(trackCount: 3)
        measure(&layers, sending: sending, milliseconds: 0..<seconds * 1000)
        return layers
    }

    /// `frameRates`, if any: of each track, in frames a second.
    private static func measure(
        _ layers: inout StreamLayers, sending: [Bool] = [true, true, true], frameRates: [Int64] = [0, 0, 0], milliseconds: Range<Int64>
    ) {
        for millisecond in milliseconds {
            let now = time(millisecond)
            for (track, bytes) in [19, 62, 188].enumerated() where sending[track] {
                var descriptor = PacketDescriptor()
                descriptor.temporalLayer = UInt8(millisecond % 2)
                if millisecond * frameRates[track] / 1000 != (millisecond + 1) * frameRates[track] / 1000 { descriptor.flags = .endsFrame }
                let header = RTPHeader(payloadType: 96, sequence: 0, timestamp: 0, ssrc: 0)
                layers.count(
                    GOPCache.Entry(track: UInt8(track), epoch: 0, header: header, arrival: now, descriptor: descriptor), bytes: bytes)
            }
            layers.update(now: now)
        }
    }

    private static func time(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: UInt64(1_000_000_000 + milliseconds * 1_000_000))
    }

    /// What is chosen at each of these limits in kbit/s, a second apart.
    private static func choices(_ limits: [Int64], _ selector: inout LayerSelector, _ layers: StreamLayers) -> [TargetLayer?] {
        limits.enumerated().map { step, limit in
            selector.update(layers, limit: .kilobits(limit), isMeasured: true, now: time(10_000 + Int64(step) * 1000))
            return selector.target
        }
    }

    @Test func whatIsSentIsMeasured() {
        let layers = Self.layers()
        let whole = layers.rate(TargetLayer(track: 2, temporal: 1)).bitsPerSecond
        #expect(abs(whole - 1_504_000) < 30_000)
        #expect(abs(layers.rate(TargetLayer(track: 2)).bitsPerSecond - whole / 2) < 30_000)
        #expect(layers.isAlive(TargetLayer(track: 1, temporal: 1)))
        #expect(!layers.isAlive(TargetLayer(track: 1, temporal: 2)))
        #expect(!layers.isAlive(TargetLayer(track: 9)))
        #expect(layers.rate(TargetLayer(track: 9)) == .zero)
    }

    @Test func aLayerThatFallsSilentIsGone() {
        var layers = Self.layers()
        Self.measure(&layers, sending: [true, true, false], milliseconds: 3000..<5500)
        #expect(!layers.isAlive(TargetLayer(track: 2)))
        #expect(layers.isAlive(TargetLayer(track: 1)))
    }

    /// The next but one would fit, but not with room to spare.
    @Test func aLayerInBetweenIsTakenWhenTheHighestFitsTooTightly() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        let layers = Self.layers()
        let chosen = Self.choices([160, 520, 520], &selector, layers)
        #expect(chosen == [TargetLayer(track: 0, temporal: 1), TargetLayer(track: 1), TargetLayer(track: 1)])
    }

    @Test func aPathThatTakesFarMoreThanWhatFailedNeedsNoPatience() {
        var selector = LayerSelector(encodings: [0, 1])
        let layers = Self.layers(sending: [true, true, false])
        // Up and down three times: from now on four seconds of patience.
        let choices = Self.choices([160, 600, 160, 160, 600, 160, 160, 160, 160, 600, 160], &selector, layers)
        #expect(choices.last == TargetLayer(track: 0, temporal: 1))
        selector.update(layers, limit: .kilobits(600), isMeasured: true, now: Self.time(22_000))
        #expect(selector.target?.track == 0, "what failed may fail again")
        selector.update(layers, limit: .kilobits(1100), isMeasured: true, now: Self.time(22_200))
        #expect(selector.target == TargetLayer(track: 1, temporal: 1))
    }

    @Test func theHighestThatFitsIsChosenAndDownIsAtOnce() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        let chosen = Self.choices([5000, 800, 400, 160, 100], &selector, Self.layers())
        #expect(
            chosen == [
                TargetLayer(track: 2, temporal: 1), TargetLayer(track: 2), TargetLayer(track: 1), TargetLayer(track: 0, temporal: 1),
                TargetLayer(track: 0),
            ])
    }

    @Test func upNeedsRoomToSpareAndLongerAfterAFailure() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        let layers = Self.layers()
        #expect(Self.choices([600], &selector, layers) == [TargetLayer(track: 1, temporal: 1)])
        #expect(Self.choices([760, 790], &selector, layers).last == TargetLayer(track: 1, temporal: 1), "752 need 865 to be begun with")
        var now: Int64 = 20_000
        func update(_ limit: Int64) -> TargetLayer? {
            selector.update(layers, limit: .kilobits(limit), isMeasured: true, now: Self.time(now))
            now += 100
            return selector.target
        }
        #expect(update(900) == TargetLayer(track: 2))
        #expect(update(600) == TargetLayer(track: 1, temporal: 1))
        var waited = 0
        while update(900) != TargetLayer(track: 2), waited < 100 { waited += 1 }
        #expect((9...11).contains(waited), "a second instead of half of one: \(waited)")
    }

    @Test func theCapAndTheMeasurementDecideAboutPausing() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        let layers = Self.layers()
        selector.limit(to: LayerCap(encoding: 1, temporal: 0))
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 1)])
        #expect(selector.wanted == .zero, "nothing more is allowed")
        for second in Int64(20)..<24 {
            selector.update(layers, limit: .kilobits(20), isMeasured: false, now: Self.time(second * 1000))
        }
        #expect(selector.target == TargetLayer(track: 0), "a guess never pauses")
        for second in Int64(24)..<28 {
            selector.update(layers, limit: .kilobits(20), isMeasured: true, now: Self.time(second * 1000))
        }
        #expect(selector.target == nil)
        #expect(selector.wanted > .kilobits(75))
        selector.update(layers, limit: .kilobits(70), isMeasured: true, now: Self.time(29_000))
        #expect(selector.target == TargetLayer(track: 0))
    }

    @Test func whatWasChosenExactlyStaysWhileItIsSent() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        let layers = Self.layers()
        selector.limit(to: LayerCap(encodings: 1...1, spatial: 0...UInt8.max, temporal: 0...UInt8.max))
        let exact = Self.choices([9000, 400, 260], &selector, layers)
        #expect(
            exact == [TargetLayer(track: 1, temporal: 1), TargetLayer(track: 1), TargetLayer(track: 1)], "fewer frames rather than another")
        selector.limit(to: LayerCap(encodings: 2...2, spatial: 0...0, temporal: 0...0))
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2)])
    }

    @Test func whatIsNotSentIsReplacedByWhatIsBelow() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        selector.limit(to: LayerCap(encodings: 2...2, spatial: 0...UInt8.max, temporal: 0...UInt8.max))
        var layers = Self.layers()
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)])
        Self.measure(&layers, sending: [true, true, false], milliseconds: 3000..<5500)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 1, temporal: 1)])
        Self.measure(&layers, sending: [true, true, true], milliseconds: 5500..<7500)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)])
    }

    @Test func framesOfAllTemporalLayersAreCounted() {
        var layers = Self.layers()
        Self.measure(&layers, frameRates: [30, 15, 7], milliseconds: 3000..<7000)
        for (track, rate) in [30.0, 15, 7].enumerated() {
            #expect(abs(layers.frameRate(ofTrack: UInt8(track)) - rate) < 1.5, "\(layers.frameRate(ofTrack: UInt8(track)))")
        }
        #expect(layers.frameRate(ofTrack: 9) == 0)
    }

    /// A publisher on a bad path sent 20 frames a second of its small picture and 7 of the large one (Chromium, 10 % loss): its viewers got the 7.
    @Test func aStarvedEncodingIsPassedOverAndComesBack() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        var layers = Self.layers()
        Self.measure(&layers, frameRates: [20, 20, 20], milliseconds: 3000..<5000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)])
        Self.measure(&layers, frameRates: [20, 20, 7], milliseconds: 5000..<7000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 1, temporal: 1)])
        #expect(selector.wanted == .zero, "it is nothing to probe for")
        Self.measure(&layers, frameRates: [20, 8, 7], milliseconds: 7000..<9000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 0, temporal: 1)])
        Self.measure(&layers, frameRates: [20, 20, 20], milliseconds: 9000..<11_000)
        #expect(Self.choices([9000, 9000, 9000], &selector, layers).last == TargetLayer(track: 2, temporal: 1))
    }

    /// Long before it counts as gone: the smaller ones show that it is not the picture that stands still.
    @Test func anEncodingThatFallsSilentIsLeftAfterOneWindow() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        var layers = Self.layers()
        Self.measure(&layers, frameRates: [20, 20, 20], milliseconds: 3000..<5001)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)])
        Self.measure(&layers, frameRates: [20, 20, 0], milliseconds: 5001..<5502)
        #expect(layers.isAlive(TargetLayer(track: 2, temporal: 1)))
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 1, temporal: 1)])
    }

    @Test func aStarvedEncodingHasToHaveMostOfTheFramesAgain() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        var layers = Self.layers()
        Self.measure(&layers, frameRates: [20, 20, 12], milliseconds: 3000..<5000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)])
        Self.measure(&layers, frameRates: [20, 20, 7], milliseconds: 5000..<7000)
        Self.measure(&layers, frameRates: [20, 20, 12], milliseconds: 7000..<9000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)], "it was not looked at in between")
        Self.measure(&layers, frameRates: [20, 20, 7], milliseconds: 9000..<11_000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 1, temporal: 1)])
        Self.measure(&layers, frameRates: [20, 20, 12], milliseconds: 11_000..<13_000)
        #expect(Self.choices([9000, 9000, 9000], &selector, layers).last == TargetLayer(track: 1, temporal: 1))
        Self.measure(&layers, frameRates: [20, 20, 18], milliseconds: 13_000..<15_000)
        #expect(Self.choices([9000, 9000, 9000], &selector, layers).last == TargetLayer(track: 2, temporal: 1))
    }

    @Test func aSlowPictureIsNoStarvedOne() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        var layers = Self.layers()
        Self.measure(&layers, frameRates: [5, 3, 2], milliseconds: 3000..<6000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)])
        Self.measure(&layers, frameRates: [30, 30, 18], milliseconds: 6000..<9000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)])
    }

    @Test func aStarvedEncodingThatWasAskedForIsSent() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        selector.limit(to: LayerCap(encodings: 2...2, spatial: 0...UInt8.max, temporal: 0...UInt8.max))
        var layers = Self.layers()
        Self.measure(&layers, frameRates: [20, 20, 5], milliseconds: 3000..<6000)
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 2, temporal: 1)])
    }

    @Test func anotherOrderOfTheEncodingsCounts() {
        var selector = LayerSelector(encodings: [2, 1, 0])
        let layers = Self.layers()
        selector.use([0, 1, 2])
        selector.limit(to: LayerCap(encoding: 0))
        #expect(Self.choices([9000], &selector, layers) == [TargetLayer(track: 0, temporal: 1)])
    }

    @Test func whatIsAboveIsWanted() {
        var selector = LayerSelector(encodings: [0, 1, 2])
        let layers = Self.layers()
        _ = Self.choices([600], &selector, layers)
        #expect(abs(selector.wanted.bitsPerSecond - 752_000 * 12 / 10) < 60_000, "\(selector.wanted)")
        _ = Self.choices([9000, 9000], &selector, layers)
        #expect(selector.wanted == .zero)
    }

    @Test func trackSetsHoldTracks() {
        var tracks = TrackSet()
        #expect(tracks.isEmpty)
        tracks.insert(3)
        tracks.insert(63)
        tracks.insert(64)
        #expect(Array(tracks) == [3, 63])
        #expect(tracks.contains(3))
        #expect(!tracks.contains(64))
        var others = TrackSet()
        others.insert(0)
        others.formUnion(tracks)
        #expect(Array(others) == [0, 3, 63])
        #expect(Array(others.subtracting(tracks)) == [0])
        #expect(!others.isDisjoint(with: tracks) && others.subtracting(tracks).isDisjoint(with: tracks))
        others.remove(3)
        others.remove(64)
        #expect(Array(others) == [0, 63])
        #expect(!TrackSet.all.isDisjoint(with: others) && TrackSet.all.isDisjoint(with: TrackSet()))
    }
}
