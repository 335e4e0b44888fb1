package import BridgeModel
internal import RTP

/// RTCP from and to the publisher.
extension PublisherIngress {
    /// Takes a decrypted RTCP compound that came at `arrival` and appends what the stream has to know to `events`, which the caller reuses. What is
    /// malformed, of another source or not understood (extended reports among them) is passed over.
    package mutating func receiveControl(
        _ bytes: UnsafeRawBufferPointer, arrival: MonotonicTime, events: inout [IngressControlEvent]
    ) {
        for packet in RTCPCompound(bytes) {
            switch RTCPMessage(packet) {
            case .senderReport(let report, _)?:
                guard let target = bindings.target(of: report.ssrc), !target.isRetransmission else { continue }
                encodings[target.encoding].clock.receive(report, arrival: arrival)
                events.append(.senderReport(encoding: target.encoding, report))
            case .goodbye(let sources)?:
                for ssrc in sources { receiveGoodbye(of: ssrc, events: &events) }
            // We send the publisher no media: it has nothing to report, to ask for or to estimate.
            case .receiverReport?, .sourceDescription?, .feedback?, .receiverEstimate?, .transportFeedback?, nil: continue
            }
        }
    }

    private mutating func receiveGoodbye(of ssrc: UInt32, events: inout [IngressControlEvent]) {
        guard let target = bindings.target(of: ssrc) else { return }
        bindings.unbind(ssrc)
        guard !target.isRetransmission else { return }
        encodings[target.encoding].leave()
        events.append(.goodbye(encoding: target.encoding))
    }

    /// A viewer or a recorder needs a keyframe of this encoding. Requests are coalesced and repeated until one comes.
    package mutating func requestKeyframe(of encoding: Int, now: MonotonicTime) {
        encodings[encoding].requestKeyframe(now: now)
    }

    /// Nobody is left who could wait for one.
    package mutating func cancelKeyframeRequest(of encoding: Int) { encodings[encoding].cancelKeyframeRequest() }

    /// When `writeControl` has something to write; nil before the first packet.
    package func deadline(now: MonotonicTime) -> MonotonicTime? {
        var deadline = reportDueAt
        func consider(_ time: MonotonicTime?) {
            guard let time else { return }
            deadline = deadline.map { min($0, time) } ?? time
        }
        consider(transport.deadline)
        consider(rate?.deadline)
        for encoding in encodings.indices where mediaSSRC(of: encoding) != nil { consider(encodings[encoding].deadline(now: now)) }
        return deadline
    }

    /// Bytes that a buffer for `writeControl` must have: what passes every path in one datagram.
    package static var controlCapacity: Int { 1200 }

    /// Writes one compound with all that is due, to be encrypted and sent: its size, at most `controlCapacity`, 0 when nothing is due. What does not fit comes with the next call.
    package mutating func writeControl(to bytes: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> Int {
        precondition(bytes.count >= Self.controlCapacity, "a control buffer holds a whole compound")
        guard let deadline = deadline(now: now), deadline <= now else { return 0 }
        updateEstimate(now: now)
        var writer = RTCPWriter(UnsafeMutableRawBufferPointer(rebasing: bytes[..<Self.controlCapacity]))
        let isReportDue = reportDueAt.map { $0 <= now } ?? false
        if isReportDue || !parameters.usesReducedSizeRTCP { writeReport(to: &writer, withBlocks: isReportDue, now: now) }
        let reportSize = writer.count
        for encoding in encodings.indices {
            guard let ssrc = mediaSSRC(of: encoding) else { continue }
            encodings[encoding].pollKeyframeGate(now: now)
            encodings[encoding].writeNacks(to: &writer, sender: parameters.localSSRC, media: ssrc, now: now)
            encodings[encoding].writeKeyframeRequest(to: &writer, sender: parameters.localSSRC, media: ssrc)
        }
        transport.write(to: &writer, sender: parameters.localSSRC, media: anyMediaSSRC, now: now)
        writeEstimate(to: &writer, now: now)
        return isReportDue || writer.count > reportSize ? writer.count : 0
    }

    /// A receiver report, which every compound begins with, and the canonical name (RFC 3550 section 6.1).
    private mutating func writeReport(to writer: inout RTCPWriter, withBlocks: Bool, now: MonotonicTime) {
        guard writer.appendReceiverReport(sender: parameters.localSSRC) else { return }
        if withBlocks {
            reportDueAt = now.advanced(by: parameters.rules.reportInterval)
            for encoding in encodings.indices {
                guard let ssrc = mediaSSRC(of: encoding), var block = encodings[encoding].statistics.reportBlock(ssrc: ssrc) else {
                    continue
                }
                encodings[encoding].clock.complete(&block, now: now)
                guard writer.appendReportBlock(block) else { break }
            }
        }
        _ = writer.appendCanonicalName(parameters.canonicalName, of: parameters.localSSRC)
    }

    private mutating func updateEstimate(now: MonotonicTime) {
        guard rate != nil else { return }
        let lost = encodings.reduce(0) { $0 + $1.statistics.lost }
        if rate?.update(lost: lost - lostAtLastEstimate, now: now) == true { lostAtLastEstimate = lost }
    }

    private mutating func writeEstimate(to writer: inout RTCPWriter, now: MonotonicTime) {
        guard let rate, rate.isDue(now: now) else { return }
        let bitrate = UInt64(rate.estimate.bitsPerSecond)
        guard writer.appendReceiverEstimate(sender: parameters.localSSRC, bitrate: bitrate, media: anyMediaSSRC) else { return }
        self.rate?.markTold(now: now)
    }

    private func mediaSSRC(of encoding: Int) -> UInt32? { bindings.ssrc(of: .init(encoding: encoding, isRetransmission: false)) }

    /// Feedback about the transport names one source of it; 0 before there is one.
    private var anyMediaSSRC: UInt32 {
        for encoding in encodings.indices {
            if let ssrc = mediaSSRC(of: encoding) { return ssrc }
        }
        return 0
    }
}

/// What one encoding did since it was published.
package struct IngressEncodingStatistics: Sendable, Equatable {
    package var counters: TrackCounters
    package var state: EncodingMonitor.State
    /// Packets that the network lost of the present source, whether repaired or not.
    package var lost: Int64
    /// In units of the codec's clock rate.
    package var jitter: UInt32
    /// Requests for packets, packets that they brought, packets that were given up.
    package var requested: UInt64
    package var recovered: UInt64
    package var abandoned: UInt64
    /// From a request for a packet to its answer, smoothed.
    package var roundTrip: Duration
}

extension PublisherIngress {
    /// Statistics of an encoding at `now`.
    package func statistics(of encoding: Int, now: MonotonicTime) -> IngressEncodingStatistics {
        let encoding = encodings[encoding]
        return IngressEncodingStatistics(
            counters: encoding.media.statistics, state: encoding.monitor.state(now: now), lost: encoding.statistics.lost,
            jitter: encoding.statistics.jitter, requested: encoding.nacks.requested, recovered: encoding.nacks.recovered,
            abandoned: encoding.nacks.abandoned, roundTrip: encoding.nacks.roundTrip)
    }

    /// The wall clock of an encoding's source at `timestamp`, as NTP time (32.32 fixed point); nil before its first sender report.
    package func captureTime(of encoding: Int, timestamp: UInt32) -> UInt64? {
        encodings[encoding].clock.ntp(of: timestamp, clockRate: encodings[encoding].clockRate)
    }
}
