import Bridge
import BridgeModel
import Signaling
import Testing

/// What a viewer hears of layers, when, and how it chooses one.
@Suite struct SessionLayerTests {
    private static let high = VideoLayer(mid: "0", rid: "h", bitrate: 1_800_000, width: 1280, height: 720)
    private static let low = VideoLayer(mid: "0", rid: "l", bitrate: 200_000, width: 320, height: 180)
    private static let first = SessionBench.first
    private static let second = SessionBench.second

    /// A watching session whose media is up; the socket asked for layers, unless told otherwise.
    private static func watching(_ layers: [VideoLayer] = [high, low], asks: Bool = true) -> SessionBench {
        var bench = SessionBench(SessionBench.watcher)
        bench.layers = layers
        bench.give(.request(.sessionStart(SessionOpening(offer: "offer-A", wantsLayers: asks)), from: first))
        bench.give(.peer(PeerSlot(1), .answer(sdp: "answer")))
        bench.give(.peer(PeerSlot(1), .connected))
        return bench
    }

    private static func choice(rid: String) -> LayerChoice {
        var choice = LayerChoice()
        choice.rid = rid
        return choice
    }

    // MARK: Hearing of layers

    @Test func aViewerIsToldAsSoonAsItsMediaIsUp() {
        var bench = Self.watching()
        #expect(bench.advance(.zero).layers == [[Self.high, Self.low]])
    }

    @Test func whoDoesNotAskIsNotTold() {
        var bench = Self.watching(asks: false)
        #expect(bench.advance(.seconds(60)).calls.isEmpty)
    }

    @Test func aPublisherIsNotTold() {
        var bench = SessionBench()
        bench.give(.request(.sessionStart(SessionOpening(offer: "offer-A", wantsLayers: true)), from: Self.first))
        bench.give(.peer(PeerSlot(1), .connected))
        #expect(bench.advance(.seconds(60)).calls.isEmpty)
    }

    @Test func whatIsKnownIsNotToldAgain() {
        var bench = Self.watching()
        bench.advance(.zero)
        #expect(bench.advance(.seconds(60)).layers.isEmpty)
    }

    @Test func changesAreToldAtMostEveryTwoSeconds() {
        var bench = Self.watching()
        bench.advance(.zero)
        bench.layers = [Self.high]
        #expect(bench.advance(.milliseconds(1_999)).layers.isEmpty)
        #expect(bench.advance(.milliseconds(1)).layers == [[Self.high]])
        #expect(bench.advance(.seconds(10)).calls.count == 5)
    }

    @Test(arguments: [(1_800_000, false), (1_400_000, false), (2_300_000, false), (1_300_000, true), (2_500_000, true), (0, true)])
    func onlyABitRateThatMovesByAQuarterIsNews(bitrate: Int64, isNews: Bool) {
        var bench = Self.watching([Self.high])
        bench.advance(.zero)
        bench.layers[0].bitrate = bitrate
        #expect(bench.advance(.seconds(2)).layers.count == (isNews ? 1 : 0))
    }

    @Test func aSizeThatBecomesKnownIsNews() {
        var unknown = Self.high
        (unknown.width, unknown.height) = (nil, nil)
        var bench = Self.watching([unknown])
        bench.advance(.zero)
        bench.layers = [Self.high]
        #expect(bench.advance(.seconds(2)).layers == [[Self.high]])
    }

    @Test func aSocketThatTakesTheSessionUpIsToldWhenItAsks() {
        var bench = Self.watching()
        bench.advance(.zero)
        bench.give(.socketClosed(Self.first, .lost))
        bench.give(.request(.sessionStart(SessionOpening(offer: "offer-A")), from: Self.second))
        #expect(bench.advance(.seconds(5)).layers.isEmpty)
        bench.give(.request(.sessionStart(SessionOpening(offer: "offer-A", wantsLayers: true)), from: Self.second))
        #expect(bench.advance(.seconds(2)).layers == [[Self.high, Self.low]])
    }

    @Test func whatIsReadAfterTheEndIsNotTold() {
        var bench = Self.watching()
        bench.holdsCalls = true
        #expect(bench.advance(.zero).calls == [.readLayers(of: PeerID("peer-1"))])
        bench.give(.end(.policy))
        #expect(bench.give(.outcome(.layersRead([Self.high], of: PeerID("peer-1")))).isEmpty)
    }

    // MARK: Choosing

    @Test func aChoiceIsAnsweredWithTheLayersAndItself() {
        var bench = Self.watching(asks: false)
        let effects = bench.give(.request(.layerSelect(Self.choice(rid: "l")), from: Self.first))
        #expect(effects.calls == [.selectLayer(Self.choice(rid: "l"), of: PeerID("peer-1"))])
        #expect(effects.contains(.send(.layers([Self.high, Self.low], choice: Self.choice(rid: "l")), to: Self.first)))
    }

    @Test func laterNewsNameTheChoiceInForce() {
        var bench = Self.watching()
        bench.advance(.zero)
        bench.give(.request(.layerSelect(Self.choice(rid: "l")), from: Self.first))
        bench.layers = [Self.low]
        let news = bench.advance(.seconds(2))
        #expect(news.contains(.send(.layers([Self.low], choice: Self.choice(rid: "l")), to: Self.first)))
    }

    @Test func anUnknownLayerIsRefusedAndTheFormerChoiceHolds() {
        var bench = Self.watching()
        bench.give(.request(.layerSelect(Self.choice(rid: "l")), from: Self.first))
        let effects = bench.give(.request(.layerSelect(Self.choice(rid: "x")), from: Self.first))
        #expect(effects.errors == [.layerNotFound])
        bench.layers = [Self.low]
        #expect(bench.advance(.seconds(2)).contains(.send(.layers([Self.low], choice: Self.choice(rid: "l")), to: Self.first)))
    }

    @Test func aChoiceBeforeTheStartIsRefused() {
        var bench = SessionBench(SessionBench.watcher)
        #expect(bench.give(.request(.layerSelect(LayerChoice()), from: Self.first)).errors == [.notStarted])
    }

    @Test func repliesKeepTheirOrderWhileAChoiceIsUnderWay() {
        var bench = Self.watching(asks: false)
        bench.holdsCalls = true
        bench.give(.request(.layerSelect(Self.choice(rid: "l")), from: Self.first))
        #expect(bench.give(.request(.recordingStop(nil), from: Self.first)).isEmpty)
        let effects = bench.give(.outcome(.layerSelected(Self.choice(rid: "l"), [Self.low])))
        #expect(effects.layers == [[Self.low]])
        #expect(effects.errors == [.noRecording])
    }

    @Test func anotherPeerBeginsWithoutAChoice() {
        var bench = Self.watching()
        bench.give(.request(.layerSelect(Self.choice(rid: "l")), from: Self.first))
        bench.give(.request(.sessionStart(SessionOpening(offer: "offer-B", wantsLayers: true)), from: Self.second))
        bench.give(.peer(PeerSlot(2), .answer(sdp: "answer")))
        bench.give(.peer(PeerSlot(2), .connected))
        #expect(bench.advance(.zero).contains(.send(.layers([Self.high, Self.low], choice: LayerChoice()), to: Self.second)))
    }
}

extension Sequence where Element == Effect {
    /// The layers that were told.
    fileprivate var layers: [[VideoLayer]] { compactMap { if case .send(.layers(let layers, _), _) = $0 { layers } else { nil } } }
}
