@testable import SecureTransport

/// A generator with a seed (SplitMix64), so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// What a network does to datagrams.
struct LinkFaults {
    var loss = 0.0
    var duplication = 0.0
    /// Chance that a datagram takes up to 300 ms longer than its successors.
    var reordering = 0.0
    var seed: UInt64 = 1

    static let none = LinkFaults()
}

/// Two endpoints with a network and a clock between them that exist in this value only.
struct LossyLink {
    struct Delivery {
        var arrival: Duration
        var toServer: Bool
        var datagram: [UInt8]
    }

    private static let delay = Duration.milliseconds(20)

    let client: DTLSEndpoint
    let server: DTLSEndpoint
    private(set) var now = Duration.seconds(1000)
    private(set) var clientEvents: [DTLSEvent] = []
    private(set) var serverEvents: [DTLSEvent] = []
    /// Everything that was sent, lost or not.
    private(set) var sent: [Delivery] = []
    /// The datagram, counted from 0 over both directions, that gets lost whatever the faults are.
    var dropNumber: Int?
    private var underway: [Delivery] = []
    private let faults: LinkFaults
    private var random: SeededGenerator

    init(client: DTLSEndpoint, server: DTLSEndpoint, faults: LinkFaults = .none) {
        self.client = client
        self.server = server
        self.faults = faults
        random = SeededGenerator(seed: faults.seed)
    }

    /// Lets the client begin and time pass until nothing more happens, or `limit` is over.
    mutating func run(for limit: Duration = .seconds(60)) {
        start()
        settle(for: limit)
    }

    mutating func start() {
        let time = now
        call(isServer: false) { $0.start(now: time, send: $1) }
    }

    mutating func settle(for limit: Duration = .seconds(60)) {
        let end = now + limit
        while let next = nextMoment(), next <= end {
            now = max(now, next)
            step()
        }
    }

    mutating func close(server isServer: Bool) {
        call(isServer: isServer) { endpoint, send in
            endpoint.close(send: send)
            return nil
        }
    }

    /// Delivers a datagram at once, as if the other side had sent it.
    mutating func inject(_ datagram: [UInt8], toServer: Bool) {
        let time = now
        call(isServer: toServer) { endpoint, send in datagram.withUnsafeBytes { endpoint.receive($0, now: time, send: send) } }
    }

    private func nextMoment() -> Duration? {
        [underway.map(\.arrival).min(), client.deadline, server.deadline].compactMap { $0 }.min()
    }

    private mutating func step() {
        let time = now
        let due = underway.filter { $0.arrival <= time }
        underway.removeAll { $0.arrival <= time }
        for delivery in due { inject(delivery.datagram, toServer: delivery.toServer) }
        for isServer in [false, true] { call(isServer: isServer) { $0.tick(now: time, send: $1) } }
    }

    private mutating func call(isServer: Bool, _ body: (DTLSEndpoint, (UnsafeRawBufferPointer) -> Void) -> DTLSEvent?) {
        var datagrams: [[UInt8]] = []
        let event = body(isServer ? server : client) { datagrams.append(Array($0)) }
        for datagram in datagrams { post(datagram, toServer: !isServer) }
        guard let event else { return }
        if isServer { serverEvents.append(event) } else { clientEvents.append(event) }
    }

    private mutating func post(_ datagram: [UInt8], toServer: Bool) {
        defer { if sent.count - 1 == dropNumber { underway.removeAll { $0.datagram == datagram } } }
        sent.append(Delivery(arrival: now + Self.delay, toServer: toServer, datagram: datagram))
        let copies = chance(faults.duplication) ? 2 : 1
        for _ in 0..<copies where !chance(faults.loss) {
            let late = chance(faults.reordering) ? Duration.milliseconds(Int.random(in: 1...300, using: &random)) : .zero
            underway.append(Delivery(arrival: now + Self.delay + late, toServer: toServer, datagram: datagram))
        }
    }

    private mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &random) < probability }
}

/// Endpoints that know each other's certificates.
struct EndpointPair {
    let clientContext: DTLSContext
    let serverContext: DTLSContext

    init() throws {
        clientContext = try DTLSContext(certificate: try Certificate.makeSelfSigned())
        serverContext = try DTLSContext(certificate: try Certificate.makeSelfSigned())
    }

    func makeClient(
        fingerprints: [CertificateFingerprint]? = nil, profiles: [ProtectionProfile] = ProtectionProfile.allCases
    ) throws -> DTLSEndpoint {
        try DTLSEndpoint(
            context: clientContext, role: .client, fingerprints: fingerprints ?? [serverContext.fingerprint], profiles: profiles)
    }

    func makeServer(
        fingerprints: [CertificateFingerprint]? = nil, profiles: [ProtectionProfile] = ProtectionProfile.allCases
    ) throws -> DTLSEndpoint {
        try DTLSEndpoint(
            context: serverContext, role: .server, fingerprints: fingerprints ?? [clientContext.fingerprint], profiles: profiles)
    }

    func makeLink(faults: LinkFaults = .none) throws -> LossyLink {
        LossyLink(client: try makeClient(), server: try makeServer(), faults: faults)
    }
}

/// What `SRTPKeyingMaterial` holds, as a value that tests can compare.
struct ExportedKeys: Equatable {
    var profile: ProtectionProfile
    var isClient: Bool
    var octets: [UInt8]
}

extension DTLSEndpoint {
    func takeKeys() -> ExportedKeys? {
        guard let material = takeKeyingMaterial() else { return nil }
        return ExportedKeys(profile: material.profile, isClient: material.isClient, octets: material.exported.withUnsafeBytes { Array($0) })
    }
}
