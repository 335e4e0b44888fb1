import Glibc

/// An IPv4 or IPv6 address with a port.
struct SocketAddress {
    private var storage: sockaddr_storage

    init(_ storage: sockaddr_storage) { self.storage = storage }

    /// Reads a numeric address; nil for names and for ports that do not exist.
    init?(numeric address: String, port: Int) {
        guard let port = UInt16(exactly: port) else { return nil }
        storage = sockaddr_storage()
        var four = sockaddr_in()
        var six = sockaddr_in6()
        if inet_pton(AF_INET, address, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: four, as: sockaddr_in.self) }
        } else if inet_pton(AF_INET6, address, &six.sin6_addr) == 1 {
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: six, as: sockaddr_in6.self) }
        } else {
            return nil
        }
    }

    /// What a socket is bound to.
    init?(localOf descriptor: Int32) {
        storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutableBytes(of: &storage) { raw in
            getsockname(descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        guard status == 0 else { return nil }
    }

    var family: Int32 { Int32(storage.ss_family) }

    private var length: socklen_t {
        socklen_t(family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
    }

    var port: Int {
        // Both families have the port behind the family (RFC 3493, 3.3).
        withUnsafeBytes(of: storage) { Int(UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))) }
    }

    /// The numeric host; the IPv4 form of an IPv4 address mapped into IPv6 (RFC 4291, 2.5.5.2).
    var host: String {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let status = withUnsafeBytes(of: storage) { raw in
            getnameinfo(
                raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        }
        guard status == 0 else { return "" }
        let host = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return host.hasPrefix("::ffff:") && host.contains(".") ? String(host.dropFirst(7)) : host
    }

    func bind(_ descriptor: Int32) -> Int32 {
        withUnsafeBytes(of: storage) { raw in
            Glibc.bind(descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), length)
        }
    }
}
