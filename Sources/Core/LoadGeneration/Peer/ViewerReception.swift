package import BridgeModel
internal import Forwarding
internal import RTP

/// The receiving half of one viewer: counts, and says what a receiver says. Pure; it takes decrypted packets and is asked for RTCP when `deadline` comes.
package struct ViewerReception {
    /// What a packet told of its stream.
    package enum Observation: Sendable, Equatable {
        /// Not of our tracks, or malformed.
        case nothing
        /// Media without a stamp of ours.
        case media
        /// Media that a publisher of ours stamped, how long ago, and its place in the stream. `delay` is nil for what was sent before this viewer began to
        /// join (a cache) and for retransmissions.
        case stamped(counter: UInt64, delay: Duration?)
    }

    /// The state of one section.
    private struct Track {
        var terms: ReceivedTrack
        var ssrc: UInt32?
        var ledger = SequenceLedger()
        var nacks: NackList
        var reported: (expected: UInt64, unique: UInt64) = (0, 0)
        var senderReport: (middle: UInt32, arrival: MonotonicTime)?
    }

    private static let reportInterval: Duration = .seconds(1)
    /// A keyframe that was asked for takes its time: browsers ask at this pace, too.
    private static let keyframePatience: Duration = .milliseconds(500)

    private let feedback: FeedbackStyle
    private let sender: UInt32
    private let startedAt: MonotonicTime
    private var tracks: [Track]
    private var feedbackRecorder: TransportFeedbackRecorder?
    private var nextReport: MonotonicTime
    private var nextKeyframeRequest: MonotonicTime?
    private var totals = ViewerCounters()
    package private(set) var firstPacketAt: MonotonicTime?
    package private(set) var keyframeAt: MonotonicTime?

    /// `sender` is the SSRC of our RTCP; `startedAt` is when the viewer began to join.
    package init(_ tracks: [ReceivedTrack], feedback: FeedbackStyle, sender: UInt32, startedAt: MonotonicTime, now: MonotonicTime) {
        self.feedback = feedback
        self.sender = sender
        self.startedAt = startedAt
        self.tracks = tracks.map {
            Track(terms: $0, ssrc: $0.ssrc, nacks: NackList(roundTrip: .milliseconds(50), hasOwnStream: !$0.rtx.isEmpty))
        }
        if feedback == .browser, tracks.contains(where: { $0.transportSequence != nil }) { feedbackRecorder = TransportFeedbackRecorder() }
        nextReport = now.advanced(by: Self.reportInterval)
        if tracks.contains(where: { $0.kind == .video }) { nextKeyframeRequest = now.advanced(by: Self.keyframePatience) }
    }

    /// So far.
    package var counters: ViewerCounters {
        var counters = totals
        for track in tracks {
            counters.expected += track.ledger.expected
            counters.repeated += track.ledger.repeated
        }
        return counters
    }

    /// When `write` has something to say.
    package var deadline: MonotonicTime {
        var earliest = nextReport
        if keyframeAt == nil, let request = nextKeyframeRequest { earliest = min(earliest, request) }
        if let deadline = feedbackRecorder?.deadline { earliest = min(earliest, deadline) }
        if feedback == .browser {
            for track in tracks {
                if let deadline = track.nacks.deadline { earliest = min(earliest, deadline) }
            }
        }
        return earliest
    }
}

// MARK: - Packets

extension ViewerReception {
    /// Takes a decrypted RTP packet; `wall` is `now` on the clock of stamps, in microseconds. Whatever it holds, it never traps.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer, now: MonotonicTime, wall: UInt64) -> Observation {
        guard let packet = RTPPacketView(reading: bytes) else { return .nothing }
        for index in tracks.indices {
            if let codec = tracks[index].terms.codecs[packet.payloadType] {
                noteTransportSequence(packet, tracks[index].terms, now: now)
                return receiveMedia(packet, codec, track: index, now: now, wall: wall)
            }
            if let original = tracks[index].terms.rtx[packet.payloadType] {
                noteTransportSequence(packet, tracks[index].terms, now: now)
                return receiveAgain(packet, payloadType: original, track: index, now: now)
            }
        }
        return .nothing
    }

    private mutating func noteTransportSequence(_ packet: RTPPacketView, _ terms: ReceivedTrack, now: MonotonicTime) {
        guard feedbackRecorder != nil, let identifier = terms.transportSequence else { return }
        for element in HeaderExtensionElements(packet) where element.identifier == identifier && element.value.count >= 2 {
            feedbackRecorder?.receive(element.value.uint16(at: 0), arrival: now)
        }
    }

    private mutating func receiveMedia(
        _ packet: RTPPacketView, _ codec: Codec, track index: Int, now: MonotonicTime, wall: UInt64
    ) -> Observation {
        if packet.ssrc != tracks[index].ssrc { adopt(packet.ssrc, track: index) }
        switch tracks[index].ledger.note(packet.sequence) {
        case .repeated: return .nothing
        case .new(_, let missing): if !missing.isEmpty { miss(missing, track: index, now: now) }
        case .late(let sequence): tracks[index].nacks.receive(sequence, isRetransmission: false, now: now)
        }
        if firstPacketAt == nil { firstPacketAt = now }
        count(packet)
        noteKeyframe(codec, packet.payload, now: now)
        guard let stamp = PacketStamp(endOf: packet.payload) else { return .media }
        totals.stamped += 1
        let age = Int64(clamping: wall) - Int64(clamping: stamp.microseconds)
        let isFromCache = Duration.microseconds(age) > now.duration(since: startedAt)
        return .stamped(counter: stamp.counter, delay: isFromCache ? nil : .microseconds(max(0, age)))
    }

    /// A retransmission in a stream of its own (RFC 4588): counts when the original did not come.
    private mutating func receiveAgain(_ packet: RTPPacketView, payloadType: UInt8, track index: Int, now: MonotonicTime) -> Observation {
        guard tracks[index].ssrc != nil, let sequence = RetransmissionPacket.originalSequence(packet) else { return .nothing }
        switch tracks[index].ledger.note(sequence) {
        case .repeated: return .nothing
        case .new(_, let missing): if !missing.isEmpty { miss(missing, track: index, now: now) }
        case .late(let extended): tracks[index].nacks.receive(extended, isRetransmission: true, now: now)
        }
        totals.recovered += 1
        count(packet)
        guard let stamp = PacketStamp(endOf: packet.payload) else { return .media }
        totals.stamped += 1
        return .stamped(counter: stamp.counter, delay: nil)
    }

    private mutating func count(_ packet: RTPPacketView) {
        totals.packets += 1
        totals.bytes += UInt64(packet.payloadRange.upperBound)
    }

    /// The server began another source, as when a publisher came back.
    private mutating func adopt(_ ssrc: UInt32, track index: Int) {
        if tracks[index].ssrc != nil {
            totals.expected += tracks[index].ledger.expected
            totals.repeated += tracks[index].ledger.repeated
            tracks[index].ledger = SequenceLedger()
            tracks[index].nacks.reset()
            tracks[index].reported = (0, 0)
            tracks[index].senderReport = nil
        }
        tracks[index].ssrc = ssrc
    }

    private mutating func miss(_ missing: Range<Int64>, track index: Int, now: MonotonicTime) {
        guard feedback == .browser, tracks[index].terms.takesNACK else { return }
        tracks[index].nacks.notice(missing, now: now)
    }

    private mutating func noteKeyframe(_ codec: Codec, _ payload: UnsafeRawBufferPointer, now: MonotonicTime) {
        guard keyframeAt == nil, codec.kind == .video, PayloadTraits(codec: codec, payload: payload)?.contains(.keyframe) == true else {
            return
        }
        keyframeAt = now
    }
}

// MARK: - RTCP

extension ViewerReception {
    /// Takes a decrypted RTCP compound: sender reports, for the round trip of our reports.
    package mutating func receiveControl(_ bytes: UnsafeRawBufferPointer, now: MonotonicTime) {
        for packet in RTCPCompound(bytes) {
            guard let report = SenderReportView(packet), let index = tracks.firstIndex(where: { $0.ssrc == report.ssrc }) else { continue }
            tracks[index].senderReport = (UInt32(truncatingIfNeeded: report.ntp >> 16), now)
        }
    }

    /// Writes the compound that is due. Its length; 0 when nothing is due.
    package mutating func writeControl(to slot: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> Int {
        guard deadline <= now else { return 0 }
        var writer = RTCPWriter(slot)
        guard writer.appendReceiverReport(sender: sender) else { return 0 }
        if nextReport <= now {
            for index in tracks.indices { appendBlock(of: index, to: &writer, now: now) }
            _ = writer.appendCanonicalName("load", of: sender)
            nextReport = now.advanced(by: Self.reportInterval)
        }
        requestKeyframe(&writer, now: now)
        guard feedback == .browser else { return writer.count }
        for index in tracks.indices {
            guard let ssrc = tracks[index].ssrc else { continue }
            tracks[index].nacks.write(to: &writer, sender: sender, media: ssrc, now: now)
        }
        feedbackRecorder?.write(to: &writer, sender: sender, media: tracks.first?.ssrc ?? 0, now: now)
        return writer.count
    }

    private mutating func requestKeyframe(_ writer: inout RTCPWriter, now: MonotonicTime) {
        guard keyframeAt == nil, let due = nextKeyframeRequest, due <= now else { return }
        nextKeyframeRequest = now.advanced(by: Self.keyframePatience)
        guard let ssrc = tracks.first(where: { $0.terms.kind == .video })?.ssrc else { return }
        _ = writer.appendPictureLossIndication(sender: sender, media: ssrc)
    }

    private mutating func appendBlock(of index: Int, to writer: inout RTCPWriter, now: MonotonicTime) {
        guard let ssrc = tracks[index].ssrc, tracks[index].ledger.unique > 0 else { return }
        let ledger = tracks[index].ledger
        let expected = ledger.expected - min(tracks[index].reported.expected, ledger.expected)
        let unique = ledger.unique - min(tracks[index].reported.unique, ledger.unique)
        tracks[index].reported = (ledger.expected, ledger.unique)
        let lost = expected > unique ? expected - unique : 0
        var block = ReportBlock(
            ssrc: ssrc, fractionLost: expected > 0 ? UInt8(min(255, lost * 256 / expected)) : 0,
            cumulativeLost: Int32(clamping: Int64(ledger.expected) - Int64(ledger.unique)),
            extendedHighestSequence: UInt32(truncatingIfNeeded: ledger.highest))
        if let report = tracks[index].senderReport {
            block.lastSenderReport = report.middle
            block.delaySinceLastSenderReport = UInt32(
                clamping: now.duration(since: report.arrival).wholeNanoseconds / 1000 * 65_536 / 1_000_000)
        }
        _ = writer.appendReportBlock(block)
    }
}
