import Foundation
import Testing

@testable import SecureTransport

struct EndpointMemoryTests {
    /// An endpoint that leaked would leave 40 kB and more of OpenSSL's.
    @Test func endpointsGiveTheirMemoryBack() throws {
        let pair = try EndpointPair()
        try makeAndFree(100, of: pair)
        let before = try residentMegabytes()
        try makeAndFree(1000, of: pair)
        let grown = try residentMegabytes() - before
        // Other tests run meanwhile, so there is room between what is right, nothing, and what a leak would take, 80 MB.
        #expect(grown < 30)
    }

    /// In every stage that an endpoint can be left in.
    private func makeAndFree(_ count: Int, of pair: EndpointPair) throws {
        for number in 0..<count {
            weak var server: DTLSEndpoint?
            do {
                var link = try pair.makeLink()
                server = link.server
                switch number % 5 {
                case 0: break
                case 1: link.start()
                case 2: link.settle(for: .milliseconds(25))
                case 3: link.run()
                default:
                    link.run()
                    link.close(server: false)
                    link.settle()
                }
            }
            #expect(server == nil)
        }
    }

    /// The handshake's part goes when the handshake is over, with the endpoint still there.
    @Test func aConnectedEndpointHasNoConnectionOfOpenSSL() throws {
        let pair = try EndpointPair()
        try makeAndFree(100, of: pair)
        let before = try residentMegabytes()
        var endpoints: [DTLSEndpoint] = []
        for _ in 0..<500 {
            var link = try pair.makeLink()
            link.run()
            endpoints += [link.server, link.client]
        }
        #expect(endpoints.count { $0.isConnected } == 1000)
        let grown = try residentMegabytes() - before
        #expect(grown < 20, "a thousand connections of OpenSSL would take 40 MB and more")
    }

    private func residentMegabytes() throws -> Double {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return Double(try #require(Int(fields[1])) * Int(getpagesize())) / 1_000_000
    }
}
