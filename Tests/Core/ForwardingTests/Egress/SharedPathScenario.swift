import BridgeModel
import NetworkTesting
import RTP

@testable import Forwarding

/// Several publishers, one viewer of them all behind one transport, and the network between us and it, in virtual time.
struct SharedPathScenario: ~Copyable {
    private static let step: Duration = .milliseconds(1)
    private static let roomInStep = 400

    var publishers: [PublisherBox] = []
    var feeds: [FeedBox?] = []
    var models: [ViewerModel] = []
    private(set) var now: MonotonicTime
    /// Transport-wide numbers that do not follow on the one before.
    private(set) var wrongNumbers = 0
    private var path: EgressPath
    private var link: VirtualLink<[UInt8]>
    private var back: VirtualLink<[UInt8]>
    private var feedbackAt: MonotonicTime
    private var reportAt: MonotonicTime
    private var nextNumber: UInt16?
    private let rules: EgressViewerRules

    /// Values without copies, in an array.
    final class PublisherBox {
        var publisher: LayeredPublisher
        init(_ publisher: consuming LayeredPublisher) { self.publisher = publisher }
    }

    final class FeedBox {
        var feed: EgressFeed
        init(_ feed: consuming EgressFeed) { self.feed = feed }
    }

    init(publishers count: Int, bitrates: [Int], conditions: LinkConditions, seed: UInt64, rules: EgressViewerRules = EgressViewerRules()) {
        for number in 0..<count {
            let box = PublisherBox(LayeredPublisher(bitrates: bitrates, seed: seed &+ UInt64(number) &* 101))
            box.publisher.run(until: box.publisher.now.advanced(by: .seconds(2)))
            publishers.append(box)
        }
        now = publishers[0].publisher.now
        self.rules = rules
        path = EgressPath(rules, isMeasured: true)
        link = VirtualLink(conditions, seed: seed &+ 1)
        back = VirtualLink(LinkConditions(delay: conditions.delay), seed: seed &+ 2)
        (feedbackAt, reportAt) = (now, now)
        for number in 0..<count {
            models.append(
                ViewerModel(tracks: [
                    ViewerModel.Track(ssrc: Self.video(number), rtxSSRC: Self.video(number) + 1, isVideo: true),
                    ViewerModel.Track(ssrc: Self.video(number) + 2, rtxSSRC: nil, isVideo: false),
                ]))
            models[number].tellsArrivals = number == 0
            feeds.append(nil)
            join(number)
        }
    }

    private static func video(_ number: Int) -> UInt32 { 0x1000 * UInt32(number + 1) }

    /// The viewer gets this publisher too.
    mutating func join(_ number: Int) {
        let box = publishers[number]
        let extensions = ExtensionMap([.transportSequence: ViewerModel.transportExtension])
        var video = EgressTrackParameters(
            codec: .vp8, encodings: box.publisher.encodings.indices.map { UInt8($0) }, payloadType: 120, ssrc: Self.video(number),
            extensions: extensions)
        video.retransmission = RetransmissionFormat(payloadType: 121, ssrc: Self.video(number) + 1)
        let audio = EgressTrackParameters(
            codec: .opus, encodings: [box.publisher.audioTrack], payloadType: 112, ssrc: Self.video(number) + 2, extensions: extensions)
        let parameters = EgressViewerParameters(tracks: [video, audio], canonicalName: "publisher-\(number)", rules: rules)
        feeds[number] = FeedBox(
            EgressFeed(parameters, over: &path, cache: box.publisher.cache, layers: box.publisher.layers, now: now))
    }

    /// The viewer does not get it any more.
    mutating func leave(_ number: Int) {
        feeds[number]?.feed.leave(&path)
        feeds[number] = nil
    }

    mutating func weigh(_ number: Int, _ weight: Double) { feeds[number]?.feed.weigh(weight, over: &path) }

    mutating func change(_ conditions: LinkConditions) { link.change(conditions, now: now) }

    /// The encoding of each publisher whose pictures were shown last; nil where none was within the last second.
    var shown: [UInt8?] {
        models.map { model in
            guard let last = model.decoded.last, now.duration(since: last.shownAt) < .seconds(1) else { return nil }
            return last.content.encoding
        }
    }

    var estimate: Bitrate { path.estimate }

    mutating func run(for duration: Duration) {
        let end = now.advanced(by: duration)
        while now < end {
            now = now.advanced(by: Self.step)
            while let arrival = back.receive(now: now) { receive(arrival.payload) }
            for number in feeds.indices { serve(number) }
            while let arrival = link.receive(now: now) {
                for index in models.indices { models[index].receive(arrival.payload, at: arrival.time) }
            }
            answer()
        }
    }

    private mutating func serve(_ number: Int) {
        let box = publishers[number]
        box.publisher.run(until: now)
        guard let held = feeds[number] else { return }
        if let deadline = held.feed.deadline(over: path), deadline <= now {
            held.feed.adapt(to: box.publisher.layers, in: box.publisher.cache, over: &path, now: now)
            sendReport(held, box)
        }
        var sent = 0
        while sent < Self.roomInStep, let packet = nextPacket(held, box) {
            sent += 1
            note(packet)
            link.send(packet, size: packet.count, now: now)
        }
        for track in held.feed.takeKeyframeRequests(now: now) { box.publisher.requestKeyframe(of: track) }
    }

    private mutating func nextPacket(_ held: FeedBox, _ box: PublisherBox) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: EgressPacket.headerCapacity, alignment: 8) { header in
            guard let packet = held.feed.next(in: box.publisher.cache, over: &path, now: now, header: header) else { return nil }
            return packet.withPayload(in: box.publisher.cache) { Array(header[..<(packet.headerSize + packet.prefixSize)]) + Array($0) }
        }
    }

    private mutating func sendReport(_ held: FeedBox, _ box: PublisherBox) {
        let report = withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { bytes in
            Array(bytes[..<held.feed.writeReport(in: box.publisher.cache, now: now, into: bytes)])
        }
        if !report.isEmpty { link.send(report, size: report.count, now: now) }
    }

    /// All feeds' packets have one row of transport-wide numbers.
    private mutating func note(_ packet: [UInt8]) {
        packet.withUnsafeBytes { bytes in
            guard let view = RTPPacketView(reading: bytes) else { return }
            for element in HeaderExtensionElements(view) where element.identifier == ViewerModel.transportExtension {
                let number = UInt16(element.value[0]) << 8 | UInt16(element.value[1])
                if let nextNumber, nextNumber != number { wrongNumbers += 1 }
                nextNumber = number &+ 1
            }
        }
    }

    private mutating func answer() {
        guard now >= feedbackAt else { return }
        feedbackAt = now.advanced(by: .milliseconds(50))
        let reports = now >= reportAt
        if reports { reportAt = now.advanced(by: .seconds(1)) }
        for index in models.indices {
            let compound = models[index].feedback(at: now, withReports: reports)
            if !compound.isEmpty { back.send(compound, size: compound.count, now: now) }
        }
    }

    private mutating func receive(_ compound: [UInt8]) {
        compound.withUnsafeBytes { bytes in
            for packet in RTCPCompound(bytes) {
                path.receive(packet, now: now)
                for held in feeds { held?.feed.receive(packet, over: &path, now: now) }
            }
        }
        for (held, box) in zip(feeds, publishers) {
            held?.feed.adapt(to: box.publisher.layers, in: box.publisher.cache, over: &path, now: now)
        }
    }
}
