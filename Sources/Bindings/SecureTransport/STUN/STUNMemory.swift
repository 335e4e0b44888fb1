internal import CNice
internal import Glibc

extension STUNTransaction {
    /// Lends the 16 octets that libnice calls a transaction's id: the magic cookie and the 96 bits (RFC 5389 section 6).
    func withIdentifier<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        let words = (UInt32(STUN_MAGIC_COOKIE).bigEndian, high.bigEndian, low.bigEndian)
        return withUnsafePointer(to: words) { body(UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self)) }
    }
}

extension STUNAddress {
    /// nil for another family than IPv4 and IPv6.
    init?(_ storage: sockaddr_storage) {
        let parsed = withUnsafeBytes(of: storage) { bytes -> STUNAddress? in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let address = bytes.loadUnaligned(as: sockaddr_in.self)
                return STUNAddress(ipv4: UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
            case AF_INET6:
                var address = sockaddr_in6()
                withUnsafeMutableBytes(of: &address) { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<$0.count])) }
                return withUnsafeBytes(of: address.sin6_addr) { octets in
                    STUNAddress(
                        high: UInt64(bigEndian: octets.loadUnaligned(as: UInt64.self)),
                        low: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                        port: UInt16(bigEndian: address.sin6_port))
                }
            default: return nil
            }
        }
        guard let parsed else { return nil }
        self = parsed
    }

    /// Lends the address as the C library has it: an IPv4-mapped one as IPv4.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr_storage>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { bytes in
            guard let ipv4 else { return Self.write(ipv6(), to: bytes) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = ipv4.bigEndian
            return Self.write(address, to: bytes)
        }
        return body(&storage, length)
    }

    private func ipv6() -> sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { octets in
            octets.storeBytes(of: high.bigEndian, as: UInt64.self)
            octets.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }

    private static func write<Address>(_ address: Address, to storage: UnsafeMutableRawBufferPointer) -> socklen_t {
        withUnsafeBytes(of: address) { storage.copyMemory(from: $0) }
        return socklen_t(MemoryLayout<Address>.size)
    }
}

extension STUNUnknownAttributes {
    /// Lends the types as UNKNOWN-ATTRIBUTES lists them (RFC 5389 section 15.9).
    func withBigEndianBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var types = SIMD8<UInt16>()
        for index in 0..<count { types[index] = self[index].bigEndian }
        return withUnsafeBytes(of: types) { body(UnsafeRawBufferPointer(rebasing: $0[..<(2 * count)])) }
    }
}
