import BridgeModel
import PeerTransport
import Testing

@Suite struct ConsentTests {
    private let home = FiveTuple.remote(1)

    private func connected(_ policy: TransportPolicy = TransportPolicy(), on tuple: FiveTuple = .remote(1)) -> PeerStage {
        let stage = PeerStage(policy: policy)
        stage.check(tuple)
        stage.finishHandshake()
        return stage
    }

    @Test func sendingStopsThirtySecondsAfterTheLastCheckEvenIfNobodyTicks() {
        let stage = connected()
        stage.sleep(.milliseconds(29_999))
        #expect(stage.mediaPath == home)
        #expect(stage.transport.handshakePath(now: stage.now) == home)
        stage.sleep(.milliseconds(1))
        #expect(stage.mediaPath == nil)
        #expect(stage.transport.handshakePath(now: stage.now) == nil)
    }

    @Test func aCheckAfterTheEndOfConsentBringsNothingBack() {
        let stage = connected()
        stage.sleep(.seconds(30))
        #expect(stage.check(home) == .none)
        #expect(stage.latestEvents == [.ended(.connectionTimeout)])
    }

    @Test func aPathWhoseConsentRanOutIsValidatedAnew() {
        let stage = connected()
        stage.check(.remote(2), nominates: false)
        stage.sleep(.seconds(29))
        stage.check(home)
        stage.sleep(.seconds(1))
        stage.check(.remote(2), nominates: false)
        #expect(stage.latest.prefix(2) == [.pathClosed(PathID(1), .remote(2)), .pathOpened(PathID(1), .remote(2))])
    }

    @Test func mediaAfterTheEndOfConsentBringsNothingBack() {
        let stage = connected()
        stage.check(.remote(2), nominates: false)
        stage.sleep(.seconds(30))
        stage.media(from: home)
        #expect(stage.mediaPath == nil)
        stage.media(from: .remote(2))
        #expect(stage.mediaPath == nil)
        stage.tick()
        #expect(stage.events.last == .ended(.connectionTimeout))
    }

    @Test func noPolicyProlongsConsentBeyondThirtySeconds() {
        var policy = TransportPolicy()
        policy.consentLimit = .seconds(300)
        let stage = connected(policy)
        stage.sleep(.seconds(30))
        #expect(stage.mediaPath == nil)
        policy.consentLimit = .seconds(10)
        let strict = connected(policy)
        strict.sleep(.seconds(10))
        #expect(strict.mediaPath == nil)
    }

    @Test func mediaOfThePeerIsNoConsentWhereThePolicySaysSo() {
        var policy = TransportPolicy()
        policy.consentRenewal = .checks
        let stage = connected(policy)
        for _ in 0..<29 {
            stage.wait(.seconds(1))
            stage.media(from: home)
        }
        #expect(stage.mediaPath == home)
        stage.wait(.seconds(1))
        #expect(stage.events.suffix(1) == [.ended(.connectionTimeout)])
        #expect(stage.table.pathCount == 0)
    }

    @Test func mediaCountsAsConsentByDefault() {
        let stage = connected()
        for _ in 0..<100 {
            stage.wait(.seconds(1))
            stage.media(from: home)
        }
        #expect(stage.mediaPath == home)
        #expect(stage.table.pathCount == 1)
        stage.sleep(.milliseconds(29_999))
        #expect(stage.mediaPath == home)
        stage.sleep(.milliseconds(1))
        #expect(stage.mediaPath == nil)
        stage.tick()
        #expect(stage.events.last == .ended(.connectionTimeout))
    }

    @Test func mediaRenewsTheConsentOfItsOwnPathAlone() {
        let stage = connected()
        stage.check(.remote(2), nominates: false)
        stage.sleep(.seconds(2))
        stage.media(from: .remote(2))
        stage.sleep(.seconds(28))
        #expect(stage.mediaPath == nil)
    }

    @Test func silenceIsToldAndACheckRevives() {
        let stage = connected()
        stage.wait(.milliseconds(6999))
        #expect(stage.events.last == .connected(.aeadAES128GCM))
        stage.wait(.milliseconds(1))
        #expect(stage.events.last == .disconnected)
        // Until consent runs out, media goes on.
        #expect(stage.mediaPath == home)
        stage.wait(.seconds(22))
        stage.check(home)
        #expect(stage.latestEvents == [.reconnected])
        stage.wait(.seconds(8))
        #expect(stage.latestEvents == [.disconnected])
    }

    @Test func mediaRevivesToo() {
        let stage = connected()
        stage.wait(.seconds(10))
        stage.media(from: home)
        #expect(stage.events.suffix(2) == [.disconnected, .reconnected])
    }

    @Test func aPeerThatSpeaksIsNotDisconnected() {
        let stage = connected()
        for _ in 0..<20 {
            stage.wait(.seconds(6))
            stage.check(home)
        }
        #expect(stage.events == [.connecting, .connected(.aeadAES128GCM)])
    }

    @Test func keepalivesGoOutOnTheSelectedPath() {
        let stage = connected()
        for _ in 0..<60 {
            stage.wait(.seconds(1))
            stage.check(home)
        }
        #expect(stage.effects.filter { $0 == .sendKeepalive(home) }.count == 4)
    }

    @Test func aPathWithoutChecksIsForgotten() {
        let stage = connected()
        stage.check(.remote(2), nominates: false)
        for _ in 0..<31 {
            stage.wait(.seconds(1))
            stage.check(home)
        }
        #expect(stage.table.path(of: .remote(2)) == nil)
        #expect(stage.table.path(of: home) != nil)
        #expect(stage.mediaPath == home)
    }

    @Test func aLostConnectionLeavesThePeerItsTimeToComeBack() {
        let stage = connected(on: .remote(1, transport: .tcp))
        stage.wait(.seconds(3))
        stage.lose(.remote(1, transport: .tcp))
        #expect(stage.latestEvents == [.disconnected])
        #expect(stage.mediaPath == nil)
        stage.wait(.seconds(26))
        #expect(!stage.transport.hasEnded)
        stage.check(.remote(1, port: 50_001, transport: .tcp))
        #expect(stage.latestEvents == [.moved(.remote(1, port: 50_001, transport: .tcp)), .reconnected])
    }

    @Test func aLostConnectionWithoutReturnEndsThePeer() {
        let stage = connected(on: .remote(1, transport: .tcp))
        stage.lose(.remote(1, transport: .tcp))
        stage.wait(.milliseconds(29_999))
        #expect(!stage.transport.hasEnded)
        stage.wait(.milliseconds(1))
        #expect(stage.events.last == .ended(.connectionTimeout))
    }
}
