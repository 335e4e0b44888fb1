import Bridge
import SDP

/// The layers that one video section of a viewer can be sent, and what a choice among them means for the engine.
struct LayerMenu {
    /// One layer with the place of its encoding.
    private struct Item {
        var encoding: UInt8
        var layer: VideoLayer
    }

    /// The lowest first, every temporal layer by itself.
    private let items: [Item]

    /// `statistics` are the stream's: while the hub has none, the section's track counts as one layer that is not sent.
    init(_ section: NegotiatedSection, _ statistics: StreamStatistics?) {
        let index = Int(section.trackIndex ?? 0)
        let tracks = statistics?.tracks ?? []
        var encodings = tracks.indices.contains(index) ? tracks[index].encodings : []
        if encodings.isEmpty { encodings = [EncodingStatistics()] }
        items = encodings.enumerated().flatMap { number, encoding in
            encoding.videoLayers(mid: section.mid).map { Item(encoding: UInt8(clamping: number), layer: $0) }
        }.filter { section.takesSpatialLayers || $0.layer.spatialID == 0 }
    }

    /// What a viewer may be told: each encoding and spatial layer with all of its frames, the best first.
    var list: [VideoLayer] {
        var shown: [Item] = []
        for item in items {
            if let last = shown.last, last.encoding == item.encoding, last.layer.spatialID == item.layer.spatialID { shown.removeLast() }
            shown.append(item)
        }
        return shown.reversed().map(\.layer)
    }

    /// What is within the choice; nil when nothing is. What the choice leaves open stays open, for layers that the publisher adds later too.
    func bounds(of choice: LayerChoice) -> LayerBounds? {
        let admitted = items.filter { choice.admits($0.layer) }
        guard let best = admitted.last else { return nil }
        let limitsSize = choice.greatestWidth != nil || choice.greatestHeight != nil
        var bounds = LayerBounds()
        if choice.rid != nil {
            bounds.encodings = best.encoding...best.encoding
        } else if limitsSize {
            bounds.encodings = 0...best.encoding
        }
        let excludesLayers = items.contains { $0.encoding == best.encoding && $0.layer.spatialID > best.layer.spatialID }
        let greatest = limitsSize && excludesLayers ? best.layer.spatialID : UInt8.max
        bounds.spatial = Self.range(exactly: choice.spatialID, upTo: min(greatest, UInt8(clamping: choice.highestSpatialID ?? .max)))
        bounds.temporal = Self.range(exactly: choice.temporalID, upTo: UInt8(clamping: choice.highestTemporalID ?? .max))
        return bounds
    }

    private static func range(exactly exact: Int?, upTo highest: UInt8) -> ClosedRange<UInt8> {
        guard let exact else { return 0...highest }
        return UInt8(clamping: exact)...UInt8(clamping: exact)
    }
}

extension EncodingStatistics {
    /// Its layers for a section, the lowest first; one that costs nothing while it is not sent.
    fileprivate func videoLayers(mid: String) -> [VideoLayer] {
        guard !layers.isEmpty else { return [VideoLayer(mid: mid, rid: rid, bitrate: 0, width: width, height: height)] }
        return layers.map {
            VideoLayer(
                mid: mid, rid: rid, spatialID: $0.spatialID, temporalID: $0.temporalID, bitrate: $0.bitrate, width: $0.width,
                height: $0.height)
        }
    }
}
