internal import CLinux

/// An IP address and a port, 24 bytes inline: what a socket is bound to, or where a datagram came from.
///
/// IPv4 is held as an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), so that one type serves both, equal addresses are equal values and a
/// dual-stack socket needs no translation.
package struct SocketAddress: Hashable, Sendable {
    /// Bytes 0...7 of the IPv6 address as a big-endian number.
    package let high: UInt64
    /// Bytes 8...15 of the IPv6 address as a big-endian number; for IPv4 `0x0000_FFFF` and the four bytes.
    package let low: UInt64
    /// The interface of an IPv6 link-local address, else 0.
    package let scope: UInt32
    /// Host byte order; 0 where no port is meant.
    package let port: UInt16

    package init(high: UInt64, low: UInt64, scope: UInt32 = 0, port: UInt16) {
        self.high = high
        self.low = low
        self.scope = scope
        self.port = port
    }

    /// From an IPv4 address in host byte order, for instance 0x7F00_0001.
    package init(ipv4: UInt32, port: UInt16) { self.init(high: 0, low: Self.mappedPrefix | UInt64(ipv4), port: port) }

    /// From dotted IPv4 or IPv6 text without scope; nil when it is neither. Names are not resolved.
    package init?(_ text: String, port: UInt16) {
        var address = clinux_address()
        guard clinux_address_parse(text, &address) == 0 else { return nil }
        self.init(high: UInt64(bigEndian: address.high), low: UInt64(bigEndian: address.low), port: port)
    }

    private static let mappedPrefix: UInt64 = 0x0000_FFFF_0000_0000

    /// `::` with a port: every address, IPv6 and IPv4.
    package static func any(port: UInt16) -> SocketAddress { SocketAddress(high: 0, low: 0, port: port) }

    /// 127.0.0.1 with a port.
    package static func loopback(port: UInt16) -> SocketAddress { SocketAddress(ipv4: 0x7F00_0001, port: port) }

    /// The IPv4 address in host byte order; nil for IPv6.
    package var ipv4: UInt32? { high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil }

    /// `::` or 0.0.0.0: no address in particular.
    package var isUnspecified: Bool { high == 0 && (low == 0 || low == Self.mappedPrefix) }

    init(_ address: clinux_address) {
        self.init(high: UInt64(bigEndian: address.high), low: UInt64(bigEndian: address.low), scope: address.scope, port: address.port)
    }

    /// As the shims take it.
    var raw: clinux_address { clinux_address(high: high.bigEndian, low: low.bigEndian, scope: scope, port: port, reserved: 0) }
}

/// The way to a peer's address through a socket: where datagrams go, and which of our addresses they leave from.
package struct UDPRoute: Hashable, Sendable {
    /// The peer's address.
    package let remote: SocketAddress
    /// The address that the peer's datagrams came to, as `UDPReceiveBatch` gave it, port 0; unspecified leaves the choice to the kernel.
    package let local: SocketAddress

    package init(remote: SocketAddress, local: SocketAddress = .any(port: 0)) {
        self.remote = remote
        self.local = local
    }
}
