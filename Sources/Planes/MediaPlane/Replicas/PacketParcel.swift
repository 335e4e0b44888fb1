import BridgeModel
import Forwarding
import RTP

/// Packets of a stream on their way from its home worker to the replicas: those of about one frame, copied once for all of them. It does not change
/// once it was sent.
struct PacketParcel: Sendable {
    private struct Item {
        var packet: StreamPacket
        var byteCount: Int
    }

    private struct Report {
        var report: SenderReportView
        var track: UInt8
        var epoch: UInt32
        var arrival: MonotonicTime
    }

    private var bytes: [UInt8] = []
    private var items: [Item] = []
    private var reports: [Report] = []

    init() {}

    /// An empty one with room for as much as another one holds: the next frame is about as large.
    init(roomFor other: PacketParcel) {
        bytes.reserveCapacity(other.bytes.count)
        items.reserveCapacity(other.items.count)
    }

    var isEmpty: Bool { items.isEmpty && reports.isEmpty }
    var packetCount: Int { items.count }
    var reportCount: Int { reports.count }
    /// Bytes of the packets.
    var byteCount: Int { bytes.count }

    /// Copies a packet in.
    mutating func append(_ packet: StreamPacket, bytes packetBytes: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: packetBytes)
        items.append(Item(packet: packet, byteCount: packetBytes.count))
    }

    /// Keeps a sender report: it comes behind the packets.
    mutating func append(_ report: SenderReportView, track: UInt8, epoch: UInt32, arrival: MonotonicTime) {
        reports.append(Report(report: report, track: track, epoch: epoch, arrival: arrival))
    }

    /// Lends each packet in the order of arrival.
    func forEachPacket(_ body: (StreamPacket, UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeBytes { buffer in
            var start = 0
            for item in items {
                body(item.packet, UnsafeRawBufferPointer(rebasing: buffer[start..<start + item.byteCount]))
                start += item.byteCount
            }
        }
    }

    /// Gives each report in the order of arrival.
    func forEachReport(_ body: (_ report: SenderReportView, _ track: UInt8, _ epoch: UInt32, _ arrival: MonotonicTime) -> Void) {
        for report in reports { body(report.report, report.track, report.epoch, report.arrival) }
    }
}

/// A packet as it enters a stream's cache.
struct StreamPacket: Sendable {
    var entry: GOPCache.Entry
    var frame: FrameTracker.Observation
    /// It is the first of another source.
    var beginsEpoch = false
}
