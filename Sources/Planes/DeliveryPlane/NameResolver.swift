package import Bridge
internal import Foundation

/// Finds the addresses of a host.
package protocol NameResolver: Sendable {
    /// All addresses in the order in which they should be tried, without duplicates; never empty. Throws `.unresolvable` or `.timedOut`.
    func addresses(of host: String) async throws(AttemptFault) -> [IPAddress]
}

/// getaddrinfo(3), on threads of its own: it blocks for as long as the system's resolver likes.
package final class SystemNameResolver: NameResolver {
    /// Look-ups at one time; others wait. A hanging DNS server costs these threads only.
    private static let parallel = 4

    private let pool = BlockingPool(threads: SystemNameResolver.parallel)

    package init() {}

    package func addresses(of host: String) async throws(AttemptFault) -> [IPAddress] {
        let found: [IPAddress]
        do {
            found = try await pool.runAbandonable { Self.lookUp(host) }
        } catch {
            throw .timedOut
        }
        guard !found.isEmpty else { throw .unresolvable }
        return found
    }

    private static func lookUp(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        for entry in sequence(first: list, next: { $0?.pointee.ai_next }) {
            guard let entry, let address = address(of: entry.pointee), !found.contains(address) else { continue }
            found.append(address)
        }
        return found
    }

    private static func address(of entry: addrinfo) -> IPAddress? {
        guard let raw = UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch entry.ai_family {
        case AF_INET where Int(entry.ai_addrlen) >= MemoryLayout<sockaddr_in>.size:
            var address = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
            return withUnsafeBytes(of: &address) { IPAddress(networkBytes: $0) }
        case AF_INET6 where Int(entry.ai_addrlen) >= MemoryLayout<sockaddr_in6>.size:
            var address = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return withUnsafeBytes(of: &address) { IPAddress(networkBytes: $0) }
        default:
            return nil
        }
    }
}
