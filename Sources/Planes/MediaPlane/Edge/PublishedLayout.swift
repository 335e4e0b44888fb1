import BridgeModel
import Forwarding
import RTP
import SDP

/// How a publisher's encodings lie in the stream. A track of the hub is one encoding: the tracks that the publisher's answer names come first, in
/// their order, each as its best encoding; the lesser encodings of simulcast follow.
struct PublishedLayout: Equatable {
    /// The hub's tracks.
    private(set) var tracks: [TrackDescription]
    /// For each track of the answer the hub's tracks with the same picture, the smallest encoding first.
    private(set) var encodings: [[UInt8]] = []
    /// The hub's track of each encoding, in the order of `parameters`.
    private(set) var hubTracks: [UInt8] = []
    /// For the receiving side.
    private(set) var parameters: IngressParameters

    init(_ negotiated: NegotiatedPeer, localSSRC: UInt32) {
        tracks = negotiated.publishedTracks
        let sections = negotiated.sections.filter { $0.direction.receives }
        parameters = IngressParameters(
            tracks: sections.map { IngressTrackParameters($0) }, extensions: ExtensionMap(sections), localSSRC: localSSRC,
            canonicalName: "viaduct", usesReducedSizeRTCP: sections.allSatisfy(\.usesReducedSizeRTCP))
        for (index, track) in parameters.tracks.enumerated() {
            var own: [UInt8] = []
            for _ in track.encodings.dropLast() {
                var lesser = tracks[index]
                lesser.index = UInt8(clamping: tracks.count)
                own.append(lesser.index)
                tracks.append(lesser)
            }
            own.append(UInt8(clamping: index))
            encodings.append(own)
            hubTracks += own
        }
    }
}

extension IngressTrackParameters {
    fileprivate init(_ section: NegotiatedSection) {
        let format = section.format
        self.init(
            codec: format.codec, mid: ExtensionToken(section.mid), payloadType: format.payloadType, rtxPayloadType: format.rtxPayloadType,
            feedback: format.feedback)
        redundancy = format.redundancy.map { RedundancyFormat(red: $0.red, redRTX: $0.redRTX, ulpfec: $0.ulpfec) }
        let announced = section.remoteSources.map { IngressEncodingParameters(ssrc: $0.ssrc, rtxSSRC: $0.rtx) }
        let layers = section.layers.compactMap { layer in ExtensionToken(layer.rid).map { IngressEncodingParameters(rid: $0) } }
        if !layers.isEmpty {
            encodings = layers
        } else if !announced.isEmpty {
            encodings = announced
        }
    }
}

extension ExtensionMap {
    /// The one map of a transport (RFC 8843 section 9.1): where sections contradict each other the first holds.
    init(_ sections: [NegotiatedSection]) {
        self.init()
        for element in sections.flatMap(\.extensions) { _ = insert(element.kind, element.id) }
    }
}
