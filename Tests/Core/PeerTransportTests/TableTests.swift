import BridgeModel
import Testing

@testable import PeerTransport

@Suite struct TableTests {
    @Test func theTableAgreesWithADictionary() {
        var random = SeededGenerator(11)
        var table = FiveTupleTable(capacity: 100, using: &random)
        var model: [FiveTuple: UInt32] = [:]
        for step in 0..<20_000 {
            let tuple = FiveTuple.remote(UInt8.random(in: 0..<150, using: &random))
            if Bool.random(using: &random) {
                let fits = model[tuple] != nil || model.count < 100
                let isSet = table.set(UInt32(step), for: tuple)
                #expect(isSet == fits)
                if fits { model[tuple] = UInt32(step) }
            } else {
                let removed = table.remove(tuple)
                #expect(removed == model.removeValue(forKey: tuple))
            }
            #expect(table.count == model.count)
            let asked = FiveTuple.remote(UInt8.random(in: 0..<150, using: &random))
            #expect(table.value(of: asked) == model[asked])
        }
    }

    @Test func collidingHashesAreTold() {
        // Runs that wrap round the end, entries that may not move to a gap before their home, and equal hashes.
        var random = SeededGenerator(12)
        for _ in 0..<100 {
            var index = HashIndex(capacity: 16)
            var model: [Int: UInt32] = [:]
            for _ in 0..<200 {
                let slot = Int.random(in: 0..<20, using: &random)
                if let hash = model[slot] {
                    let removed = index.remove(slot, hash: hash)
                    #expect(removed)
                    model[slot] = nil
                } else {
                    let hash = ([0, 1, 30, 31, 32, 63] as [UInt32]).randomElement(using: &random) ?? 0
                    let inserted = index.insert(slot, hash: hash)
                    #expect(inserted == (model.count < 16))
                    if inserted { model[slot] = hash }
                }
                for (slot, hash) in model {
                    let found = index.slot(hash: hash) { $0 == slot }
                    #expect(found == slot)
                }
                #expect(index.count == model.count)
            }
        }
    }

    @Test func whatIsNotThereIsNotRemoved() {
        var index = HashIndex(capacity: 4)
        let results = [index.insert(1, hash: 5), index.remove(2, hash: 5), index.remove(1, hash: 6), index.remove(1, hash: 5)]
        #expect(results == [true, false, false, true])
    }

    @Test func hashesOfNeighbouringAddressesSpread() {
        // Peers behind one address differ in the port alone; as many buckets must be hit as by chance (63 % of them).
        for seed: UInt64 in [0, 1, .max, 0x1234_5678_9ABC_DEF0] {
            var homes: Set<UInt32> = []
            for port in UInt16(0)..<4096 { homes.insert(FiveTuple.remote(1, port: port &* 16).hash(seed: seed) & 4095) }
            #expect(homes.count > 2400)
        }
    }

    @Test func peersAreFoundByFragmentAndTuple() {
        var random = SeededGenerator(13)
        var table = PeerTable(capacity: 3, using: &random)
        var credentials: [IceCredentials] = []
        for expected in 0..<3 {
            let new = table.makeCredentials(worker: 2, using: &random)
            let peer = table.admit(new.ufrag)
            #expect(peer == PeerIndex(expected))
            table.apply(.pathOpened(PathID(7), .remote(UInt8(expected))), of: PeerIndex(expected))
            credentials.append(new)
        }
        for (number, known) in credentials.enumerated() {
            #expect(table.peer(with: known.ufrag) == PeerIndex(number))
            #expect(table.path(of: .remote(UInt8(number))) == PeerPath(peer: PeerIndex(number), path: PathID(7)))
        }
        #expect(table.path(of: .remote(9)) == nil)
        let stranger = table.makeCredentials(worker: 2, using: &random)
        let admitted = table.admit(stranger.ufrag)
        #expect(admitted == nil)
        #expect(table.peer(with: stranger.ufrag) == nil)
    }

    @Test func aFragmentBelongsToOnePeer() {
        var random = SeededGenerator(14)
        var table = PeerTable(capacity: 4, using: &random)
        let ufrag = LocalUfrag(worker: 0, using: &random)
        let first = table.admit(ufrag)
        let second = table.admit(ufrag)
        #expect(first == PeerIndex(0))
        #expect(second == nil)
        #expect(table.count == 1)
        // A stranger's end takes nothing from its owner.
        let isRetired = table.apply(.credentialsRetired(ufrag), of: PeerIndex(3))
        #expect(!isRetired)
        #expect(table.peer(with: ufrag) == PeerIndex(0))
    }

    @Test func aPlaceWhereNobodyIsHoldsNothing() {
        var random = SeededGenerator(17)
        var table = PeerTable(capacity: 2, using: &random)
        let ufrag = LocalUfrag(worker: 0, using: &random)
        func apply(_ effects: [TransportEffect], _ peer: Int, _ table: inout PeerTable) -> [Bool] {
            effects.map { table.apply($0, of: PeerIndex(peer)) }
        }
        let additions: [TransportEffect] = [.pathOpened(PathID(0), .remote(1)), .credentialsAdded(LocalUfrag(worker: 1, using: &random))]
        #expect(apply(additions, 0, &table) == [false, false])
        #expect(apply(additions, 7, &table) == [false, false])
        let peer = table.admit(ufrag)
        #expect(peer == PeerIndex(0))
        #expect(apply(additions, 0, &table) == [true, true])
        #expect(apply(additions, 0, &table) == [false, false])
        #expect(table.pathCount == 1 && table.credentialCount == 2)
    }

    @Test func aTupleIsNotTakenFromAnotherPeer() {
        var random = SeededGenerator(15)
        var table = PeerTable(capacity: 2, using: &random)
        for _ in 0..<2 { _ = table.admit(LocalUfrag(worker: 0, using: &random)) }
        table.apply(.pathOpened(PathID(0), .remote(1)), of: PeerIndex(0))
        let owner = PeerPath(peer: PeerIndex(0), path: PathID(0))
        #expect(table.holder(of: .remote(1), besides: PeerIndex(1)) == owner)
        #expect(table.holder(of: .remote(1), besides: PeerIndex(0)) == nil)
        let refused = [
            table.apply(.pathOpened(PathID(3), .remote(1)), of: PeerIndex(1)),
            table.apply(.pathClosed(PathID(3), .remote(1)), of: PeerIndex(1)),
        ]
        #expect(refused == [false, false])
        #expect(table.path(of: .remote(1)) == owner)

        table.apply(.pathClosed(PathID(0), .remote(1)), of: PeerIndex(0))
        let isTaken = table.apply(.pathOpened(PathID(3), .remote(1)), of: PeerIndex(1))
        #expect(isTaken)
        #expect(table.path(of: .remote(1)) == PeerPath(peer: PeerIndex(1), path: PathID(3)))
    }

    @Test func tenThousandJoinsAndLeavesLeaveTheTableFlat() throws {
        var random = SeededGenerator(16)
        var table = PeerTable(capacity: 64, using: &random)
        var live: [(peer: PeerIndex, transport: PeerTransport)] = []
        var effects: [TransportEffect] = []
        var port: UInt16 = 1024
        for _ in 0..<10_000 {
            if live.count == 64 || (!live.isEmpty && Int.random(in: 0..<3, using: &random) == 0) {
                var (peer, transport) = live.remove(at: Int.random(in: 0..<live.count, using: &random))
                transport.close(now: PeerStage.start, effects: &effects)
                for effect in effects { table.apply(effect, of: peer) }
                effects.removeAll(keepingCapacity: true)
                table.release(peer)
            }
            let credentials = table.makeCredentials(worker: 1, using: &random)
            let place = table.admit(credentials.ufrag)
            let peer = try #require(place)
            var transport = PeerTransport(credentials, role: .server, now: PeerStage.start)
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                port = port == .max ? 1024 : port + 1
                let request = BindingRequest(byteCount: 100, integrity: .verified(credentials.ufrag), priority: 1, nominates: true)
                _ = transport.check(request, on: .remote(1, port: port), now: PeerStage.start, effects: &effects)
            }
            let applied = effects.allSatisfy { effect in
                if case .pathOpened = effect { table.apply(effect, of: peer) } else { table.apply(effect, of: peer) || true }
            }
            #expect(applied)
            effects.removeAll(keepingCapacity: true)
            live.append((peer, transport))
            #expect(table.count == live.count && table.credentialCount == live.count)
            #expect(peer.number < 64)
        }
        for (peer, transport) in live {
            var transport = transport
            effects.removeAll(keepingCapacity: true)
            transport.close(now: PeerStage.start, effects: &effects)
            for effect in effects { table.apply(effect, of: peer) }
            table.release(peer)
        }
        #expect(table.count == 0 && table.pathCount == 0 && table.credentialCount == 0)
    }
}
