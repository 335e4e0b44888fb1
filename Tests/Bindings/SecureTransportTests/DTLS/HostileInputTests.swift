import Testing

@testable import SecureTransport

struct HostileInputTests {
    /// Where in its life an endpoint is attacked.
    enum Moment: CaseIterable {
        case beforeTheHandshake
        case betweenTheFlights
        case connected
    }

    // MARK: Noise

    @Test(arguments: Moment.allCases)
    func noiseDisturbsNobody(moment: Moment) throws {
        let pair = try EndpointPair()
        for seed in UInt64(1)...20 {
            var random = SeededGenerator(seed: seed)
            var link = try pair.makeLink()
            advance(&link, to: moment)
            for _ in 0..<200 {
                let datagram = makeNoise(using: &random)
                link.inject(datagram, toServer: true)
                link.inject(datagram, toServer: false)
            }
            finish(&link, from: moment)
            #expect(link.clientEvents == [.connected], "seed \(seed)")
            #expect(link.serverEvents == [.connected], "seed \(seed)")
        }
    }

    /// OpenSSL keeps records of the next epoch for later, and ends the handshake when one of them is too short to have been encrypted.
    @Test(arguments: Moment.allCases)
    func recordsTooShortForTheirCipherDisturbNobody(moment: Moment) throws {
        let pair = try EndpointPair()
        for type: UInt8 in [21, 22] {
            var link = try pair.makeLink()
            advance(&link, to: moment)
            for count: UInt8 in 1...30 {
                let record = [type, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, count, 0, count] + [UInt8](repeating: 7, count: Int(count))
                link.inject(record, toServer: true)
                link.inject(record, toServer: false)
            }
            finish(&link, from: moment)
            #expect(link.clientEvents == [.connected], "type \(type)")
            #expect(link.serverEvents == [.connected], "type \(type)")
        }
    }

    /// Octets that look like records at the front, so that they come as far as possible.
    private func makeNoise(using random: inout SeededGenerator) -> [UInt8] {
        var datagram = (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let types: [UInt8] = [20, 21, 22, 23, 24, 0, 255]
        guard datagram.count > 13, let type = types.randomElement(using: &random) else { return datagram }
        datagram.replaceSubrange(0..<3, with: [type, 0xFE, 0xFD])
        // Plaintext handshake records are left to `malformedHandshakeMessagesAreDropped`: a well-formed one would be an attack, not noise.
        let epochs: [UInt16] = type == 22 || type == 20 ? [1, 2, 0xFFFF] : [0, 1, 2, 0xFFFF]
        let epoch = epochs.randomElement(using: &random) ?? 1
        datagram.replaceSubrange(3..<5, with: [UInt8(epoch >> 8), UInt8(epoch & 0xFF)])
        if Bool.random(using: &random) { datagram.replaceSubrange(11..<13, with: [0, UInt8(datagram.count - 13)]) }
        return datagram
    }

    // MARK: ClientHello

    @Test func aClientHelloCutAnywhereDoesNotDisturbTheServer() throws {
        let pair = try EndpointPair()
        let hello = try clientHello(of: pair)
        for count in stride(from: 0, to: hello.count, by: 7) {
            var link = try pair.makeLink()
            link.inject(Array(hello[..<count]), toServer: true)
            link.inject(cutInside(hello, count), toServer: true)
            #expect(link.sent.isEmpty, "cut to \(count)")
            link.run()
            #expect(link.serverEvents == [.connected], "cut to \(count)")
        }
    }

    @Test func anUnacceptableClientHelloDoesNotDisturbTheServer() throws {
        let pair = try EndpointPair()
        let hello = try clientHello(of: pair)
        // The first cipher suite is behind record header, message header, version, random, empty session, empty cookie and the list's length.
        let suites = 13 + 12 + 2 + 32 + 1 + 1 + 2
        var unknownSuites = hello
        for index in suites..<suites + 8 { unknownSuites[index] = 0xEE }
        var link = try pair.makeLink()
        link.inject(unknownSuites, toServer: true)
        #expect(link.sent.isEmpty, "an alert now could reach the real client")
        #expect(link.serverEvents.isEmpty)
        link.run()
        #expect(link.serverEvents == [.connected])
        #expect(link.clientEvents == [.connected])
    }

    @Test func anUnacceptableClientHelloIsRefusedWhenNothingBetterComes() throws {
        let pair = try EndpointPair()
        var hello = try clientHello(of: pair)
        let suites = 13 + 12 + 2 + 32 + 1 + 1 + 2
        for index in suites..<suites + 8 { hello[index] = 0xEE }
        var link = try pair.makeLink()
        for _ in 0..<5 { link.inject(hello, toServer: true) }
        link.settle()
        guard case .failed(.handshakeFailed)? = link.serverEvents.first else {
            Issue.record("\(link.serverEvents)")
            return
        }
        #expect(link.serverEvents.count == 1)
        #expect(link.sent.map(\.datagram.first) == [21], "one alert")
    }

    @Test func aPieceOfAnotherClientHelloDoesNotDisturbTheServer() throws {
        let pair = try EndpointPair()
        let hello = try clientHello(of: pair)
        for length in [hello.count - 25, 100, 8000] {
            var link = try pair.makeLink()
            for count in 1...40 {
                link.inject(plaintextRecord(message: 1, number: 0, length: length, offset: 0, count: count), toServer: true)
            }
            link.run()
            #expect(link.serverEvents == [.connected], "length \(length)")
        }
    }

    @Test(arguments: [Moment.betweenTheFlights, .connected])
    func aSecondClientHelloChangesNothing(moment: Moment) throws {
        let pair = try EndpointPair()
        let stranger = try clientHello(of: pair)
        var link = try pair.makeLink()
        advance(&link, to: moment)
        let sent = link.sent.count
        for _ in 0..<50 { link.inject(stranger, toServer: true) }
        // The flight may have been lost, so one repetition is right; a connected server says nothing.
        #expect(link.sent.count <= sent + (moment == .connected ? 0 : 1))
        finish(&link, from: moment)
        #expect(link.serverEvents == [.connected])
        #expect(link.clientEvents == [.connected])
    }

    // MARK: Handshake messages

    @Test(arguments: MalformedMessages.all)
    func malformedHandshakeMessagesAreDropped(message: MalformedMessages) throws {
        for moment in Moment.allCases {
            var link = try EndpointPair().makeLink()
            advance(&link, to: moment)
            let sent = link.sent.count
            link.inject(message.record, toServer: true)
            link.inject(message.record, toServer: false)
            #expect(link.sent.count == sent)
            finish(&link, from: moment)
            #expect(link.serverEvents == [.connected], "\(moment)")
            #expect(link.clientEvents == [.connected], "\(moment)")
        }
    }

    @Test func fragmentsThatContradictEachOtherAreDropped() {
        var filter = HandshakeFilter(role: .server)
        func judge(_ octets: [UInt8]) -> HandshakeFilter.Verdict { octets.withUnsafeBytes { judgeRecord($0, with: &filter) } }
        #expect(judge(plaintextRecord(message: 1, number: 0, length: 100, offset: 0, count: 50)) == .pass)
        #expect(judge(plaintextRecord(message: 1, number: 0, length: 101, offset: 50, count: 51)) == .startOver, "another length")
        #expect(judge(plaintextRecord(message: 11, number: 0, length: 100, offset: 50, count: 50)) == .drop, "another type")
        #expect(judge(plaintextRecord(message: 1, number: 0, length: 100, offset: 20, count: 80)) == .pass, "an overlap is legal")
        filter.noteFlight()
        #expect(judge(plaintextRecord(message: 1, number: 0, length: 100, offset: 0, count: 100)) == .retransmission)
        #expect(judge(plaintextRecord(message: 11, number: 1, length: 100, offset: 0, count: 100)) == .pass)
        #expect(judge(plaintextRecord(message: 11, number: 1, length: 101, offset: 50, count: 51)) == .drop, "another length")
        #expect(judge(plaintextRecord(message: 11, number: 12, length: 100, offset: 0, count: 100)) == .drop, "too far ahead")
    }

    @Test func messagesOfTheWrongSideAreDropped() {
        let (ofClients, ofServers) = ([UInt8(1), 15, 16], [UInt8(2), 3, 12, 13])
        for (role, accepted, refused) in [(DTLSRole.server, ofClients, ofServers), (.client, ofServers, ofClients)] {
            for (types, verdict) in [(accepted, HandshakeFilter.Verdict.pass), (refused, .drop)] {
                for type in types {
                    var filter = HandshakeFilter(role: role)
                    let record = plaintextRecord(message: type, number: 0, length: 80, offset: 0, count: 80)
                    #expect(record.withUnsafeBytes { judgeRecord($0, with: &filter) } == verdict, "\(type) to a \(role)")
                }
            }
        }
    }

    @Test func messagesFromTheFutureDoNotCountAsAnswered() {
        var filter = HandshakeFilter(role: .server)
        func judge(_ octets: [UInt8]) -> HandshakeFilter.Verdict { octets.withUnsafeBytes { judgeRecord($0, with: &filter) } }
        #expect(judge(plaintextRecord(message: 16, number: 9, length: 66, offset: 0, count: 66)) == .pass)
        #expect(judge(plaintextRecord(message: 1, number: 0, length: 100, offset: 0, count: 100)) == .pass)
        filter.noteFlight()
        #expect(judge(plaintextRecord(message: 11, number: 1, length: 100, offset: 0, count: 100)) == .pass)
    }

    @Test(arguments: [Moment.beforeTheHandshake, .betweenTheFlights])
    func aHighRecordNumberDoesNotShutTheRestOut(moment: Moment) throws {
        var link = try EndpointPair().makeLink()
        advance(&link, to: moment)
        // A piece of a message that the peer is going to send, with the last number that there is.
        for (type, toServer) in [(UInt8(15), true), (12, false)] {
            var piece = plaintextRecord(message: type, number: 9, length: 78, offset: 0, count: 10)
            piece.replaceSubrange(5..<11, with: [UInt8](repeating: 0xFF, count: 6))
            link.inject(piece, toServer: toServer)
        }
        finish(&link, from: moment)
        #expect(link.serverEvents == [.connected])
        #expect(link.clientEvents == [.connected])
    }

    // MARK: Alerts

    @Test func aForgedAlertDoesNotEndAHandshake() throws {
        for level in [UInt8(1), 2] {
            var link = try EndpointPair().makeLink()
            advance(&link, to: .betweenTheFlights)
            let alert: [UInt8] = [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, level, 40]
            link.inject(alert, toServer: true)
            link.inject(alert, toServer: false)
            link.settle()
            #expect(link.serverEvents == [.connected])
            #expect(link.clientEvents == [.connected])
        }
    }

    @Test func anAlertBeforeTheHandshakeIsNothing() throws {
        var link = try EndpointPair().makeLink()
        link.inject([21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40], toServer: true)
        link.settle()
        #expect(link.server.deadline == nil)
        link.run()
        #expect(link.serverEvents == [.connected])
    }

    /// The peer's copy of our flight was lost, so it repeats its own: it is there.
    @Test func aPeerThatRepeatsItselfHasNotSentTheAlert() throws {
        var link = try EndpointPair().makeLink()
        link.start()
        let hello = try #require(link.sent.first?.datagram)
        link.settle(for: .milliseconds(25))
        link.inject([21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40], toServer: true)
        let before = try #require(link.server.deadline)
        link.inject(hello, toServer: true)
        _ = link.server.tick(now: before + .seconds(2)) { _ in }
        #expect(link.server.deadline != nil, "not given up")
    }

    @Test func aForgedAlertDoesNotEndAnAssociation() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        for epoch in [UInt8(0), 1, 2] {
            let header: [UInt8] = [21, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 99]
            link.inject(header + [0, 2, 2, 0], toServer: true)
            link.inject(header + [0, 26] + [UInt8](repeating: 7, count: 26), toServer: true)
        }
        #expect(link.server.isConnected)
    }

    @Test func aReplayedCloseNotifyIsOfNoUseToAnotherPeer() throws {
        let pair = try EndpointPair()
        var (first, second) = (try pair.makeLink(), try pair.makeLink())
        first.run()
        second.run()
        first.close(server: false)
        let goodbye = try #require(first.sent.last?.datagram)
        second.inject(goodbye, toServer: true)
        #expect(second.server.isConnected)
    }

    // MARK: Replay and memory

    @Test func aReplayedHandshakeDoesNotDisturb() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        let all = link.sent
        for delivery in all + all.reversed() {
            link.inject(delivery.datagram, toServer: delivery.toServer)
            link.inject(delivery.datagram, toServer: !delivery.toServer)
        }
        #expect(link.server.isConnected && link.client.isConnected)
        #expect(link.sent.count <= all.count + 1, "the server's last flight, once")
    }

    @Test func applicationDataIsIgnored() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        let sent = link.sent.count
        let record: [UInt8] = [23, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 9, 0, 100] + [UInt8](repeating: 1, count: 100)
        for _ in 0..<100 { link.inject(record, toServer: true) }
        #expect(link.sent.count == sent)
        #expect(link.server.isConnected)
    }
}

// MARK: The stage

private func advance(_ link: inout LossyLink, to moment: HostileInputTests.Moment) {
    switch moment {
    case .beforeTheHandshake: break
    case .betweenTheFlights:
        link.start()
        link.settle(for: .milliseconds(25))
    case .connected: link.run()
    }
}

private func finish(_ link: inout LossyLink, from moment: HostileInputTests.Moment) {
    if moment == .beforeTheHandshake { link.start() }
    link.settle()
}

private func clientHello(of pair: EndpointPair) throws -> [UInt8] {
    var hello: [UInt8] = []
    _ = try pair.makeClient().start(now: .zero) { hello = Array($0) }
    return hello
}

/// The first `count` octets, with record and message headers that claim that this is all.
private func cutInside(_ hello: [UInt8], _ count: Int) -> [UInt8] {
    guard count > 25 else { return Array(hello[..<count]) }
    let body = count - 25
    return Array(plaintextRecord(message: 1, number: 0, length: body, offset: 0, count: body).prefix(25)) + Array(hello[25..<count])
}

func judgeRecord(_ octets: UnsafeRawBufferPointer, with filter: inout HandshakeFilter) -> HandshakeFilter.Verdict {
    var records = DTLSRecordIterator(octets)
    return records.next().map { filter.judge($0) } ?? .drop
}
