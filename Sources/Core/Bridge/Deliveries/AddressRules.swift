package import BridgeModel

/// Why the bridge does not connect to an address that somebody else chose.
package enum AddressRefusal: String, Sendable, Equatable, CaseIterable {
    case unspecified, loopback, privateUse, linkLocal, sharedSpace, multicast, documentation, benchmarking, broadcast, reserved
    case uniqueLocal, siteLocal, discardOnly, translation, metadata

    /// True for the networks that an operator means by "private": metadata services, multicast and the rest stay refused.
    fileprivate var isPrivateNetwork: Bool { self == .loopback || self == .privateUse || self == .uniqueLocal }

    /// The words for a sentence: "the address is ...".
    package var description: String {
        switch self {
        case .unspecified: "unspecified"
        case .loopback: "a loopback address"
        case .privateUse: "a private address"
        case .linkLocal: "a link-local address"
        case .sharedSpace: "in carrier-grade NAT space"
        case .multicast: "a multicast address"
        case .documentation: "a documentation address"
        case .benchmarking: "a benchmarking address"
        case .broadcast: "the broadcast address"
        case .reserved: "reserved"
        case .uniqueLocal: "a unique local address"
        case .siteLocal: "a site-local address"
        case .discardOnly: "in the discard-only range"
        case .translation: "in a local translation range"
        case .metadata: "a cloud metadata address"
        }
    }
}

/// Which addresses webhooks and uploads may reach: the guard against server-side request forgery. URLs come from callers, so by default only
/// public unicast addresses are allowed; the operator's exemptions come first.
package struct AddressRules: Sendable, Equatable {
    /// Lets plain http through, and loopback, private and unique local addresses (`webhooks.allow-private`).
    package let allowsPrivate: Bool
    private let hosts: Set<String>
    private let addresses: Set<IPAddress>

    /// `allow` lists host names, and addresses without brackets, that are exempt (`webhooks.allow`); names compare without case.
    package init(allowPrivate: Bool = false, allow: [String] = []) {
        allowsPrivate = allowPrivate
        addresses = Set(allow.compactMap(IPAddress.init(parsing:)))
        hosts = Set(allow.filter { IPAddress(parsing: $0) == nil }.map { $0.lowercased() })
    }

    /// From the configuration.
    package init(_ settings: WebhookSettings) {
        self.init(allowPrivate: settings.allowPrivate, allow: settings.allow)
    }

    /// Why an address must not be connected to; nil when it may. `host` is the name that it was resolved from, in lower case.
    package func refusal(of address: IPAddress, host: String) -> AddressRefusal? {
        guard !hosts.contains(host), !addresses.contains(address), let refusal = Self.refusal(of: address) else { return nil }
        return allowsPrivate && refusal.isPrivateNetwork ? nil : refusal
    }

    /// The first refusal among all addresses of a name: one bad address refuses the whole name, because which one a later look-up would
    /// return is the attacker's choice.
    package func refusal(of all: [IPAddress], host: String) -> AddressRefusal? {
        all.lazy.compactMap { refusal(of: $0, host: host) }.first
    }

    /// The rule without exemptions, from the IANA special-purpose address registries (RFC 6890) and the address architecture (RFC 4291).
    package static func refusal(of address: IPAddress) -> AddressRefusal? {
        switch address {
        case .v4(let value): refusal(ofIPv4: value)
        case .v6(let value): refusal(ofIPv6: value)
        }
    }
}

// MARK: The tables

extension AddressRules {
    private struct Range4 {
        var base: UInt32
        var length: UInt32
        var refusal: AddressRefusal

        func contains(_ value: UInt32) -> Bool { (value ^ base) >> (32 - length) == 0 }
    }

    private struct Range6 {
        /// The first 32 bits; no range here is longer than that, except those handled in code.
        var base: UInt32
        var length: UInt32
        var refusal: AddressRefusal

        func contains(_ value: UInt128) -> Bool { (UInt32(value >> 96) ^ base) >> (32 - length) == 0 }
    }

    private static let ranges4: [Range4] = [
        Range4(base: 0xA83F_8110, length: 32, refusal: .metadata),  // 168.63.129.16, Azure: public by number, local by routing
        Range4(base: 0x0000_0000, length: 8, refusal: .unspecified),  // 0.0.0.0/8, RFC 791: Linux connects 0.0.0.0 to itself
        Range4(base: 0x0A00_0000, length: 8, refusal: .privateUse),  // 10.0.0.0/8, RFC 1918
        Range4(base: 0x6440_0000, length: 10, refusal: .sharedSpace),  // 100.64.0.0/10, RFC 6598
        Range4(base: 0x7F00_0000, length: 8, refusal: .loopback),  // 127.0.0.0/8, RFC 1122
        Range4(base: 0xA9FE_0000, length: 16, refusal: .linkLocal),  // 169.254.0.0/16, RFC 3927; cloud metadata at 169.254.169.254
        Range4(base: 0xAC10_0000, length: 12, refusal: .privateUse),  // 172.16.0.0/12, RFC 1918
        Range4(base: 0xC000_0000, length: 24, refusal: .reserved),  // 192.0.0.0/24, RFC 6890
        Range4(base: 0xC000_0200, length: 24, refusal: .documentation),  // 192.0.2.0/24, RFC 5737
        Range4(base: 0xC058_6300, length: 24, refusal: .reserved),  // 192.88.99.0/24, RFC 7526: 6to4 relays, withdrawn
        Range4(base: 0xC0A8_0000, length: 16, refusal: .privateUse),  // 192.168.0.0/16, RFC 1918
        Range4(base: 0xC612_0000, length: 15, refusal: .benchmarking),  // 198.18.0.0/15, RFC 2544
        Range4(base: 0xC633_6400, length: 24, refusal: .documentation),  // 198.51.100.0/24, RFC 5737
        Range4(base: 0xCB00_7100, length: 24, refusal: .documentation),  // 203.0.113.0/24, RFC 5737
        Range4(base: 0xE000_0000, length: 4, refusal: .multicast),  // 224.0.0.0/4, RFC 5771
        Range4(base: 0xFFFF_FFFF, length: 32, refusal: .broadcast),  // RFC 8190
        Range4(base: 0xF000_0000, length: 4, refusal: .reserved),  // 240.0.0.0/4, RFC 1112
    ]

    private static let ranges6: [Range6] = [
        Range6(base: 0xFC00_0000, length: 7, refusal: .uniqueLocal),  // fc00::/7, RFC 4193
        Range6(base: 0xFE80_0000, length: 10, refusal: .linkLocal),  // fe80::/10, RFC 4291
        Range6(base: 0xFEC0_0000, length: 10, refusal: .siteLocal),  // fec0::/10, RFC 3879
        Range6(base: 0xFF00_0000, length: 8, refusal: .multicast),  // ff00::/8, RFC 4291
        Range6(base: 0x0100_0000, length: 32, refusal: .discardOnly),  // 100::/64 and its neighbours, RFC 6666
        Range6(base: 0x2001_0DB8, length: 32, refusal: .documentation),  // 2001:db8::/32, RFC 3849
        Range6(base: 0x3FFF_0000, length: 20, refusal: .documentation),  // 3fff::/20, RFC 9637
        Range6(base: 0x2001_0002, length: 32, refusal: .benchmarking),  // 2001:2::/48 and its neighbours, RFC 5180
        Range6(base: 0x2001_0010, length: 28, refusal: .reserved),  // 2001:10::/28, ORCHID, RFC 4843
        Range6(base: 0x2001_0020, length: 28, refusal: .reserved),  // 2001:20::/28, ORCHIDv2, RFC 7343
    ]

    /// fd00:ec2::254 (Amazon) and fd20:ce::254 (Google): unique local by number, and so apart from what `allowsPrivate` opens.
    private static let metadata6: Set<UInt128> = [0xFD00_0EC2 << 96 | 0x254, 0xFD20_00CE << 96 | 0x254]

    private static func refusal(ofIPv4 value: UInt32) -> AddressRefusal? {
        ranges4.first { $0.contains(value) }?.refusal
    }

    private static func refusal(ofIPv6 value: UInt128) -> AddressRefusal? {
        if value == 0 { return .unspecified }
        if value == 1 { return .loopback }
        if metadata6.contains(value) { return .metadata }
        if let embedded = embeddedIPv4(value) {
            return embedded.lazy.compactMap { refusal(ofIPv4: $0) }.first
        }
        if let range = ranges6.first(where: { $0.contains(value) }) { return range.refusal }
        if value >> 80 == 0x0064_FF9B_0001 { return .translation }  // 64:ff9b:1::/48, RFC 8215
        // Global unicast is 2000::/3 and nothing else (RFC 4291 section 2.4, IANA).
        return value >> 125 == 0b001 ? nil : .reserved
    }

    /// The IPv4 addresses that packets to this IPv6 address may end at; nil when it holds none.
    private static func embeddedIPv4(_ value: UInt128) -> [UInt32]? {
        let low = UInt32(truncatingIfNeeded: value)
        if value >> 32 == 0xFFFF { return [low] }  // ::ffff:0:0/96, mapped, RFC 4291 section 2.5.5.2
        if value >> 32 == 0 { return [low] }  // ::/96, compatible, RFC 4291 section 2.5.5.1
        if value >> 32 == 0xFFFF_0000 { return [low] }  // ::ffff:0:0:0/96, translated, RFC 2765
        if value >> 32 == UInt128(0x0064_FF9B) << 64 { return [low] }  // 64:ff9b::/96, NAT64, RFC 6052
        if value >> 112 == 0x2002 { return [UInt32(truncatingIfNeeded: value >> 80)] }  // 2002::/16, 6to4, RFC 3056
        // 2001::/32, Teredo, RFC 4380 section 4: the server's address, and the client's with all bits inverted.
        if value >> 96 == 0x2001_0000 { return [UInt32(truncatingIfNeeded: value >> 64), ~low] }
        return nil
    }
}
