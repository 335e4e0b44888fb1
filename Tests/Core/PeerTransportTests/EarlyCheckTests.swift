import BridgeModel
import PeerTransport
import Testing

@Suite struct EarlyCheckTests {
    private var checks = EarlyChecks(capacity: 2)
    private var random = SeededGenerator(7)

    private func tuple(_ port: UInt16) -> FiveTuple {
        FiveTuple(local: TransportAddress(ipv4: 0x7F00_0001, port: 1), remote: TransportAddress(ipv4: 0x7F00_0001, port: port))
    }

    private func time(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: 0).advanced(by: .milliseconds(milliseconds)) }

    private mutating func expectPeer() -> LocalUfrag {
        let credentials = IceCredentials(worker: 0, using: &random)
        checks.expect(credentials)
        return credentials.ufrag
    }

    private mutating func keep(_ byte: UInt8, of ufrag: LocalUfrag, port: UInt16, at milliseconds: Int64 = 0, count: Int = 20) -> Bool {
        Array(repeating: byte, count: count).withUnsafeBytes {
            checks.keep($0, of: ufrag, on: tuple(port), receiver: nil, now: time(milliseconds))
        }
    }

    @Test mutating func theNewestOfEachPathIsKept() {
        let ufrag = expectPeer()
        #expect(keep(1, of: ufrag, port: 10))
        #expect(keep(2, of: ufrag, port: 11))
        #expect(keep(3, of: ufrag, port: 10))
        let taken = checks.take(ufrag, now: time(1))
        #expect(taken.map(\.datagram[0]) == [2, 3])
        #expect(taken.map(\.tuple) == [tuple(11), tuple(10)])
        #expect(checks.count == 0 && checks.take(ufrag, now: time(1)).isEmpty)
    }

    @Test mutating func whatIsOldOrTooMuchIsNotKept() {
        let ufrag = expectPeer()
        #expect(keep(1, of: ufrag, port: 10))
        for port: UInt16 in 11...13 { #expect(keep(1, of: ufrag, port: port, at: 400)) }
        #expect(!keep(1, of: ufrag, port: 14, at: 400))
        // The first has had its time.
        #expect(keep(1, of: ufrag, port: 14, at: 501))
        #expect(!keep(1, of: ufrag, port: 11, at: 501, count: EarlyChecks.longest + 1))
        #expect(checks.take(ufrag, now: time(901)).map(\.tuple) == [tuple(14)])
    }

    @Test mutating func nobodyElseIsAwaited() {
        let (first, second) = (expectPeer(), expectPeer())
        let third = expectPeer()
        #expect(checks.count == 2)
        #expect(checks.credentials(of: first) != nil && checks.credentials(of: second) != nil && checks.credentials(of: third) == nil)
        #expect(!keep(1, of: third, port: 10))
        _ = checks.take(first, now: time(0))
        #expect(!keep(1, of: first, port: 10))
    }
}
