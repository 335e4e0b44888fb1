/// An IP address and a port in 18 bytes, as a key for tables: no text, no allocation.
///
/// An IPv4 address and the IPv6 address that maps it (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2) are the same value, so that what a dual-stack
/// socket reports equals what an IPv4 socket reports. A link-local address carries no zone: the interface is the socket layer's matter.
package struct TransportAddress: Hashable, Sendable {
    /// The first eight bytes in network order, as a number; 0 for IPv4.
    package let high: UInt64
    /// The last eight bytes in network order, as a number; `0000:ffff` and the address for IPv4.
    package let low: UInt64
    /// In host order.
    package let port: UInt16

    /// An IPv4 address in host order: 127.0.0.1 is 0x7F00_0001.
    package init(ipv4: UInt32, port: UInt16) {
        high = 0
        low = Self.mappedPrefix << 32 | UInt64(ipv4)
        self.port = port
    }

    /// An IPv6 address as two numbers in host order; `::1` is (0, 1).
    package init(ipv6 high: UInt64, _ low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    /// Reads `in_addr` (4 bytes) or `in6_addr` (16 bytes) in network order; nil for any other length. `port` is in host order.
    package init?(networkBytes bytes: UnsafeRawBufferPointer, port: UInt16) {
        switch bytes.count {
        case 4: self.init(ipv4: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)), port: port)
        case 16:
            self.init(
                ipv6: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)), port: port)
        default: return nil
        }
    }

    /// The IPv4 address in host order; nil for IPv6 that maps none.
    package var ipv4: UInt32? {
        high == 0 && low >> 32 == Self.mappedPrefix ? UInt32(truncatingIfNeeded: low) : nil
    }

    /// True for IPv4, mapped or not.
    package var isIPv4: Bool { ipv4 != nil }

    /// Writes the address as `in6_addr`, IPv4 mapped, for a dual-stack socket. False when `bytes` is shorter than 16; nothing is written then.
    package func writeIPv6(into bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard bytes.count >= 16 else { return false }
        bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        return true
    }

    /// The third group of four bytes of a mapped address.
    private static let mappedPrefix: UInt64 = 0xFFFF
}

/// What carries the datagrams of a path.
package enum TransportProtocol: UInt8, Sendable {
    case udp
    /// ICE-TCP (RFC 6544), framed by RFC 4571.
    case tcp
}

/// Protocol, our address and the peer's: what ICE validates and everything else is looked up by. 43 bytes.
package struct FiveTuple: Hashable, Sendable {
    /// Where the peer's datagrams come from.
    package let remote: TransportAddress
    /// Where they arrived, and where answers have to leave from.
    package let local: TransportAddress
    package let transport: TransportProtocol

    package init(local: TransportAddress, remote: TransportAddress, transport: TransportProtocol = .udp) {
        self.local = local
        self.remote = remote
        self.transport = transport
    }
}

extension FiveTuple {
    /// 32 bits for a table of this seed. It is no cryptographic hash: the seed keeps others from choosing addresses that collide, and tables hold
    /// authenticated tuples only.
    func hash(seed: UInt64) -> UInt32 {
        var state = seed ^ UInt64(transport.rawValue)
        state = folded(state ^ remote.low, 0x9E37_79B9_7F4A_7C15)
        state = folded(state ^ remote.high, 0xC2B2_AE3D_27D4_EB4F)
        state = folded(state ^ local.low, 0x1656_67B1_9E37_79F9)
        state = folded(state ^ local.high, 0xD6E8_FEB8_6659_FD93)
        state = folded(state ^ (UInt64(remote.port) << 16 | UInt64(local.port)), 0xA076_1D64_78BD_642F)
        return UInt32(truncatingIfNeeded: state ^ state >> 32)
    }
}

/// Both halves of the 128-bit product in one word: each bit of the input reaches all of the result. Adding the odd constant keeps zero from staying
/// zero.
@inline(__always)
func folded(_ value: UInt64, _ constant: UInt64) -> UInt64 {
    let product = (value &+ constant).multipliedFullWidth(by: constant)
    return product.high ^ product.low
}
