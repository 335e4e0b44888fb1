import BridgeModel
import Forwarding
import NetworkTesting
import RTP

/// A publisher, one viewer of it and the network between us and the viewer, in virtual time.
struct EdgeScenario: ~Copyable {
    static let videoSSRC: UInt32 = 0x1111
    static let rtxSSRC: UInt32 = 0x2222
    static let audioSSRC: UInt32 = 0x3333
    private static let step: Duration = .milliseconds(1)

    var publisher: LayeredPublisher
    var viewer: EgressViewer
    var model: ViewerModel
    var link: VirtualLink<[UInt8]>
    private(set) var now: MonotonicTime
    private(set) var keyframeRequests = 0
    /// Numbers that were used for two different packets: their encryption would betray them.
    private(set) var reusedNumbers = 0
    private(set) var largestHeader = 0
    private(set) var sentBytes = 0
    private var back: VirtualLink<[UInt8]>
    private var sentPackets: [UInt64: [UInt8]] = [:]
    private var feedbackAt: MonotonicTime
    private var reportAt: MonotonicTime
    private var gates: [KeyframeGate]
    /// Packets of the cache that were looked at.
    private var seen: UInt64 = 0

    init(
        bitrates: [Int], conditions: LinkConditions = LinkConditions(), seed: UInt64, warmUp: Duration = .seconds(2),
        rules: EgressViewerRules = EgressViewerRules(),
        configure: (inout LayeredPublisher, inout EgressTrackParameters) -> Void = { _, _ in }
    ) {
        publisher = LayeredPublisher(bitrates: bitrates, seed: seed)
        var extensions = ExtensionMap()
        _ = extensions.insert(.transportSequence, ViewerModel.transportExtension)
        var video = EgressTrackParameters(
            codec: .vp8, encodings: bitrates.indices.map { UInt8($0) }, payloadType: 120, ssrc: Self.videoSSRC, extensions: extensions)
        video.retransmission = RetransmissionFormat(payloadType: 121, ssrc: Self.rtxSSRC)
        configure(&publisher, &video)
        publisher.run(until: publisher.now.advanced(by: warmUp))
        let audio = EgressTrackParameters(
            codec: .opus, encodings: [publisher.audioTrack], payloadType: 112, ssrc: Self.audioSSRC, extensions: video.extensions)
        now = publisher.now
        viewer = EgressViewer(
            EgressViewerParameters(tracks: [video, audio], canonicalName: "viewer", rules: rules), cache: publisher.cache,
            layers: publisher.layers, now: now)
        model = ViewerModel(tracks: [
            ViewerModel.Track(ssrc: Self.videoSSRC, rtxSSRC: video.retransmission?.ssrc, isVideo: true),
            ViewerModel.Track(ssrc: Self.audioSSRC, rtxSSRC: nil, isVideo: false),
        ])
        link = VirtualLink(conditions, seed: seed &+ 1)
        back = VirtualLink(LinkConditions(delay: conditions.delay), seed: seed &+ 2)
        feedbackAt = now
        reportAt = now
        gates = Array(repeating: KeyframeGate(), count: bitrates.count + 1)
    }

    mutating func change(_ conditions: LinkConditions) { link.change(conditions, now: now) }

    /// Plays until `duration` has passed, a millisecond at a time, as a worker would whose timers are that fine.
    mutating func run(for duration: Duration) {
        let end = now.advanced(by: duration)
        while now < end {
            now = now.advanced(by: Self.step)
            publisher.run(until: now)
            var isHeard = false
            while let arrival = back.receive(now: now) {
                receive(arrival.payload)
                isHeard = true
            }
            let isDue = viewer.deadline.map { $0 <= now } ?? false
            if isDue {
                viewer.adapt(to: publisher.layers, in: publisher.cache, now: now)
                sendReport()
            }
            // As a worker does: packets of layers that the viewer does not take are no reason.
            if isHeard || isDue || !viewer.interest.isDisjoint(with: takeNews()) {
                pump()
                askForKeyframes()
            }
            while let arrival = link.receive(now: now) { model.receive(arrival.payload, at: arrival.time) }
            answer()
        }
    }

    /// The tracks of which packets have come since the last call.
    private mutating func takeNews() -> TrackSet {
        var news = TrackSet()
        for index in max(seen, publisher.cache.firstIndex)..<publisher.cache.endIndex { news.insert(publisher.cache[index].track) }
        seen = publisher.cache.endIndex
        return news
    }

    /// Sends all that may leave now; returns how many packets did.
    @discardableResult mutating func pump() -> Int {
        var count = 0
        while let packet = nextPacket() {
            count += 1
            sentBytes += packet.count
            let number = UInt64(packet[8]) << 40 | UInt64(packet[9]) << 32 | UInt64(packet[10]) << 24 | UInt64(packet[11]) << 16
            let key = number | UInt64(packet[2]) << 8 | UInt64(packet[3])
            if let earlier = sentPackets.updateValue(packet, forKey: key), earlier != packet { reusedNumbers += 1 }
            link.send(packet, size: packet.count, now: now)
        }
        return count
    }

    private mutating func nextPacket() -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: EgressPacket.headerCapacity, alignment: 8) { header in
            guard let packet = viewer.next(in: publisher.cache, now: now, header: header) else { return nil }
            largestHeader = max(largestHeader, packet.headerSize + packet.prefixSize)
            return packet.withPayload(in: publisher.cache) { Array(header[..<(packet.headerSize + packet.prefixSize)]) + Array($0) }
        }
    }

    private mutating func sendReport() {
        let report = withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { bytes in
            Array(bytes[..<viewer.writeReport(in: publisher.cache, now: now, into: bytes)])
        }
        if !report.isEmpty { link.send(report, size: report.count, now: now) }
    }

    private mutating func askForKeyframes() {
        for track in viewer.takeKeyframeRequests(now: now) where gates[Int(track)].request(now: now) {
            keyframeRequests += 1
            publisher.requestKeyframe(of: track)
        }
    }

    private mutating func answer() {
        guard now >= feedbackAt else { return }
        feedbackAt = now.advanced(by: .milliseconds(50))
        let reports = now >= reportAt
        if reports { reportAt = now.advanced(by: .seconds(1)) }
        let compound = model.feedback(at: now, withReports: reports)
        if !compound.isEmpty { back.send(compound, size: compound.count, now: now) }
    }

    mutating func receive(_ compound: [UInt8]) {
        compound.withUnsafeBytes { bytes in
            for packet in RTCPCompound(bytes) { viewer.receive(packet, in: publisher.cache, now: now) }
        }
        viewer.adapt(to: publisher.layers, in: publisher.cache, now: now)
    }

    /// The encoding whose pictures were shown last.
    var shownEncoding: UInt8? { model.decoded.last?.content.encoding }
}
