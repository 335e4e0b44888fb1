internal import CLinux
internal import Glibc

/// What the machine says about itself.
package enum HostFacts {
    /// Resident memory of this process in bytes; 0 where `/proc` cannot be read.
    package static var residentBytes: UInt64 { residentBytes(of: "self") ?? 0 }

    /// Bytes that this process has allocated and not given back: what a change of state costs, without the allocator's reserves.
    package static var heapBytes: UInt64 { UInt64(clinux_heap_bytes()) }

    /// The part of `residentBytes` that is no file's: the heap, stacks and mapped buffers.
    static var anonymousBytes: UInt64 { memory(of: "self").map { $0.resident - min($0.resident, $0.shared) } ?? 0 }

    /// Resident memory of the process `/proc/<process>`; nil when it is gone.
    static func residentBytes(of process: String) -> UInt64? { memory(of: process)?.resident }

    private static func memory(of process: String) -> (resident: UInt64, shared: UInt64)? {
        guard let file = fopen("/proc/\(process)/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let fields = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(separator: " ")
        guard fields.count > 2, let resident = UInt64(fields[1]), let shared = UInt64(fields[2]) else { return nil }
        let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))
        return (resident * page, shared * page)
    }

    /// Cores on which this process may run: others, which `taskset` or a container's cpuset keeps from it, do not count. One at least.
    package static var usableCores: Int { max(1, Int(clinux_usable_cores())) }

    /// Lets this process have as many descriptors as it may; how many that are.
    package static func raiseDescriptorLimit() -> UInt64 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }

    /// A network interface's address.
    package struct InterfaceAddress: Sendable, Equatable {
        package var interface: String
        /// Dotted IPv4 or IPv6 without scope.
        package var address: String
        package var isLoopback: Bool
        /// IPv6 fe80::/10 or IPv4 169.254/16: of no use to a peer elsewhere.
        package var isLinkLocal: Bool

        package init(interface: String, address: String, isLoopback: Bool, isLinkLocal: Bool) {
            self.interface = interface
            self.address = address
            self.isLoopback = isLoopback
            self.isLinkLocal = isLinkLocal
        }
    }

    /// The addresses of all interfaces that are up, in the kernel's order.
    package static func interfaceAddresses() -> [InterfaceAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var found: [InterfaceAddress] = []
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            if let address = interfaceAddress(entry) { found.append(address) }
        }
        return found
    }

    /// Those where a peer elsewhere may reach this machine: not those of container and virtual-machine bridges, and loopback only where there is
    /// nothing else.
    package static func reachable(_ addresses: [InterfaceAddress]) -> [String] {
        let bridges = ["docker", "br-", "veth", "virbr", "cni", "flannel", "podman", "lxc"]
        let usable = addresses.filter { item in !item.isLinkLocal && !bridges.contains { item.interface.hasPrefix($0) } }
        let outward = usable.filter { !$0.isLoopback }
        return (outward.isEmpty ? usable : outward).map(\.address)
    }

    private static func interfaceAddress(_ entry: ifaddrs) -> InterfaceAddress? {
        guard entry.ifa_flags & UInt32(IFF_UP) != 0, let socketAddress = entry.ifa_addr else { return nil }
        let family = Int32(socketAddress.pointee.sa_family)
        guard family == AF_INET || family == AF_INET6, let text = numericHost(socketAddress, family) else { return nil }
        return InterfaceAddress(
            interface: String(cString: entry.ifa_name), address: text,
            isLoopback: entry.ifa_flags & UInt32(IFF_LOOPBACK) != 0,
            isLinkLocal: text.hasPrefix("169.254.") || (family == AF_INET6 && ["fe8", "fe9", "fea", "feb"].contains(text.prefix(3))))
    }

    /// Ends the process at once, without running exit handlers: for a process whose own threads may hang.
    package static func endProcess(status: Int32) -> Never { _exit(status) }

    /// Writes one line to standard error.
    package static func logLine(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    private static func numericHost(_ address: UnsafeMutablePointer<sockaddr>, _ family: Int32) -> String? {
        let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard getnameinfo(address, socklen_t(length), &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 else { return nil }
        let text = String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.split(separator: "%").first.map(String.init)
    }
}
