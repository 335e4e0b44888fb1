package import BridgeModel
internal import RTP

/// The receiving side of one publisher's transport: every decrypted RTP and RTCP packet goes in, packets for the cache and RTCP for the publisher come out.
///
/// Owned by one media worker. On the packet path nothing is allocated once each encoding has been heard; all memory is bounded by what was negotiated. It
/// cannot be copied, so that no packet path does so by accident. The worker calls `receive` for each packet, then, when `deadline` has come,
/// `writeControl` until it writes nothing.
package struct PublisherIngress: ~Copyable {
    let parameters: IngressParameters
    var encodings: [IngressEncoding]
    var bindings: SourceBindings
    var transport = TransportFeedbackRecorder()
    /// For publishers that take REMB and no transport-wide feedback.
    var rate: ReceiveRateControl?
    /// What the network lost when `rate` was last renewed.
    var lostAtLastEstimate: Int64 = 0
    var reportDueAt: MonotonicTime?
    private let tellsTransportFeedback: Bool
    /// Datagrams that were not passed on, by reason.
    package private(set) var refusals = IngressRefusals()

    package init(_ parameters: IngressParameters) {
        self.parameters = parameters
        encodings = []
        for (track, description) in parameters.tracks.enumerated() {
            let encoding = IngressEncoding(track: track, description, extensions: parameters.extensions, rules: parameters.rules)
            encodings += description.encodings.map { _ in encoding }
        }
        bindings = SourceBindings(encodingCount: encodings.count)
        tellsTransportFeedback = parameters.tracks.contains { $0.feedback.contains(.transportWide) }
        if !tellsTransportFeedback, parameters.tracks.contains(where: { $0.feedback.contains(.receiverEstimate) }) {
            rate = ReceiveRateControl(maximum: Bitrate(bitsPerSecond: parameters.rules.maximumEstimate))
        }
        bindAnnouncedSources()
    }

    /// How many encodings there are, of all tracks together.
    package var encodingCount: Int { encodings.count }

    /// The track of an encoding, as its place in `IngressParameters.tracks`.
    package func track(of encoding: Int) -> Int { encodings[encoding].track }

    /// Takes a decrypted RTP packet that came at `arrival`. `bytes` are the whole packet; a retransmission is unwrapped in them.
    package mutating func receive(_ bytes: UnsafeMutableRawBufferPointer, arrival: MonotonicTime) -> IngressVerdict {
        guard let packet = RTPPacketView(reading: UnsafeRawBufferPointer(bytes)) else { return refuse(.malformed) }
        let extensions = ExtensionValues(packet, map: parameters.extensions)
        observeTransport(packet, extensions, size: bytes.count, arrival: arrival)
        guard let target = bindings.target(of: packet.ssrc) ?? identify(packet, arrival: arrival) else {
            return refuse(.unknownSource)
        }
        let role = encodings[target.encoding].formats.role(of: packet.payloadType)
        switch (role, target.isRetransmission) {
        case (.retransmission(let original)?, true):
            return receiveRetransmission(bytes, of: original, target.encoding, extensions, arrival: arrival)
        case (.media?, false), (.redundant?, false), (.correction?, false):
            return receive(packet, start: 0, target.encoding, extensions, arrival: arrival)
        case (.retransmission?, false), (.media?, true), (.redundant?, true), (.correction?, true), (nil, _):
            return refuse(.payloadType)
        }
    }

    private mutating func receiveRetransmission(
        _ bytes: UnsafeMutableRawBufferPointer, of payloadType: UInt8, _ encoding: Int, _ extensions: ExtensionValues,
        arrival: MonotonicTime
    ) -> IngressVerdict {
        guard let ssrc = bindings.ssrc(of: SourceBindings.Target(encoding: encoding, isRetransmission: false)),
            encodings[encoding].lastArrival != nil
        else { return refuse(.earlyRetransmission) }
        guard let original = RetransmissionPacket.restore(bytes, payloadType: payloadType, ssrc: ssrc) else {
            return refuse(.emptyRetransmission)
        }
        guard let packet = RTPPacketView(reading: UnsafeRawBufferPointer(original)) else { return refuse(.malformed) }
        return receive(packet, start: RetransmissionPacket.prefixSize, encoding, extensions, arrival: arrival)
    }

    private mutating func receive(
        _ packet: RTPPacketView, start: Int, _ encoding: Int, _ extensions: ExtensionValues, arrival: MonotonicTime
    ) -> IngressVerdict {
        let isRetransmission = start > 0
        switch encodings[encoding].receive(packet, isRetransmission: isRetransmission, arrival: arrival) {
        case .refused(let refusal): return refuse(refusal)
        case .padding: return .padding(encoding: encoding, RTPHeader(packet))
        case .media(let acceptance, let descriptor):
            return .media(
                IngressPacket(
                    encoding: encoding, header: acceptance.header, start: start, frame: acceptance.frame,
                    epoch: encodings[encoding].media.epoch, beginsEpoch: acceptance.beginsEpoch, isLate: acceptance.isLate,
                    isRetransmission: isRetransmission, descriptor: descriptor, audioLevel: extensions.audioLevel))
        }
    }

    private mutating func refuse(_ refusal: IngressRefusal) -> IngressVerdict {
        refusals.count(refusal)
        return .refused(refusal)
    }

    /// What concerns the transport, whatever the packet holds.
    private mutating func observeTransport(
        _ packet: RTPPacketView, _ extensions: ExtensionValues, size: Int, arrival: MonotonicTime
    ) {
        if reportDueAt == nil { reportDueAt = arrival.advanced(by: parameters.rules.reportInterval) }
        if tellsTransportFeedback, let sequence = extensions.transportSequence { transport.receive(sequence, arrival: arrival) }
        rate?.receive(bytes: size, sendTime: extensions.absoluteSendTime, arrival: arrival)
    }
}

/// Counts of refused datagrams.
package struct IngressRefusals: Sendable, Equatable {
    private var counts = SIMD8<UInt32>(repeating: 0)

    package init() {}

    /// How many were refused for this reason, modulo 2^32.
    package subscript(refusal: IngressRefusal) -> UInt32 { counts[Int(refusal.rawValue)] }

    mutating func count(_ refusal: IngressRefusal) { counts[Int(refusal.rawValue)] &+= 1 }
}
