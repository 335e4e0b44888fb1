import BridgeModel
import Forwarding
import RTP
import SDP

/// How a publisher's encodings lie in the stream. A track of the hub is one encoding: the tracks that the publisher's answer names come first, in
/// their order, each as its best encoding; the lesser encodings of simulcast follow.
struct PublishedLayout: Equatable {
    /// The hub's tracks.
    private(set) var tracks: [TrackDescription]
    /// For each track of the answer the hub's tracks with the same picture, the smallest encoding first: as the offer has them, until their pictures'
    /// sizes are known.
    private(set) var encodings: [[UInt8]] = []
    /// The name of each of the hub's tracks among those with the same picture; nil where it is the only one.
    private(set) var rids: [String?] = []
    /// The hub's track of each encoding, in the order of `parameters`.
    private(set) var hubTracks: [UInt8] = []
    /// For the receiving side.
    private(set) var parameters: IngressParameters

    init(_ negotiated: NegotiatedPeer, localSSRC: UInt32) {
        tracks = negotiated.publishedTracks
        rids = tracks.map { _ in nil }
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
                rids.append(nil)
            }
            own.append(UInt8(clamping: index))
            encodings.append(own)
            hubTracks += own
            guard own.count > 1 else { continue }
            // Simulcast by SSRC has no names: there it is counted.
            for (place, hubTrack) in own.enumerated() { rids[Int(hubTrack)] = track.encodings[place].rid?.description ?? "\(place)" }
        }
    }

    /// The hub's tracks of one of the answer's; none where there is no such track.
    func encodings(of track: UInt8) -> [UInt8] { encodings.indices.contains(Int(track)) ? encodings[Int(track)] : [] }

    /// The same with the encodings in the order in which the source before had them, if they are the same: their sizes are known from it.
    func inOrder(of former: PublishedLayout?) -> PublishedLayout {
        guard let former, former.hubTracks == hubTracks, former.rids == rids, former.tracks.map(\.codec) == tracks.map(\.codec) else {
            return self
        }
        var layout = self
        layout.encodings = former.encodings
        return layout
    }

    /// Puts the encodings of each track in the order of their pictures; true when that changed something. Offers may begin with the largest. A track one
    /// of whose sizes is not known stays as it is.
    mutating func sort(by area: (UInt8) -> Int?) -> Bool {
        var isChanged = false
        for index in encodings.indices where encodings[index].count > 1 {
            let areas = encodings[index].compactMap(area)
            guard areas.count == encodings[index].count, areas != areas.sorted() else { continue }
            let order = areas.indices.sorted { (areas[$0], $0) < (areas[$1], $1) }
            encodings[index] = order.map { encodings[index][$0] }
            isChanged = true
        }
        return isChanged
    }
}

extension IngressTrackParameters {
    fileprivate init(_ section: NegotiatedSection) {
        let format = section.format
        self.init(
            codec: format.codec, mid: ExtensionToken(section.mid), payloadType: format.payloadType, clockRate: format.clockRate,
            rtxPayloadType: format.rtxPayloadType, feedback: format.feedback)
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
        allowsMixedForms = !sections.isEmpty && sections.allSatisfy(\.mixesExtensionForms)
    }
}
