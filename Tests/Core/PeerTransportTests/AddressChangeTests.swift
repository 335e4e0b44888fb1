import BridgeModel
import PeerTransport
import Testing

@Suite struct AddressChangeTests {
    private let wifi = FiveTuple.remote(1)
    private let lte = FiveTuple.remote(2)

    private func connected() -> PeerStage {
        let stage = PeerStage()
        stage.check(wifi, priority: 200)
        stage.finishHandshake()
        return stage
    }

    @Test func aNominatedPathOfHigherPriorityIsTakenAtOnce() {
        let stage = connected()
        stage.check(lte, priority: 201)
        #expect(stage.latestEvents == [.moved(lte)])
        #expect(stage.mediaPath == lte)
    }

    @Test func aNominatedPathOfLowerPriorityIsTakenWhenTheOldOneIsNotNominatedAgain() {
        let stage = connected()
        stage.sleep(.milliseconds(300))
        stage.check(lte, priority: 50)
        #expect(stage.mediaPath == wifi)
        stage.wait(.milliseconds(199))
        #expect(stage.mediaPath == wifi)
        stage.wait(.milliseconds(1))
        #expect(stage.mediaPath == lte)
        #expect(stage.events == [.connecting, .connected(.aeadAES128GCM), .moved(lte)])
    }

    @Test func aChangeOfAddressLaterThanTheSettlingTimeIsTakenAtOnce() {
        let stage = connected()
        stage.sleep(.milliseconds(2500))
        stage.check(lte, priority: 50)
        #expect(stage.mediaPath == lte)
        #expect(!stage.transport.hasEnded)
    }

    @Test func aPeerThatNominatesEveryPairGetsTheOneOfHighestPriority() {
        let stage = PeerStage()
        for _ in 0..<20 {
            for number in UInt8(1)...5 { stage.check(.remote(number), priority: UInt32(number) * 10) }
            stage.wait(.milliseconds(100))
        }
        stage.finishHandshake()
        for _ in 0..<20 {
            for number in UInt8(1)...5 { stage.check(.remote(number), priority: UInt32(number) * 10) }
            stage.wait(.milliseconds(100))
        }
        #expect(stage.events == [.connecting, .connected(.aeadAES128GCM)])
        #expect(stage.mediaPath == .remote(5))
    }

    @Test func renominationFollowsItsCounter() {
        let stage = PeerStage()
        func nominate(_ tuple: FiveTuple, _ priority: UInt32, _ count: UInt32) {
            stage.check(tuple, priority: priority) { $0.nomination = count }
        }
        nominate(wifi, 200, 1)
        stage.finishHandshake()
        nominate(lte, 50, 2)
        #expect(stage.mediaPath == lte)
        nominate(wifi, 200, 3)
        #expect(stage.mediaPath == wifi)
        // A late copy of an older nomination, now and when the settling time is over.
        nominate(lte, 50, 2)
        #expect(stage.mediaPath == wifi)
        stage.wait(.seconds(2))
        #expect(stage.mediaPath == wifi)
    }

    @Test func aCheckWithoutNominationMovesNothing() {
        let stage = connected()
        for _ in 0..<20 {
            stage.check(lte, nominates: false, priority: 900)
            stage.check(wifi, priority: 200)
            stage.wait(.seconds(1))
        }
        #expect(stage.mediaPath == wifi)
    }

    @Test func mediaFromAValidatedPathMovesASilentPeer() {
        let stage = connected()
        stage.check(lte, nominates: false)
        stage.sleep(.milliseconds(2999))
        stage.media(from: lte)
        #expect(stage.mediaPath == wifi)
        stage.sleep(.milliseconds(1))
        stage.media(from: lte)
        #expect(stage.latestEvents == [.moved(lte)])
        #expect(stage.mediaPath == lte)
    }

    @Test func aNATThatChangesItsMappingIsFollowedWithoutANomination() {
        let rebound = FiveTuple.remote(1, port: 50_001)
        let stage = connected()
        stage.wait(.milliseconds(6999))
        stage.check(rebound, nominates: false, priority: 200)
        #expect(stage.mediaPath == wifi)
        stage.wait(.milliseconds(1))
        stage.check(rebound, nominates: false, priority: 200)
        #expect(stage.mediaPath == rebound)
        #expect(stage.latestEvents == [.moved(rebound)])
    }

    @Test func checksOfAnotherPairDoNotPassForAChangedMapping() {
        let local = FiveTuple(local: TransportAddress(ipv4: 0xC000_0202, port: 8189), remote: wifi.remote)
        for (tuple, priority) in [(lte, UInt32(199)), (local, 200), (.remote(1, port: 50_001, transport: .tcp), 200)] {
            let stage = connected()
            stage.sleep(.seconds(10))
            stage.check(tuple, nominates: false, priority: priority)
            #expect(stage.mediaPath == wifi)
        }
    }

    @Test func mediaFromAnUnknownAddressMovesNothing() {
        let stage = connected()
        stage.sleep(.seconds(10))
        #expect(!stage.media(from: lte))
        #expect(stage.mediaPath == wifi)
    }

    @Test func theOldPathTakesOverAgainWhenItIsNominated() {
        let stage = connected()
        stage.check(lte, nominates: false)
        stage.sleep(.seconds(4))
        stage.media(from: lte)
        stage.check(wifi)
        #expect(stage.mediaPath == wifi)
    }

    @Test func aPathThatGoesAwayYieldsToOneThatWasNominatedBefore() {
        let stage = connected()
        stage.sleep(.seconds(3))
        stage.check(lte, priority: 300)
        stage.lose(lte)
        #expect(stage.latest == [.pathClosed(PathID(1), lte), .event(.moved(wifi))])
        #expect(stage.mediaPath == wifi)
    }

    @Test func aWalkThroughManyNetworksIsOnePeer() {
        let stage = connected()
        for number in UInt8(2)..<250 {
            stage.wait(.seconds(4))
            stage.check(.remote(number), priority: UInt32(number))
            stage.media(from: .remote(number))
            #expect(stage.mediaPath == .remote(number))
        }
        #expect(!stage.events.contains(.disconnected))
        #expect(stage.table.pathCount <= 8)
    }

    @Test func aPathIsSilentWhenNothingAuthenticCameForAWhile() {
        let stage = connected()
        #expect(!stage.transport.isSilent(PathID(0), now: stage.now))
        stage.sleep(.seconds(3))
        #expect(stage.transport.isSilent(PathID(0), now: stage.now))
        #expect(stage.transport.isSilent(PathID(7), now: stage.now))
    }

    @Test func aPortThatANATGaveAwayPassesOnOnceItsOwnerIsSilent() {
        var random = SeededGenerator(31)
        var table = PeerTable(capacity: 2, using: &random)
        var transports: [PeerTransport] = []
        var now = PeerStage.start
        for _ in 0..<2 {
            let credentials = table.makeCredentials(worker: 0, using: &random)
            _ = table.admit(credentials.ufrag)
            transports.append(PeerTransport(credentials, role: .server, now: now))
        }
        // A worker's turn for a verified check, as the module's page says it.
        func check(by peer: Int, table: inout PeerTable) -> StunAnswer {
            var effects: [TransportEffect] = []
            defer { for effect in effects { table.apply(effect, of: PeerIndex(peer)) } }
            if let holder = table.holder(of: wifi, besides: PeerIndex(peer)) {
                guard transports[holder.peer.number].isSilent(holder.path, now: now) else { return .none }
                var yielded: [TransportEffect] = []
                transports[holder.peer.number].pathLost(holder.path, now: now, effects: &yielded)
                for effect in yielded { table.apply(effect, of: holder.peer) }
            }
            let ufrag = transports[peer].credentials.ufrag
            let request = BindingRequest(byteCount: 100, integrity: .verified(ufrag), priority: 1, nominates: true)
            return transports[peer].check(request, on: wifi, now: now, effects: &effects)
        }
        #expect(check(by: 0, table: &table) == .success(transports[0].credentials.ufrag))
        now = now.advanced(by: .seconds(2))
        #expect(check(by: 1, table: &table) == .none)
        #expect(table.path(of: wifi)?.peer == PeerIndex(0))
        now = now.advanced(by: .seconds(1))
        #expect(check(by: 1, table: &table) == .success(transports[1].credentials.ufrag))
        #expect(table.path(of: wifi)?.peer == PeerIndex(1))
        #expect(transports[0].selectedTuple == nil && transports[1].selectedTuple == wifi)
    }
}
