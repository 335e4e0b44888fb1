import BridgeModel
import Forwarding
import NetworkTesting
import RTP

/// A publisher of VP8 in virtual time: it sends frames, keeps what it sent, and answers NACK by RTX and PLI by a keyframe. It is written from the RFCs and
/// reads its feedback with what the sending side of the bridge uses.
struct VirtualPublisher {
    static let ssrc: UInt32 = 0xA0
    static let rtxSSRC: UInt32 = 0xA1

    var packetsPerFrame = 4
    var payloadSize = 60
    /// Whether it answers NACK.
    var retransmits = true
    /// All media packets that were sent, by sequence number extended from the first.
    private(set) var sent: [UInt16: PacketBuilder] = [:]
    private(set) var sentCount = 0
    private(set) var keyframes = 0
    private(set) var requests: [UInt16: Int] = [:]
    private(set) var pictureLosses = 0
    /// Arrival ticks by transport-wide number, as the feedback told them; nil for lost ones.
    private(set) var feedback: [UInt16: Int64?] = [:]
    private(set) var feedbackPackets: [UInt8] = []
    private(set) var estimates: [UInt64] = []
    private(set) var blocks: [ReportBlock] = []
    private var sequence: UInt16
    private var transport: UInt16
    private var rtxSequence: UInt16 = 500
    private var timestamp: UInt32 = 1000
    private var wantsKeyframe = true

    init(firstSequence: UInt16 = 65_000, firstTransport: UInt16 = 65_200) {
        sequence = firstSequence
        transport = firstTransport
    }

    /// The packets of the next frame.
    mutating func frame(at now: MonotonicTime) -> [[UInt8]] {
        let isKeyframe = wantsKeyframe
        wantsKeyframe = false
        if isKeyframe { keyframes += 1 }
        timestamp &+= 3000
        return (0..<packetsPerFrame).map { number in
            var packet = PacketBuilder(sequence, timestamp: timestamp, ssrc: Self.ssrc, marker: number == packetsPerFrame - 1)
            let head: [UInt8] = number > 0 ? [0x00] : isKeyframe ? PacketBuilder.keyframe : PacketBuilder.delta
            packet.payload = head + [UInt8](repeating: UInt8(number & 0xFF), count: max(0, payloadSize - head.count))
            sent[sequence] = packet
            sentCount += 1
            sequence &+= 1
            return stamp(packet, at: now)
        }
    }

    /// Takes RTCP; what it sends again at once.
    mutating func receive(_ compound: [UInt8], at now: MonotonicTime) -> [[UInt8]] {
        var answers: [[UInt8]] = []
        compound.withUnsafeBytes { bytes in
            for packet in RTCPCompound(bytes) {
                switch RTCPMessage(packet) {
                case .receiverReport(_, let blocks)?: self.blocks += Array(blocks)
                case .feedback(.pictureLossIndication)?:
                    pictureLosses += 1
                    wantsKeyframe = true
                case .feedback(.nack(_, let lost))?: for sequence in lost { answers += answer(sequence, at: now) }
                case .receiverEstimate(let estimate)?: estimates.append(estimate.bitrate)
                case .transportFeedback(let report)?: take(report)
                default: break
                }
            }
        }
        return answers
    }

    private mutating func answer(_ sequence: UInt16, at now: MonotonicTime) -> [[UInt8]] {
        requests[sequence, default: 0] += 1
        guard retransmits, let packet = sent[sequence] else { return [] }
        rtxSequence &+= 1
        return [stamp(packet.retransmission(sequence: rtxSequence, ssrc: Self.rtxSSRC), at: now)]
    }

    private mutating func stamp(_ packet: PacketBuilder, at now: MonotonicTime) -> [UInt8] {
        defer { transport &+= 1 }
        let seconds = Double(now.nanoseconds) / 1e9
        return packet.with {
            $0.transportSequence = transport
            $0.absoluteSendTime = UInt32(truncatingIfNeeded: Int64(seconds * 262_144)) & 0xFF_FFFF
        }.bytes
    }

    private mutating func take(_ report: TransportFeedback) {
        feedbackPackets.append(report.feedbackCount)
        let reference = Int64(report.referenceTime) * TransportFeedback.ticksPerReference
        for status in report.statuses { feedback[status.sequence] = .some(status.arrivalTicks.map { $0 + reference }) }
    }
}

/// A publisher, its path to the bridge and back, and the bridge's receiving side.
struct PublisherScene: ~Copyable {
    var publisher = VirtualPublisher()
    var stage: IngressStage
    var uplink: VirtualLink<[UInt8]>
    var downlink: VirtualLink<[UInt8]>
    /// Sequence numbers of the media that came out, in order.
    private(set) var received: [UInt16] = []
    private(set) var keyframesSeen = 0
    /// When each transport-wide number arrived first, in ticks of 250 us.
    private(set) var arrivals: [UInt16: Int64] = [:]
    private let start: MonotonicTime

    init(
        uplink: LinkConditions, downlink: LinkConditions = LinkConditions(), seed: UInt64,
        feedback: RTCPFeedbackKinds = [.nack, .pictureLoss, .transportWide]
    ) {
        stage = IngressStage([IngressStage.video(feedback: feedback)])
        start = stage.now
        self.uplink = VirtualLink(uplink, seed: seed)
        self.downlink = VirtualLink(downlink, seed: seed &+ 1000)
    }

    /// Lets time pass in steps of a millisecond; a frame leaves every 33 ms, unless the publisher is silent.
    mutating func run(_ duration: Duration, isSilent: Bool = false) {
        for _ in 0..<duration.wholeMilliseconds {
            stage.advance(.milliseconds(1))
            let now = stage.now
            if !isSilent, now.duration(since: start).wholeMilliseconds % 33 == 0 {
                for packet in publisher.frame(at: now) { uplink.send(packet, size: packet.count + 28, now: now) }
            }
            while let arrival = uplink.receive(now: now) { take(arrival.payload) }
            for compound in stage.control() { downlink.send(compound, size: compound.count + 28, now: now) }
            while let arrival = downlink.receive(now: now) {
                for packet in publisher.receive(arrival.payload, at: now) { uplink.send(packet, size: packet.count + 28, now: now) }
            }
        }
    }

    private mutating func take(_ bytes: [UInt8]) {
        let values = bytes.withUnsafeBytes { RTPPacketView(reading: $0).map { ExtensionValues($0, map: PacketBuilder.extensions) } }
        if let number = values?.transportSequence, arrivals[number] == nil { arrivals[number] = Int64(stage.now.nanoseconds) / 250_000 }
        guard let packet = stage.receive(bytes).packet else { return }
        received.append(packet.header.sequence)
        if packet.frame.revealsKeyframe { keyframesSeen += 1 }
    }

    var statistics: IngressEncodingStatistics { stage.ingress.statistics(of: 0, now: stage.now) }
}
