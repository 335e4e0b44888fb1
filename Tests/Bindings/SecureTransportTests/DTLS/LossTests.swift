import Testing

@testable import SecureTransport

struct LossTests {
    @Test func handshakesGetThroughBadNetworks() throws {
        let pair = try EndpointPair()
        for seed in UInt64(1)...120 {
            let faults = LinkFaults(loss: 0.25, duplication: 0.2, reordering: 0.3, seed: seed)
            var link = try pair.makeLink(faults: faults)
            link.run()
            #expect(link.clientEvents == [.connected], "seed \(seed)")
            #expect(link.serverEvents == [.connected], "seed \(seed)")
            let keys = link.client.takeKeys()?.octets
            #expect(keys != nil && keys == link.server.takeKeys()?.octets, "seed \(seed)")
        }
    }

    @Test func fragmentedFlightsGetThroughBadNetworks() throws {
        let context = try DTLSContext(certificate: try Certificate(pem: try makeCertificate(commentLength: 3000)))
        for seed in UInt64(1)...20 {
            var link = LossyLink(
                client: try DTLSEndpoint(context: context, role: .client, fingerprints: [context.fingerprint]),
                server: try DTLSEndpoint(context: context, role: .server, fingerprints: [context.fingerprint]),
                faults: LinkFaults(loss: 0.2, duplication: 0.2, reordering: 0.5, seed: seed))
            link.run()
            #expect(link.clientEvents == [.connected], "seed \(seed)")
            #expect(link.serverEvents == [.connected], "seed \(seed)")
        }
    }

    /// With every single datagram of the handshake lost in turn, it takes one repetition more.
    @Test(arguments: 0..<4)
    func oneLostDatagramCostsOneRepetition(lost: Int) throws {
        var link = try EndpointPair().makeLink()
        link.dropNumber = lost
        let begin = link.now
        link.run()
        #expect(link.clientEvents == [.connected])
        #expect(link.serverEvents == [.connected])
        #expect(link.now - begin <= .milliseconds(80) + RetransmissionTimer.firstInterval)
    }

    @Test func noRecordNumberIsUsedTwice() throws {
        let pair = try EndpointPair()
        for seed in UInt64(1)...40 {
            var link = try pair.makeLink(faults: LinkFaults(loss: 0.4, seed: seed))
            link.run()
            link.close(server: true)
            link.close(server: false)
            for toServer in [true, false] {
                let numbers = link.sent.filter { $0.toServer == toServer }.flatMap { recordNumbers($0.datagram) }
                #expect(Set(numbers).count == numbers.count, "seed \(seed)")
            }
        }
    }

    @Test func theServersLostFinishedIsSentAgainAfterItsHandshake() throws {
        var link = try EndpointPair().makeLink()
        link.dropNumber = 3
        link.run()
        #expect(link.clientEvents == [.connected])
        let answer = try #require(link.sent.last)
        #expect(!answer.toServer)
        #expect(answer.datagram.count < 100, "ChangeCipherSpec and Finished only")
    }

    @Test func theClientsFlightMadeOfOldRecordsIsNotAnswered() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        let clientFlights = link.sent.filter(\.toServer)
        for _ in 0..<10 { for flight in clientFlights { link.inject(flight.datagram, toServer: true) } }
        // The Finished of the handshake itself may be answered once, since nobody knows its number any more.
        #expect(link.sent.count <= 5)
        #expect(link.serverEvents == [.connected])
    }

    @Test func aSilentPeerIsGivenUp() throws {
        var link = try EndpointPair().makeLink(faults: LinkFaults(loss: 1))
        let begin = link.now
        link.run()
        #expect(link.clientEvents == [.failed(.timedOut)])
        #expect(link.serverEvents.isEmpty)
        #expect(link.sent.count == 1 + RetransmissionTimer.repetitions)
        #expect((Duration.seconds(20)...Duration.seconds(35)).contains(link.now - begin))
    }

    @Test func aRepeatedClientHelloIsAnsweredButNotForEver() throws {
        var link = try EndpointPair().makeLink(faults: LinkFaults(loss: 1))
        link.start()
        let hello = try #require(link.sent.first?.datagram)
        link.inject(hello, toServer: true)
        let flight = link.sent.count - 1
        var now = link.now
        var repetitions = 0
        for _ in 0..<1000 {
            now += .milliseconds(25)
            _ = hello.withUnsafeBytes { link.server.receive($0, now: now) { _ in repetitions += 1 } }
        }
        #expect(repetitions == flight * RetransmissionTimer.promptedRepetitions)
    }

    @Test func ticksBeforeTheDeadlineDoNothing() throws {
        var link = try EndpointPair().makeLink(faults: LinkFaults(loss: 1))
        link.start()
        let deadline = try #require(link.client.deadline)
        #expect(deadline == link.now + RetransmissionTimer.firstInterval)
        var count = 0
        for step in 0..<100 { #expect(link.client.tick(now: link.now + .milliseconds(step)) { _ in count += 1 } == nil) }
        #expect(count == 0)
        #expect(link.client.tick(now: deadline) { _ in count += 1 } == nil)
        #expect(count == 1)
        #expect(link.client.deadline == deadline + RetransmissionTimer.firstInterval * 2)
    }

    @Test func aServerWaitsForItsClientWithoutATimer() throws {
        #expect(try EndpointPair().makeServer().deadline == nil)
    }

    private struct RecordNumber: Hashable {
        var epoch: UInt16
        var sequence: UInt64
    }

    private func recordNumbers(_ datagram: [UInt8]) -> [RecordNumber] {
        datagram.withUnsafeBytes { octets in
            var records = DTLSRecordIterator(octets)
            var numbers: [RecordNumber] = []
            while let record = records.next() { numbers.append(RecordNumber(epoch: record.epoch, sequence: record.sequence)) }
            return numbers
        }
    }
}
