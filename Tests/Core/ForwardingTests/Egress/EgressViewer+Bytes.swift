import BridgeModel

@testable import Forwarding

extension EgressViewer {
    /// The next packet as a whole, before it is protected; nil when nothing is due.
    mutating func nextBytes(in cache: borrowing GOPCache, now: MonotonicTime) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: EgressPacket.headerCapacity, alignment: 8) { header in
            guard let packet = next(in: cache, now: now, header: header) else { return nil }
            return packet.withPayload(in: cache) { Array(header[..<(packet.headerSize + packet.prefixSize)]) + Array($0) }
        }
    }
}
