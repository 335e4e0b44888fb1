import Bridge
import BridgeModel
import Forwarding
import LinuxIO
import RTP

/// One track's socket to one subscriber: packets go out, keyframe requests come in.
struct MediaSink {
    /// What comes before `end`.
    enum Ending {
        /// The packets that the cache still holds for the sink.
        case afterRest
        /// Nothing.
        case atOnce
    }

    /// A keyframe that was asked for. One that came and did not help has silenced the gate, so the sink asks again when there are more of them.
    struct KeyframeWish: Equatable {
        /// The hub's track.
        var track: UInt8
        /// How many keyframes it had sent by then.
        var afterKeyframes: UInt64
    }

    let subscriber: PipelineID
    let socket: DatagramSocket
    let token: UInt64
    /// Where the sink is in the stream.
    var egress: EgressTrack
    /// The socket refused a datagram and is watched for room.
    var isFull = false
    /// What this sink last asked for; nil while it does not wait.
    var wish: KeyframeWish?
    /// Set when `end` is to be sent.
    var ending: Ending?
    /// All was sent, or nobody is at the other end: to be removed.
    var hasGone = false
    /// How much of `egress.dropped` is in the worker's counters.
    var countedDrops: UInt64 = 0
    private var sequence: UInt32 = 0

    init(subscriber: PipelineID, socket: DatagramSocket, token: UInt64, egress: EgressTrack) {
        self.subscriber = subscriber
        self.socket = socket
        self.token = token
        self.egress = egress
    }

    /// The bytes that stand in front of a packet's unchanged part: datagram header and RTP header, or a whole report.
    private static let headCapacity = MediaDatagram.headerSize + SenderReportView.size

    /// Sends what is due until the sink is at the live edge or its socket says no. Returns the packets sent and what stopped it.
    mutating func pump(_ cache: borrowing GOPCache, now: MonotonicTime) -> (packets: UInt64, outcome: DatagramSocket.SendResult) {
        var packets: UInt64 = 0
        while true {
            var moved = egress
            guard let delivery = moved.next(in: cache, now: now) else {
                egress = moved
                return (packets, .sent)
            }
            let outcome = send(delivery, from: cache)
            guard outcome == .sent else { return (packets, outcome) }
            egress = moved
            if case .packet = delivery { packets += 1 }
        }
    }

    /// Sends `end`.
    mutating func sendEnd(now: MonotonicTime) -> DatagramSocket.SendResult {
        withUnsafeTemporaryAllocation(byteCount: MediaDatagram.headerSize, alignment: 8) { bytes in
            send(.end, flags: [], time: now, head: bytes, body: UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    private mutating func send(_ delivery: EgressTrack.Delivery, from cache: borrowing GOPCache) -> DatagramSocket.SendResult {
        withUnsafeTemporaryAllocation(byteCount: Self.headCapacity, alignment: 8) { head in
            let packetHead = UnsafeMutableRawBufferPointer(rebasing: head[MediaDatagram.headerSize...])
            switch delivery {
            case .report(let report, let arrival):
                report.write(to: packetHead)
                return send(.senderReport, flags: [], time: arrival, head: head, body: UnsafeRawBufferPointer(start: nil, count: 0))
            case .packet(let packet):
                var flags: MediaDatagram.Flags = []
                if packet.isDiscontinuity { flags.insert(.discontinuity) }
                if packet.isCached { flags.insert(.cached) }
                let fixed = RTPPacketView.fixedHeaderSize
                let rewritten = UnsafeMutableRawBufferPointer(rebasing: head[..<(MediaDatagram.headerSize + fixed)])
                return cache.withPacket(packet.index) { bytes in
                    guard bytes.count >= fixed else { return .sent }
                    packetHead.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<fixed]))
                    packet.header.rewrite(packetHead)
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[fixed...])
                    return send(.rtp, flags: flags, time: packet.arrival, head: rewritten, body: rest)
                }
            }
        }
    }

    private mutating func send(
        _ kind: MediaDatagram.Kind, flags: MediaDatagram.Flags, time: MonotonicTime, head: UnsafeMutableRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) -> DatagramSocket.SendResult {
        MediaDatagram(kind: kind, track: egress.track, flags: flags, sequence: sequence, time: time).write(to: head)
        let result = socket.send(UnsafeRawBufferPointer(head), body)
        if result == .sent { sequence &+= 1 }
        return result
    }
}
