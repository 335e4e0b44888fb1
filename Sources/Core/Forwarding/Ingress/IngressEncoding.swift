internal import BridgeModel
internal import RTP

/// One encoding of a published track: its packets in order, what is missing, whether a keyframe is wanted.
struct IngressEncoding: Sendable {
    /// What became of a packet of the encoding.
    enum Reception {
        case media(IngressTrack.Acceptance, PacketDescriptor)
        case padding
        case refused(IngressRefusal)
    }

    /// Its track's place in `IngressParameters.tracks`.
    let track: Int
    let codec: Codec
    /// RTP clock rate, Hz.
    let clockRate: UInt32
    let formats: IngressFormats
    let feedback: RTCPFeedbackKinds
    /// NACK was negotiated.
    private let asksAgain: Bool
    private(set) var media: IngressTrack
    var statistics: ReceptionStatistics
    var clock = SenderClock()
    var nacks: NackList
    private(set) var monitor = EncodingMonitor()
    private(set) var lastArrival: MonotonicTime?
    private var gate: KeyframeGate
    /// The gate let a request through that is not written yet.
    var owesKeyframeRequest = false
    /// Tells one full intra request from the next (RFC 5104 section 4.3.1.1).
    var fullIntraRequestSequence: UInt8 = 0
    /// Nil where there are no dependency descriptors.
    private var dependencies: DependencyReader?
    private var sequences = SequenceUnwrapper()
    private var window = ArrivalWindow()
    /// The number behind the last packet that was too old; nil before the first of them.
    private var restartSequence: UInt16?
    /// The highest sequence number when the present frame began: what is missing before it belongs to earlier frames.
    private var frameFloor: Int64 = 0

    init(track: Int, _ parameters: IngressTrackParameters, extensions: ExtensionMap, rules: IngressRules) {
        self.track = track
        codec = parameters.codec
        clockRate = parameters.clockRate
        formats = IngressFormats(parameters)
        feedback = parameters.feedback
        asksAgain = parameters.feedback.contains(.nack)
        media = IngressTrack(
            TrackDescription(
                index: UInt8(truncatingIfNeeded: track), codec: parameters.codec, payloadType: parameters.payloadType,
                clockRate: parameters.clockRate, mid: ""))
        statistics = ReceptionStatistics(clockRate: parameters.clockRate)
        nacks = NackList(roundTrip: rules.initialRoundTrip, hasOwnStream: parameters.rtxPayloadType != nil)
        dependencies = DependencyReader(parameters.codec, extensions: extensions)
        gate = KeyframeGate(interval: rules.keyframeInterval)
    }

    /// Takes a packet of the media, of RED or FEC, or one that was unwrapped from a retransmission.
    mutating func receive(_ packet: RTPPacketView, isRetransmission: Bool, arrival: MonotonicTime) -> Reception {
        let header = RTPHeader(packet)
        var beginsEpoch = media.isReset(header, arrival: arrival)
        if beginsEpoch {
            // What was asked for long ago does not make the source another one, and padding does not begin one.
            guard !isRetransmission, !packet.payload.isEmpty else { return .refused(.tooOld) }
            beginReception()
        }
        var previous = sequences.highest
        var sequence = sequences.unwrap(header.sequence)
        var novelty = window.insert(sequence)
        if novelty == .tooOld, !isRetransmission, isRestart(header.sequence) {
            beginsEpoch = true
            beginReception()
            previous = nil
            sequence = sequences.unwrap(header.sequence)
            novelty = window.insert(sequence)
        }
        switch novelty {
        case .first: break
        case .again: return .refused(.duplicate)
        case .tooOld: return .refused(.tooOld)
        }
        if !isRetransmission { statistics.receive(sequence: sequence, timestamp: header.timestamp, arrival: arrival) }
        if let previous { followSequence(sequence, after: previous, isRetransmission: isRetransmission, arrival: arrival) }
        lastArrival = arrival
        guard !packet.payload.isEmpty else {
            media.acceptPadding(packet, arrival: arrival)
            return .padding
        }
        return accept(packet, beginsEpoch: beginsEpoch, previous: previous ?? sequence, arrival: arrival)
    }

    /// Whether a packet from before the window follows another one like it: then the source counts anew (RFC 3550 appendix A.1, `bad_seq`).
    private mutating func isRestart(_ sequence: UInt16) -> Bool {
        defer { restartSequence = sequence &+ 1 }
        return sequence == restartSequence
    }

    private mutating func accept(_ packet: RTPPacketView, beginsEpoch: Bool, previous: Int64, arrival: MonotonicTime) -> Reception {
        let bytes = formats.media(in: packet)
        let acceptance = media.accept(packet, media: bytes, beginsEpoch: beginsEpoch, arrival: arrival)
        var descriptor = PacketDescriptor(packet)
        if packet.payloadType == formats.media { descriptor = PacketDescriptor(codec: codec, packet: packet) }
        if let structure = dependencies?.read(packet, into: &descriptor) { noteSizes(structure) }
        if acceptance.frame.beginsFrame { frameFloor = previous }
        monitor.count(
            descriptor, bytes: packet.payloadRange.upperBound, beginsFrame: acceptance.frame.beginsFrame, arrival: arrival)
        if acceptance.traits.tellsOfKeyframe {
            noteKeyframe(acceptance, media: bytes, arrival: arrival)
        }
        if codec == .vp9, packet.payloadType == formats.media { noteSizes(bytes) }
        return .media(acceptance, descriptor)
    }

    private mutating func noteSizes(_ structure: AV1LayerStructure) {
        for layer in 0..<structure.spatialLayerCount {
            if let size = structure.size(ofSpatialLayer: layer) { monitor.note(size, ofSpatialLayer: layer) }
        }
    }

    /// A VP9 source tells its layers' sizes when they change, which need not be at a keyframe (RFC 9628 section 4.2.1).
    private mutating func noteSizes(_ payload: UnsafeRawBufferPointer) {
        guard let descriptor = VP9Descriptor(reading: payload), let structure = VP9ScalabilityStructure(descriptor, in: payload) else {
            return
        }
        for layer in 0..<structure.spatialLayerCount {
            if let size = structure.size(ofSpatialLayer: layer) { monitor.note(size, ofSpatialLayer: layer) }
        }
    }

    private mutating func noteKeyframe(_ acceptance: IngressTrack.Acceptance, media bytes: UnsafeRawBufferPointer, arrival: MonotonicTime) {
        if let parameters = VideoParameters(codec: codec, payload: bytes) { monitor.note(parameters) }
        guard acceptance.traits.contains(.keyframe) else { return }
        gate.keyframeSeen()
        owesKeyframeRequest = false
        guard acceptance.frame.revealsKeyframe else { return }
        monitor.noteKeyframe(arrival: arrival)
        nacks.forget(before: frameFloor)
    }

    /// Finds what is missing, and what came after all.
    private mutating func followSequence(_ sequence: Int64, after previous: Int64, isRetransmission: Bool, arrival: MonotonicTime) {
        guard asksAgain else { return }
        if sequence < previous {
            nacks.receive(sequence, isRetransmission: isRetransmission, now: arrival)
        } else if sequence > previous + 1 {
            let abandoned = nacks.abandoned
            nacks.notice(previous + 1..<sequence, now: arrival)
            if nacks.abandoned > abandoned { requestKeyframe(now: arrival) }
        }
    }

    /// The source said goodbye: nothing more is asked of it, and the next one may come at once.
    mutating func leave() {
        beginReception()
        lastArrival = nil
        cancelKeyframeRequest()
    }

    /// The source became another one: its numbers begin anew, and so does what is reported of it.
    private mutating func beginReception() {
        sequences = SequenceUnwrapper()
        window = ArrivalWindow()
        statistics = ReceptionStatistics(clockRate: clockRate)
        clock = SenderClock()
        nacks.reset()
        dependencies?.reset()
        restartSequence = nil
        frameFloor = 0
    }
}

extension IngressEncoding {
    /// Whether the publisher can be asked for a keyframe at all.
    private var canAskForKeyframe: Bool {
        codec.kind == .video && !feedback.isDisjoint(with: [.pictureLoss, .fullIntraRequest])
    }

    /// Somebody needs a keyframe.
    mutating func requestKeyframe(now: MonotonicTime) {
        guard canAskForKeyframe else { return }
        if gate.request(now: now) { owesKeyframeRequest = true }
    }

    /// Nobody needs one any more.
    mutating func cancelKeyframeRequest() {
        gate.cancel()
        owesKeyframeRequest = false
    }

    /// Asks again when it is time.
    mutating func pollKeyframeGate(now: MonotonicTime) {
        if gate.poll(now: now) { owesKeyframeRequest = true }
    }

    /// When the next request of this encoding is due, `now` when one waits already.
    func deadline(now: MonotonicTime) -> MonotonicTime? {
        if owesKeyframeRequest { return now }
        guard let keyframe = gate.deadline else { return nacks.deadline }
        return nacks.deadline.map { min($0, keyframe) } ?? keyframe
    }

    /// Writes a request for a keyframe, if one is owed: PLI, or FIR where that alone was negotiated.
    mutating func writeKeyframeRequest(to writer: inout RTCPWriter, sender: UInt32, media ssrc: UInt32) {
        guard owesKeyframeRequest else { return }
        if feedback.contains(.pictureLoss) {
            owesKeyframeRequest = !writer.appendPictureLossIndication(sender: sender, media: ssrc)
        } else if writer.appendFullIntraRequest(sender: sender, media: ssrc, sequence: fullIntraRequestSequence) {
            fullIntraRequestSequence &+= 1
            owesKeyframeRequest = false
        }
    }

    /// Writes a request for what is missing; a packet that is given up makes a keyframe necessary.
    mutating func writeNacks(to writer: inout RTCPWriter, sender: UInt32, media ssrc: UInt32, now: MonotonicTime) {
        let abandoned = nacks.abandoned
        nacks.write(to: &writer, sender: sender, media: ssrc, now: now)
        if nacks.abandoned > abandoned { requestKeyframe(now: now) }
    }
}
