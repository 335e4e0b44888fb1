import Bridge
import BridgeModel
import Forwarding
import RTP

/// What a stream remembers of its sources, and for whom.
struct StreamMemory {
    /// Which encoding of each published track those get that take one only.
    var best: [BestEncoding] = []
    /// The epochs that the next sources of the hub's tracks begin with: also those of tracks that are gone, and may come back.
    var nextEpochs: [UInt32] = []
    /// When the newest packet of a child came.
    var newestArrival = MonotonicTime(nanoseconds: 0)
    /// What is kept for recordings that begin before they are asked for.
    var preRoll: PreRoll?
}

// The encodings of a stream's tracks: what each is worth, and who gets which.
extension MediaStream {
    /// For each published track the hub's tracks with its picture or sound, the smallest encoding first.
    var encodings: [[UInt8]] { layout?.encodings ?? sources.indices.map { [UInt8(clamping: $0)] } }

    /// The stream's counters and what each encoding is worth now, by published track.
    func statistics(now: MonotonicTime) -> StreamStatistics {
        measure(now: now)
        return StreamStatistics(
            tracks: encodings.map { statistics(of: $0, now: now) }, subscribers: subscriberCount + replication.viewerCount)
    }

    private func statistics(of encodings: [UInt8], now: MonotonicTime) -> TrackStatistics {
        var sum = TrackStatistics()
        for track in encodings {
            let counters = sources[Int(track)].counters
            sum.packets += counters.packets
            sum.bytes += counters.bytes
            sum.lost += counters.lost
            sum.keyframes += counters.keyframes
            sum.lastPacketAt = [sum.lastPacketAt, counters.lastPacketAt].compactMap(\.self).max()
            sum.encodings.append(encoding(track, now: now))
        }
        return sum
    }

    private func encoding(_ track: UInt8, now: MonotonicTime) -> EncodingStatistics {
        let state = sources[Int(track)].publisher?.state(of: track, now: now)
        var encoding = EncodingStatistics(rid: layout.flatMap { $0.rids[Int(track)] }, frameRate: state?.frameRate ?? 0)
        for spatial in 0..<UInt8(StreamLayers.layers) {
            let size = state?.size(ofSpatialLayer: spatial)
            for temporal in 0..<UInt8(StreamLayers.layers) {
                let layer = TargetLayer(track: track, spatial: spatial, temporal: temporal)
                guard layers.isAlive(layer) else { continue }
                encoding.layers.append(
                    LayerStatistics(
                        spatialID: spatial, temporalID: temporal, bitrate: layers.rate(layer).bitsPerSecond,
                        width: size.map { Int($0.width) }, height: size.map { Int($0.height) }))
            }
        }
        encoding.bitrate = encoding.layers.isEmpty ? 0 : layers.rate(TargetLayer(track: track, spatial: .max, temporal: .max)).bitsPerSecond
        encoding.width = state?.size.map { Int($0.width) }
        encoding.height = state?.size.map { Int($0.height) }
        encoding.profile = state?.profile
        return encoding
    }

    /// The source's encodings are others than before.
    func useEncodings() {
        memory.best = encodings.map { BestEncoding(encodings: $0) }
        tellViewers()
    }

    /// Brings what is known of the encodings up to date, a few times a second.
    func measure(now: MonotonicTime) {
        if layers.update(now: now) { sortEncodings(now: now) }
    }

    /// Puts simulcast encodings in the order of their pictures' sizes, once these are known.
    func sortEncodings(now: MonotonicTime) {
        guard memory.best.contains(where: \.isSimulcast) else { return }
        let isChanged =
            layout?.sort { track in
                sources[Int(track)].publisher?.state(of: track, now: now)?.size.map { Int($0.width) * Int($0.height) }
            } ?? false
        guard isChanged else { return }
        for (index, order) in encodings.enumerated() { memory.best[index].reorder(order) }
        tellViewers()
        replication.noteLayout()
    }

    private func tellViewers() {
        let encodings = encodings
        for viewer in viewers.viewers {
            viewer.use(encodings, of: self)
            viewers.noteDue(viewer)
        }
    }

    /// Chooses for the sinks, as packets come. When the stream is over, they read what they have been reading to its end.
    func chooseBest(now: MonotonicTime) {
        guard !sources.isEmpty else { return }
        measure(now: now)
        for index in memory.best.indices where memory.best[index].isSimulcast {
            memory.best[index].update(now: now) { track in sources[Int(track)].counters.lastPacketAt }
        }
    }

    /// The hub's track of the encoding that sinks of this published track are to get.
    func bestEncoding(of track: UInt8) -> UInt8 { memory.best.indices.contains(Int(track)) ? memory.best[Int(track)].current : track }
}
