import Glibc
import ProtectionTesting
import SecureTransport

/// The processor time of one packet, and the memory of one peer.
enum Cost {
    private static let packetsPerRun = 300_000
    /// The least of so many runs: other processes can only make a run longer.
    private static let runs = 5
    /// With the last, the memory is measured, too.
    private static let peerCounts = [1, 1000, 10_000]

    static func printTable() throws {
        guard AllocationCount.begin() else { return print("OpenSSL does not let its allocations be counted") }
        print("profile  peers  protect us  unprotect us  protect-rtcp us  allocations a packet  bytes a viewer  bytes a publisher")
        // All are kept: with no memory to use again, what a peer takes is what the process grows by.
        var kept: [Peers] = []
        for profile in ProtectionProfile.allCases {
            for peerCount in peerCounts {
                let peers = try Peers(profile: profile, count: peerCount)
                kept.append(peers)
                var costs = [Double](repeating: .infinity, count: 3)
                let allocations = AllocationCount.value
                for _ in 0..<runs {
                    let run = try peers.run(packets: packetsPerRun)
                    costs = zip(costs, [run.protect, run.unprotect, run.protectRTCP]).map { min($0, $1) }
                }
                let perPacket = Double(AllocationCount.value - allocations) / Double(3 * runs * packetsPerRun)
                let memory = peerCount == peerCounts.last ? "\(peers.viewerByteCount)  \(peers.publisherByteCount)" : "-  -"
                let texts = costs.map { "\(($0 * 1000).rounded() / 1000)" }
                print("\(profile)  \(peerCount)  \(texts.joined(separator: "  "))  \(perPacket)  \(memory)")
            }
        }
    }
}

/// Viewers, each with its publisher on the other side, that take turns: with more than one, no two packets in a row have the same key.
private final class Peers {
    /// Microseconds of processor time a packet.
    struct Costs {
        var protect = 0.0
        var unprotect = 0.0
        var protectRTCP = 0.0
    }

    private(set) var viewerByteCount = 0
    private(set) var publisherByteCount = 0
    private let ciphers: PacketCiphers
    private var viewers: [PacketProtection] = []
    private var publishers: [PacketProtection] = []
    /// One slot for each packet of a batch, as a worker has them.
    private let slots: UnsafeMutableRawBufferPointer
    private let batchCount: Int
    private let payload = [UInt8](repeating: 0x5A, count: 1200)
    /// With a header extension of eight octets.
    private var header: [UInt8] = [0x90, 96] + [UInt8](repeating: 0, count: 10) + [0xBE, 0xDE, 0, 1, 0x32, 1, 2, 3]
    private let report = [0x81, 200, 0, 15] + [UInt8](repeating: 0, count: 60)
    private var sequence: UInt16 = 0

    private static let slotByteCount = 1500

    init(profile: ProtectionProfile, count: Int) throws {
        ciphers = try PacketCiphers()
        batchCount = max(1000, count)
        slots = .allocate(byteCount: Self.slotByteCount * batchCount, alignment: 16)
        slots.initializeMemory(as: UInt8.self, repeating: 0)
        var random = SeededRandom(seed: 1)
        let keys = (0..<count).map { _ in random.octets(profile.keyByteCount + profile.saltByteCount) }
        viewers.reserveCapacity(count)
        publishers.reserveCapacity(count)
        let before = residentByteCount()
        for key in keys { viewers.append(try PacketProtection(profile: profile, outbound: key, inbound: key, ciphers: ciphers)) }
        try protectReports()
        try protect()
        let between = residentByteCount()
        for key in keys { publishers.append(try PacketProtection(profile: profile, outbound: key, inbound: key, ciphers: ciphers)) }
        try unprotect()
        viewerByteCount = (between - before) / count
        publisherByteCount = (residentByteCount() - between) / count
    }

    deinit { slots.deallocate() }

    func run(packets: Int) throws -> Costs {
        let batches = max(1, packets / batchCount)
        var costs = Costs()
        for _ in 0..<batches {
            costs.protectRTCP += try timed { try protectReports() }
            costs.protect += try timed { try protect() }
            costs.unprotect += try timed { try unprotect() }
        }
        let all = Double(batches * batchCount)
        return Costs(protect: costs.protect / all, unprotect: costs.unprotect / all, protectRTCP: costs.protectRTCP / all)
    }

    private func protect() throws {
        try payload.withUnsafeBytes { payload in
            for number in 0..<batchCount {
                let peer = number % viewers.count
                if peer == 0 { advance() }
                _ = try header.withUnsafeBytes { try viewers[peer].protect(header: $0, payload: payload, into: slot(number)) }
            }
        }
    }

    private func unprotect() throws {
        let length = header.count + payload.count + publishers[0].profile.rtpOverhead
        for number in 0..<batchCount {
            _ = try publishers[number % publishers.count].unprotect(UnsafeMutableRawBufferPointer(rebasing: slot(number)[..<length]))
        }
    }

    private func protectReports() throws {
        try report.withUnsafeBytes { report in
            for number in 0..<batchCount { _ = try viewers[number % viewers.count].protectRTCP(report, into: slot(number)) }
        }
    }

    private func slot(_ number: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: slots[number * Self.slotByteCount..<(number + 1) * Self.slotByteCount])
    }

    private func advance() {
        sequence &+= 1
        header[2] = UInt8(sequence >> 8)
        header[3] = UInt8(sequence & 0xFF)
    }

    private func timed(_ body: () throws -> Void) rethrows -> Double {
        let start = processorMicroseconds()
        try body()
        return processorMicroseconds() - start
    }
}

/// Octets of memory that are resident, from the second number of `/proc/self/statm` (in pages).
private func residentByteCount() -> Int {
    let file = open("/proc/self/statm", O_RDONLY)
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 100)
    let count = read(file, &text, text.count)
    let numbers = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: " ").compactMap { Int($0) }
    return numbers.count > 1 ? numbers[1] * Int(getpagesize()) : 0
}

private func processorMicroseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1_000_000 + Double(time.tv_nsec) / 1000
}
