import BridgeModel
import PeerTransport
import Testing

@Suite struct IceRestartTests {
    private let home = FiveTuple.remote(1)
    private let away = FiveTuple.remote(2)

    private func connected() -> PeerStage {
        let stage = PeerStage()
        stage.check(home, priority: 200)
        stage.finishHandshake()
        return stage
    }

    @Test func oldCredentialsAreAnsweredUntilAPairIsNominatedWithTheNewOnes() {
        let stage = connected()
        let old = stage.transport.credentials
        let new = stage.restart()
        #expect(stage.latest == [.credentialsAdded(new.ufrag)])
        #expect(stage.check(home, with: old) == .success(old.ufrag))
        #expect(stage.check(away, nominates: false, with: new) == .success(new.ufrag))
        #expect(stage.mediaPath == home)
        #expect(stage.check(home, with: old) == .success(old.ufrag))

        stage.check(away, priority: 1, with: new)
        #expect(stage.latest == [.credentialsRetired(old.ufrag), .event(.moved(away))])
        #expect(stage.mediaPath == away)
        #expect(stage.check(home, with: old) == .error(.unauthorized, signedBy: nil, byteLimit: PeerStage.checkBytes))
        #expect(stage.table.credentialCount == 1)
    }

    @Test func aRestartOnTheSamePathIsNoMove() {
        let stage = connected()
        let new = stage.restart()
        stage.check(home, with: new)
        #expect(stage.latestEvents.isEmpty)
        #expect(stage.mediaPath == home)
    }

    @Test func nominationsBeforeTheRestartCountNoLonger() {
        let stage = connected()
        let new = stage.restart()
        stage.check(away, with: new)
        stage.wait(.seconds(1))
        // The old path is still open but was nominated by retired credentials: it is no way back.
        stage.lose(away)
        #expect(stage.mediaPath == nil)
        #expect(stage.latestEvents == [.disconnected])
        stage.check(home, with: new)
        #expect(stage.latestEvents == [.moved(home), .reconnected])
    }

    @Test func mediaOfTheOldPathIsTakenWhileItLasts() {
        let stage = connected()
        let new = stage.restart()
        stage.check(away, with: new)
        #expect(stage.media(from: home))
        #expect(stage.mediaPath == away)
    }

    @Test func aRestartHoldsOffTheEndButDoesNotProlongConsent() {
        let stage = connected()
        stage.wait(.seconds(29))
        let new = stage.restart()
        stage.wait(.seconds(10))
        #expect(stage.mediaPath == nil)
        #expect(!stage.transport.hasEnded)
        stage.check(home, with: new)
        #expect(stage.mediaPath == home)
        #expect(stage.latestEvents == [.reconnected])
    }

    @Test func aRestartThatIsNotTakenUpEndsAfterItsTime() {
        let stage = connected()
        stage.wait(.seconds(29))
        stage.restart()
        stage.wait(.milliseconds(29_999))
        #expect(!stage.transport.hasEnded)
        stage.wait(.milliseconds(1))
        #expect(stage.events.last == .ended(.connectionTimeout))
        #expect(stage.table.credentialCount == 0)
    }

    @Test func aRestartWithinARestartDropsTheOneBetween() {
        let stage = connected()
        let first = stage.transport.credentials
        let second = stage.restart()
        let third = stage.restart()
        #expect(stage.latest == [.credentialsRetired(second.ufrag), .credentialsAdded(third.ufrag)])
        #expect(stage.check(home, with: first) == .success(first.ufrag))
        #expect(stage.check(home, with: second) == .error(.unauthorized, signedBy: nil, byteLimit: PeerStage.checkBytes))
        #expect(stage.check(home, with: third) == .success(third.ufrag))
        #expect(stage.table.credentialCount == 1)
    }

    @Test func aRestartBeforeTheFirstCheckGivesNewTime() {
        let stage = PeerStage()
        stage.wait(.seconds(29))
        let new = stage.restart()
        stage.wait(.seconds(29))
        stage.check(home, with: new)
        stage.finishHandshake()
        #expect(stage.events == [.connecting, .connected(.aeadAES128GCM)])
    }

    @Test func manyRestartsLeaveNothingBehind() {
        let stage = connected()
        for _ in 0..<1000 {
            let new = stage.restart()
            stage.check(home, with: new)
        }
        #expect(stage.table.credentialCount == 1)
        #expect(stage.table.pathCount == 1)
    }

    @Test func anEndedPeerIsNotRestarted() {
        let stage = connected()
        stage.close()
        stage.restart()
        #expect(stage.latest.isEmpty)
    }
}
