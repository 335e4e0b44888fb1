internal import BridgeModel
internal import RTP

/// A viewer's track with what belongs to sending it: header, retransmissions, reports, counters.
struct TrackSender: ~Copyable, Sendable {
    var media: ViewerTrack
    var selector: LayerSelector
    var queue = RetransmissionQueue()
    var reports = SenderReports()
    var loss = ReportedLoss()
    var statistics = EgressTrackStatistics()
    let payloadType: UInt8
    let ssrc: UInt32
    let retransmission: RetransmissionFormat?
    let answersNACK: Bool
    /// See `EgressTrackParameters`.
    let mainEncoding: UInt8
    private let mid: ExtensionToken?
    private var writer: EgressHeaderWriter
    private var rtxSequence: UInt16 = 0
    /// Bytes of payload that a packet must have to be sent as a probe, and how many of the newest are looked at.
    private static let probeSize = 500
    private static let probeSearch: UInt16 = 8
    /// The viewer knows which section the SSRC belongs to.
    private var isIdentified = false

    init(_ parameters: EgressTrackParameters, rules: EgressTrack.Rules, cache: borrowing GOPCache, now: MonotonicTime) {
        media = ViewerTrack(parameters, rules: rules, cache: cache, now: now)
        payloadType = parameters.payloadType
        ssrc = parameters.ssrc
        retransmission = parameters.retransmission
        answersNACK = parameters.answersNACK
        mainEncoding = parameters.mainEncoding
        mid = parameters.mid
        selector = LayerSelector(encodings: parameters.encodings, highestSpatial: parameters.highestSpatialLayer)
        writer = EgressHeaderWriter(source: parameters.sourceExtensions, target: parameters.extensions)
    }

    /// Whether what is sent again has a stream of its own. Without one a packet is sent again byte for byte, since the same number must not be encrypted
    /// twice with other content (RFC 7714 section 8): then nothing in its header may speak of the moment.
    private var hasRetransmissionStream: Bool { retransmission != nil || !answersNACK }

    /// Whether its packets carry transport-wide sequence numbers.
    var countsForTransport: Bool { hasRetransmissionStream && writer.target[.transportSequence] != nil }

    /// Whether measuring packets can be sent.
    var canProbe: Bool { countsForTransport && retransmission != nil }

    /// The viewer has reported on the track.
    mutating func noteReport() { isIdentified = true }

    /// Another source sends with other ids.
    mutating func setSourceExtensions(_ map: ExtensionMap) {
        writer.setSource(map)
    }

    /// The report that is due, on the viewer's numbers; nil while its publisher has not made one.
    mutating func makeReport(in cache: borrowing GOPCache, now: MonotonicTime) -> SenderReportView? {
        reports.make(for: media, ssrc: ssrc, statistics: statistics, in: cache, now: now)
    }

    /// Writes the next media packet; nil when there is none.
    mutating func nextMedia(_ moment: Moment, in cache: borrowing GOPCache, into bytes: UnsafeMutableRawBufferPointer) -> EgressPacket? {
        guard let outgoing = media.next(in: cache, now: moment.now) else { return nil }
        var header = RTPHeader(
            marker: outgoing.marker, payloadType: payloadType, sequence: outgoing.numbers.sequence,
            timestamp: outgoing.numbers.timestamp, ssrc: ssrc)
        let packet: EgressPacket
        if outgoing.isFiller {
            header.marker = false
            packet = writer.writeEmpty(header, hop: hop(moment), padding: 0, into: bytes)
        } else {
            packet = write(outgoing, header, original: nil, moment, in: cache, into: bytes)
        }
        statistics.count(packet)
        loss.sent(outgoing.numbers.sequence)
        return packet
    }

    /// Writes the next packet that the viewer asked for again and that is held; nil when there is none.
    mutating func nextRetransmission(
        _ moment: Moment, bandwidth: Bitrate, in cache: borrowing GOPCache, into bytes: UnsafeMutableRawBufferPointer
    ) -> EgressPacket? {
        while let sequence = queue.next() {
            guard let outgoing = media.sentPacket(sequence, in: cache) else {
                statistics.notHeld &+= 1
                continue
            }
            let size = outgoing.descriptor.payloadSize
            guard queue.spend(size, bandwidth: bandwidth, now: moment.time) else { continue }
            return again(outgoing, moment, in: cache, into: bytes)
        }
        return nil
    }

    /// Writes a packet to measure the path with: one that was sent lately, or padding alone.
    mutating func nextProbe(_ moment: Moment, in cache: borrowing GOPCache, into bytes: UnsafeMutableRawBufferPointer) -> EgressPacket? {
        guard let format = retransmission else { return nil }
        if let outgoing = probePacket(in: cache) { return again(outgoing, moment, in: cache, into: bytes) }
        let timestamp = media.rewriter.newestTimestamp?.timestamp ?? 0
        let header = RTPHeader(payloadType: format.payloadType, sequence: takeRTXSequence(), timestamp: timestamp, ssrc: format.ssrc)
        let packet = writer.writeEmpty(header, hop: hop(moment), padding: .max, into: bytes)
        statistics.count(packet)
        return packet
    }
}

extension TrackSender {
    /// What is the same for all packets that are written at one time.
    struct Moment {
        var now: MonotonicTime
        /// The transport-wide number that the next packet gets.
        var transportSequence: UInt16

        var time: Int64 { Int64(clamping: now.nanoseconds) }

        /// 6.18 fixed point seconds in 24 bits: wraps each 64 s.
        var absoluteSendTime: UInt32 {
            let fraction = now.nanoseconds % 64_000_000_000
            return UInt32(truncatingIfNeeded: (fraction << 18) / 1_000_000_000) & 0xFF_FFFF
        }
    }

    /// A packet that was sent lately and is worth its header.
    private func probePacket(in cache: borrowing GOPCache) -> ViewerTrack.Outgoing? {
        guard let newest = media.rewriter.map?.newestOutput else { return nil }
        for age in 0..<Self.probeSearch {
            guard let outgoing = media.sentPacket(newest &- age, in: cache), outgoing.descriptor.payloadSize >= Self.probeSize else {
                continue
            }
            return outgoing
        }
        return nil
    }

    private func hop(_ moment: Moment) -> ExtensionRewriter.HopValues {
        guard hasRetransmissionStream else { return ExtensionRewriter.HopValues(mid: mid) }
        return ExtensionRewriter.HopValues(
            mid: isIdentified ? nil : mid, transportSequence: moment.transportSequence,
            absoluteSendTime: moment.absoluteSendTime)
    }

    private mutating func again(
        _ outgoing: ViewerTrack.Outgoing, _ moment: Moment, in cache: borrowing GOPCache, into bytes: UnsafeMutableRawBufferPointer
    ) -> EgressPacket {
        var header = RTPHeader(
            marker: outgoing.marker, payloadType: payloadType, sequence: outgoing.numbers.sequence,
            timestamp: outgoing.numbers.timestamp, ssrc: ssrc)
        var original: UInt16?
        if let format = retransmission {
            original = header.sequence
            header.payloadType = format.payloadType
            header.sequence = takeRTXSequence()
            header.ssrc = format.ssrc
        }
        var packet = write(outgoing, header, original: original, moment, in: cache, into: bytes)
        packet.purpose = .retransmission
        statistics.count(packet)
        return packet
    }

    private func write(
        _ outgoing: ViewerTrack.Outgoing, _ header: RTPHeader, original: UInt16?, _ moment: Moment, in cache: borrowing GOPCache,
        into bytes: UnsafeMutableRawBufferPointer
    ) -> EgressPacket {
        let content = EgressHeaderWriter.Content(
            header: header, hop: hop(moment), originalSequence: original, offsets: outgoing.numbers.offsets)
        var packet = cache.withPacket(outgoing.index) { writer.write(content, descriptor: outgoing.descriptor, stored: $0, into: bytes) }
        packet.index = outgoing.index
        return packet
    }

    private mutating func takeRTXSequence() -> UInt16 {
        defer { rtxSequence &+= 1 }
        return rtxSequence
    }
}
