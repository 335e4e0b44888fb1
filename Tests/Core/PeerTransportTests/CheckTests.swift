import BridgeModel
import PeerTransport
import Testing

@Suite struct CheckTests {
    private let home = FiveTuple.remote(1)

    @Test func aVerifiedCheckOpensAPathAndIsAnswered() {
        let stage = PeerStage()
        let answer = stage.check(home, nominates: false)
        #expect(answer == .success(stage.transport.credentials.ufrag))
        #expect(stage.effects == [.pathOpened(PathID(0), home), .event(.connecting)])
        #expect(stage.table.path(of: home) == PeerPath(peer: stage.peer, path: PathID(0)))
    }

    @Test func unverifiedRequestsGetAShortErrorAndChangeNothing() {
        let stage = PeerStage()
        let cases: [(BindingRequest.Integrity, StunErrorCode)] = [(.absent, .badRequest), (.wrong, .unauthorized)]
        for (integrity, code) in cases {
            let answer = stage.receive(BindingRequest(byteCount: 60, integrity: integrity, priority: 1, nominates: true), on: home)
            #expect(answer == .error(code, signedBy: nil, byteLimit: 60))
        }
        #expect(stage.effects.isEmpty)
        #expect(stage.table.pathCount == 0)
        #expect(!stage.handshakeRecord(from: home))
    }

    @Test func credentialsOfAnotherPeerProveNothing() {
        let stage = PeerStage()
        var random = SeededGenerator(77)
        let answer = stage.check(home, with: IceCredentials(worker: 0, using: &random))
        #expect(answer == .error(.unauthorized, signedBy: nil, byteLimit: PeerStage.checkBytes))
        #expect(stage.effects.isEmpty)
    }

    @Test func verifiedRequestsWithFaultsAreRefusedBySignedErrors() {
        let faults: [(StunErrorCode, (inout BindingRequest) -> Void)] = [
            (.unknownAttribute, { $0.hasUnknownRequiredAttribute = true }),
            (.roleConflict, { $0.role = .controlled }),
            (.badRequest, { $0.role = .contradictory }),
            (.badRequest, { $0.priority = nil }),
            // Unknown attributes come before everything else (RFC 5389 section 7.3.1).
            (
                .unknownAttribute,
                {
                    $0.role = .controlled
                    $0.hasUnknownRequiredAttribute = true
                }
            ),
        ]
        for (code, change) in faults {
            let stage = PeerStage()
            let answer = stage.check(home, change: change)
            #expect(answer == .error(code, signedBy: stage.transport.credentials.ufrag, byteLimit: PeerStage.checkBytes))
            #expect(stage.effects.isEmpty)
        }
    }

    @Test func aFaultyRequestOnAKnownPathRenewsNoConsent() {
        let stage = PeerStage()
        stage.check(home)
        stage.finishHandshake()
        stage.wait(.seconds(29))
        let answer = stage.check(home) { $0.role = .controlled }
        #expect(answer == .error(.roleConflict, signedBy: stage.transport.credentials.ufrag, byteLimit: PeerStage.checkBytes))
        stage.wait(.seconds(1))
        #expect(stage.events.last == .ended(.connectionTimeout))
    }

    @Test func priorityIsNeededForANewPathOnly() {
        let stage = PeerStage()
        stage.check(home)
        #expect(stage.check(home, priority: nil) == .success(stage.transport.credentials.ufrag))
    }

    @Test func anUnstatedRoleIsTakenForControlling() {
        let stage = PeerStage()
        #expect(stage.check(home) { $0.role = .unstated } == .success(stage.transport.credentials.ufrag))
    }

    @Test func afterTheEndNothingIsAnswered() {
        let stage = PeerStage()
        stage.check(home)
        stage.close()
        let silence = [
            stage.check(home), stage.receive(BindingRequest(byteCount: 100, integrity: .wrong), on: home),
        ]
        #expect(silence == [.none, .none])
        #expect(stage.latest.isEmpty)
    }

    @Test func requestsThatNameNoPeerGetTheCodeOfTheirFault() {
        var random = SeededGenerator(1)
        let ufrag = LocalUfrag(worker: 0, using: &random)
        let cases: [(BindingRequest.Integrity, StunErrorCode)] = [
            (.absent, .badRequest), (.wrong, .unauthorized), (.verified(ufrag), .unauthorized),
        ]
        for (integrity, code) in cases {
            #expect(
                StunAnswer.toStranger(BindingRequest(byteCount: 20, integrity: integrity))
                    == .error(code, signedBy: nil, byteLimit: 20))
        }
    }

    @Test func pathsOfAPeerAreBoundedAndTheStalestGoes() {
        let stage = PeerStage()
        for number in UInt8(0)..<8 {
            stage.check(.remote(number), nominates: number == 0)
            stage.sleep(.milliseconds(10))
        }
        stage.check(.remote(1), nominates: false)
        stage.check(.remote(100), nominates: false)
        // The oldest is selected, the next was heard again: the third goes.
        #expect(stage.latest == [.pathClosed(PathID(2), .remote(2)), .pathOpened(PathID(2), .remote(100))])
        for number in UInt8(101)..<200 { stage.check(.remote(number), nominates: false) }
        #expect(stage.table.pathCount == 8)
        #expect(stage.transport.selectedTuple == .remote(0))
    }

    @Test func sameAddressByAnotherProtocolOrOurOtherAddressIsAnotherPath() {
        let stage = PeerStage()
        let other = FiveTuple(local: TransportAddress(ipv4: 0xC000_0202, port: 8189), remote: FiveTuple.remote(1).remote)
        for tuple in [FiveTuple.remote(1), .remote(1, transport: .tcp), other, .remote(1, port: 50_001)] { stage.check(tuple) }
        #expect(stage.table.pathCount == 4)
    }

    @Test func aMappedAddressIsTheSamePathAndIPv6IsAnother() {
        let stage = PeerStage()
        let plain = FiveTuple.remote(1)
        let mapped = FiveTuple(
            local: plain.local,
            remote: TransportAddress(ipv6: 0, 0xFFFF_0000_0000 | plain.remote.low & 0xFFFF_FFFF, port: plain.remote.port))
        let native = FiveTuple(
            local: TransportAddress(ipv6: 0x2001_0DB8_0000_0000, 1, port: 8189),
            remote: TransportAddress(ipv6: 0x2001_0DB8_0000_0000, 2, port: 50_000))
        for tuple in [plain, mapped, native] { stage.check(tuple) }
        #expect(stage.table.pathCount == 2)
        stage.finishHandshake()
        #expect(stage.media(from: native))
        #expect(stage.media(from: mapped))
    }

    @Test func repliesToStrangersAreLimitedInRate() {
        var budget = UnverifiedReplyBudget(perSecond: 10, now: PeerStage.start)
        func spent(_ milliseconds: Int64) -> Int {
            let now = PeerStage.start.advanced(by: .milliseconds(milliseconds))
            return (0..<100).count { _ in budget.spend(now: now) }
        }
        #expect(spent(0) == 10)
        #expect(spent(99) == 0)
        #expect(spent(100) == 1)
        #expect(spent(350) == 2)
        #expect(spent(400) == 1)
        #expect(spent(1_000_000) == 10)
        // A clock that stands or goes back gives nothing.
        #expect(spent(0) == 0)
    }
}
