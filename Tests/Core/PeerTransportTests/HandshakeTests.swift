import BridgeModel
import PeerTransport
import Testing

@Suite struct HandshakeTests {
    private let home = FiveTuple.remote(1)

    @Test func mediaFlowsAfterHandshakeAndNominationInEitherOrder() {
        for nominatesFirst in [true, false] {
            let stage = PeerStage()
            stage.check(home, nominates: nominatesFirst)
            #expect(stage.mediaPath == nil)
            stage.finishHandshake(.aes128CMSHA1With80BitTag)
            if !nominatesFirst {
                #expect(stage.mediaPath == nil)
                #expect(stage.events == [.connecting])
                stage.check(home)
            }
            #expect(stage.mediaPath == home)
            #expect(stage.events == [.connecting, .connected(.aes128CMSHA1With80BitTag)])
        }
    }

    @Test func mediaIsTakenFromValidatedPathsAfterTheHandshakeOnly() {
        let stage = PeerStage()
        #expect(!stage.media(from: home))
        stage.check(home)
        #expect(!stage.media(from: home))
        stage.finishHandshake()
        #expect(stage.media(from: home))
        #expect(!stage.media(from: .remote(2)))
        #expect(!stage.transport.admitsMedia(from: PathID(1)))
        #expect(!stage.transport.admitsMedia(from: PathID(200)))
    }

    @Test func aPacketThatWasNotAdmittedIsNoSignOfLife() {
        var transport = PeerTransport(PeerStage().transport.credentials, role: .server, now: PeerStage.start)
        var effects: [TransportEffect] = []
        let request = BindingRequest(byteCount: 100, integrity: .verified(transport.credentials.ufrag), priority: 1, nominates: true)
        _ = transport.check(request, on: home, now: PeerStage.start, effects: &effects)
        transport.handshake(.finished(.aeadAES128GCM, certificateMatches: true), now: PeerStage.start, effects: &effects)
        let later = PeerStage.start.advanced(by: .seconds(6))
        let before = transport.deadline
        transport.authenticated(from: PathID(3), now: later, effects: &effects)
        #expect(transport.deadline == before)
        transport.authenticated(from: PathID(0), now: later, effects: &effects)
        #expect(transport.deadline == later.advanced(by: .seconds(7)))
    }

    @Test func handshakeRecordsAreTakenFromValidatedPathsOnly() {
        let stage = PeerStage()
        #expect(!stage.handshakeRecord(from: home))
        stage.check(home, nominates: false)
        #expect(stage.handshakeRecord(from: home))
        #expect(!stage.handshakeRecord(from: .remote(1, port: 50_001)))
        #expect(!stage.handshakeRecord(from: .remote(1, transport: .tcp)))
    }

    @Test func flightsAnswerTheLastRecordUntilAPairIsNominated() {
        let stage = PeerStage()
        func path() -> FiveTuple? { stage.transport.handshakePath(now: stage.now) }
        #expect(path() == nil)
        stage.check(.remote(1), nominates: false, priority: 10)
        stage.check(.remote(2), nominates: false, priority: 20)
        #expect(path() == .remote(2))
        #expect(stage.handshakeRecord(from: .remote(1)))
        #expect(path() == .remote(1))
        stage.check(.remote(2))
        #expect(path() == .remote(2))
        stage.lose(.remote(2))
        #expect(path() == .remote(1))
    }

    @Test func theClientBeginsOnceAPairIsNominated() {
        let stage = PeerStage(role: .client)
        stage.check(home, nominates: false)
        #expect(!stage.effects.contains(.startHandshake))
        stage.check(home)
        stage.check(home)
        stage.lose(home)
        stage.check(.remote(2))
        #expect(stage.effects.count { $0 == .startHandshake } == 1)
    }

    @Test func theServerDoesNotBegin() {
        let stage = PeerStage(role: .server)
        stage.check(home)
        #expect(!stage.effects.contains(.startHandshake))
    }

    @Test func aWrongCertificateEndsThePeerBeforeMedia() {
        for outcome in [HandshakeOutcome.fingerprintMismatch, .finished(.aeadAES128GCM, certificateMatches: false)] {
            let stage = PeerStage()
            stage.check(home)
            stage.handshake(outcome)
            #expect(stage.events == [.connecting, .ended(.fingerprintMismatch)])
            #expect(stage.mediaPath == nil)
            #expect(!stage.transport.admitsMedia(from: PathID(0)))
        }
    }

    @Test func alertsAndCloseNotifyEndThePeer() {
        for isConnected in [false, true] {
            for outcome in [HandshakeOutcome.failed, .closed] {
                let stage = PeerStage()
                stage.check(home)
                if isConnected { stage.finishHandshake() }
                stage.handshake(outcome)
                #expect(stage.events.last == .ended(.connectionLost))
                #expect(stage.transport.deadline == nil)
            }
        }
    }

    @Test func aHandshakeCannotHaveFinishedBeforeTheFirstCheck() {
        let stage = PeerStage()
        stage.finishHandshake()
        #expect(stage.events == [.ended(.internal)])
    }

    @Test func aHandshakeThatFinishesTooLateIsTooLate() {
        let stage = PeerStage()
        stage.check(home)
        stage.sleep(.seconds(15))
        stage.finishHandshake()
        #expect(stage.events == [.connecting, .ended(.connectionTimeout)])
    }

    @Test func aSecondFinishChangesNothing() {
        let stage = PeerStage()
        stage.check(home)
        stage.finishHandshake(.aeadAES128GCM)
        stage.finishHandshake(.aes128CMSHA1With80BitTag)
        #expect(stage.events == [.connecting, .connected(.aeadAES128GCM)])
    }

    @Test func aPeerThatIsNeverHeardOfTimesOut() {
        let stage = PeerStage()
        stage.wait(.milliseconds(29_999))
        #expect(!stage.transport.hasEnded)
        stage.wait(.milliseconds(1))
        #expect(stage.events == [.ended(.connectionTimeout)])
        #expect(stage.table.credentialCount == 0)
    }

    @Test func aHandshakeThatDoesNotFinishTimesOut() {
        let stage = PeerStage()
        stage.wait(.seconds(20))
        stage.check(home)
        for _ in 0..<14 {
            stage.wait(.seconds(1))
            stage.check(home)
        }
        #expect(!stage.transport.hasEnded)
        stage.wait(.seconds(1))
        #expect(stage.events == [.connecting, .ended(.connectionTimeout)])
    }

    @Test func aPairThatIsNeverNominatedTimesOut() {
        let stage = PeerStage()
        stage.check(home, nominates: false)
        stage.finishHandshake()
        stage.wait(.seconds(15))
        #expect(stage.events == [.connecting, .ended(.connectionTimeout)])
    }

    @Test func closingSaysGoodbyeToASecuredPeerOnly() {
        let secured = PeerStage()
        secured.check(home)
        secured.finishHandshake()
        let ufrag = secured.transport.credentials.ufrag
        secured.close()
        #expect(
            secured.latest == [
                .sendCloseNotify(home), .pathClosed(PathID(0), home), .credentialsRetired(ufrag), .event(.ended(nil)),
            ])
        secured.close()
        #expect(secured.latest.isEmpty)

        let young = PeerStage()
        young.check(home)
        young.close()
        #expect(!young.latest.contains(.sendCloseNotify(home)))
        #expect(young.events.last == .ended(nil))
    }
}
