import PeerTransport
import Testing

@testable import MediaPlane

@Suite struct EdgeExchangeTests {
    @Test func aBurstIsHandedOnWholeAndInOrder() throws {
        let mailboxes = try [Mailbox(), Mailbox()]
        var exchange = EdgeExchange(worker: 0, mailboxes: mailboxes, capacity: 8)
        let tuple = FiveTuple(
            local: TransportAddress(ipv6: 0, 1, port: 1), remote: TransportAddress(ipv6: 0, 1, port: 2), transport: .udp)
        for number in 0..<700 {
            let isKept = [UInt8](repeating: UInt8(number % 251), count: 1000).withUnsafeBytes { exchange.hand($0, on: tuple, to: 1) }
            #expect(isKept)
        }
        exchange.deliver()
        var received: [UInt8] = []
        for case .edge(.datagrams(var parcel)) in mailboxes[1].takeAll() {
            parcel.forEachDatagram { datagram, _ in received.append(datagram.first ?? 255) }
        }
        #expect(received == (0..<700).map { UInt8($0 % 251) }, "\(received.count) of 700 came")
    }
}
