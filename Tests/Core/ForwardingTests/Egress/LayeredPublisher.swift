import BridgeModel
import Forwarding
import NetworkTesting
import RTP

/// What a test packet says of itself behind its codec's descriptor, so that a receiver can check what it got without asking the code under test.
struct TestContent: Equatable {
    static let size = 16

    var encoding: UInt8
    /// Counts the frames of the encoding.
    var frame: UInt32
    /// The frame that it is predicted from; its own number for a keyframe.
    var reference: UInt32
    var temporal: UInt8
    var packet: UInt8
    var packetCount: UInt8
    /// 90 kHz since the publisher began, the same for all encodings.
    var captured: UInt32

    var isKeyframe: Bool { reference == frame }

    var bytes: [UInt8] {
        [encoding, temporal, packet, packetCount] + Self.bytes(frame) + Self.bytes(reference) + Self.bytes(captured)
    }

    init(encoding: UInt8, frame: UInt32, reference: UInt32, temporal: UInt8, packet: UInt8, packetCount: UInt8, captured: UInt32) {
        self.encoding = encoding
        self.frame = frame
        self.reference = reference
        self.temporal = temporal
        self.packet = packet
        self.packetCount = packetCount
        self.captured = captured
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= Self.size else { return nil }
        let bytes = Array(bytes.prefix(Self.size))
        let word = { (offset: Int) in bytes[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        self.init(
            encoding: bytes[0], frame: word(4), reference: word(8), temporal: bytes[1], packet: bytes[2], packetCount: bytes[3],
            captured: word(12))
    }

    private static func bytes(_ word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) } }
}

/// A publisher of one VP8 video in several encodings (cache tracks 0, 1, …), each with three temporal layers unless it is told otherwise, and of Opus on
/// the track behind them.
struct LayeredPublisher: ~Copyable {
    static let frameInterval: Duration = .nanoseconds(33_333_333)
    static let payloadLimit = 1_100

    struct Encoding {
        var bitrate: Int
        var isSending = true
        var ssrc: UInt32
        var sequence: UInt16
        var timestampBase: UInt32
        var pictureID: UInt16
        var zeroIndex: UInt8
        var keyIndex: UInt8
        var frame: UInt32 = 0
        /// Frame numbers of the newest of each temporal layer.
        var newest: [UInt32] = [0, 0, 0]
        var framesInPattern = 0
        var keyframeDue: MonotonicTime?
    }

    var cache: GOPCache
    var layers: StreamLayers
    var encodings: [Encoding] = []
    /// Part of the packets that never reach us.
    var loss = 0.0
    /// Part of the packets that come after their successor.
    var reorder = 0.0
    /// Whether it answers keyframe requests.
    var listens = true
    /// Whether there are temporal layers, so that a viewer can have less than all.
    var hasTemporalLayers = true
    var soundBytes = 80
    var keyframeEvery: Duration?
    var sendsReports = true
    private(set) var now = MonotonicTime(nanoseconds: 10_000_000_000)
    private(set) var lostPackets = 0
    private(set) var keyframes = 0
    private let start: MonotonicTime
    private var random: SeededRandom
    private var ingress: [IngressTrack] = []
    private var heldBack: (track: Int, bytes: [UInt8])?
    private var nextFrame: MonotonicTime
    private var nextAudio: MonotonicTime
    private var nextReport: MonotonicTime
    private var lastKeyframe: MonotonicTime?
    private var audioSequence: UInt16
    private var audioTimestamp: UInt32

    init(bitrates: [Int], seed: UInt64, limits: GOPCache.Limits = GOPCache.Limits()) {
        random = SeededRandom(seed: seed)
        cache = GOPCache(trackCount: bitrates.count + 1, limits: limits)
        layers = StreamLayers(trackCount: bitrates.count + 1)
        start = now
        (nextFrame, nextAudio, nextReport) = (now, now, now.advanced(by: .milliseconds(150)))
        audioSequence = UInt16.random(in: .min ... .max, using: &random)
        audioTimestamp = UInt32.random(in: .min ... .max, using: &random)
        for (track, bitrate) in bitrates.enumerated() {
            encodings.append(
                Encoding(
                    bitrate: bitrate, ssrc: UInt32.random(in: 1 ... .max, using: &random),
                    sequence: UInt16.random(in: .min ... .max, using: &random),
                    timestampBase: UInt32.random(in: .min ... .max, using: &random),
                    pictureID: UInt16.random(in: 0...0x7FFF, using: &random), zeroIndex: UInt8.random(in: .min ... .max, using: &random),
                    keyIndex: UInt8.random(in: 0...31, using: &random)))
            encodings[track].keyframeDue = now
            ingress.append(IngressTrack(TrackDescription(index: UInt8(track), codec: .vp8, payloadType: 96, mid: "0")))
        }
        ingress.append(IngressTrack(TrackDescription(index: UInt8(bitrates.count), codec: .opus, payloadType: 111, mid: "1")))
    }

    var audioTrack: UInt8 { UInt8(encodings.count) }

    mutating func requestKeyframe(of track: UInt8) {
        guard listens, encodings.indices.contains(Int(track)), encodings[Int(track)].keyframeDue == nil else { return }
        encodings[Int(track)].keyframeDue = now.advanced(by: .milliseconds(60))
    }

    /// Sends what is due until `time`.
    mutating func run(until time: MonotonicTime) {
        while true {
            let next = min(nextFrame, nextAudio, nextReport)
            guard next <= time else { break }
            now = next
            if next == nextFrame { sendPicture() } else if next == nextAudio { sendAudio() } else { sendReports() }
            layers.update(now: now)
        }
        now = time
    }

    /// 90 kHz since the beginning.
    var captured: UInt32 { UInt32(truncatingIfNeeded: now.duration(since: start).wholeNanoseconds * 9 / 100_000) }

    private mutating func sendPicture() {
        nextFrame = now.advanced(by: Self.frameInterval)
        if let every = keyframeEvery, lastKeyframe.map({ now.duration(since: $0) >= every }) ?? true {
            for track in encodings.indices { encodings[track].keyframeDue = now }
            lastKeyframe = now
        }
        for track in encodings.indices where encodings[track].isSending { sendFrame(track) }
    }

    private mutating func sendFrame(_ track: Int) {
        var encoding = encodings[track]
        let isKeyframe = encoding.keyframeDue.map { now >= $0 } ?? false
        if isKeyframe {
            encoding.keyframeDue = nil
            encoding.framesInPattern = 0
            keyframes += 1
        }
        // T0 T2 T1 T2: T1 is predicted from T0, T2 from the newest of both.
        let temporal: UInt8 = hasTemporalLayers ? [0, 2, 1, 2][encoding.framesInPattern % 4] : 0
        encoding.framesInPattern += 1
        encoding.frame += 1
        encoding.pictureID = (encoding.pictureID &+ 1) & 0x7FFF
        if temporal == 0 { encoding.zeroIndex &+= 1 }
        if isKeyframe { encoding.keyIndex = (encoding.keyIndex + 1) & 0x1F }
        let reference = isKeyframe ? encoding.frame : temporal == 2 ? max(encoding.newest[0], encoding.newest[1]) : encoding.newest[0]
        encoding.newest[Int(temporal)] = encoding.frame
        let bytes = encoding.bitrate / 8 / 30 * (isKeyframe ? 5 : 1)
        let count = max(1, (bytes + Self.payloadLimit - 1) / Self.payloadLimit)
        let content = TestContent(
            encoding: UInt8(track), frame: encoding.frame, reference: reference, temporal: temporal, packet: 0,
            packetCount: UInt8(clamping: count), captured: captured)
        encodings[track] = encoding
        for packet in 0..<count { send(content, packet: packet, size: min(Self.payloadLimit, max(40, bytes / count)), track: track) }
    }

    private mutating func send(_ content: TestContent, packet: Int, size: Int, track: Int) {
        var content = content
        content.packet = UInt8(packet)
        let encoding = encodings[track]
        // Y: a point to begin with the layer at, since it is predicted from the base layer.
        let sync: UInt8 = content.temporal > 0 && content.reference == encoding.newest[0] ? 0x20 : 0
        var payload: [UInt8] = [packet == 0 ? 0x90 : 0x80, 0xF0, 0x80 | UInt8(encoding.pictureID >> 8), UInt8(encoding.pictureID & 0xFF)]
        payload += [encoding.zeroIndex, content.temporal << 6 | sync | encoding.keyIndex]
        payload += [content.isKeyframe ? 0x00 : 0x01, 0, 0, 0x9D, 0x01, 0x2A] + content.bytes
        payload += [UInt8](repeating: UInt8(packet & 0xFF), count: max(0, size - payload.count))
        let header = RTPHeader(
            marker: packet == Int(content.packetCount) - 1, payloadType: 96, sequence: encoding.sequence,
            timestamp: encoding.timestampBase &+ content.captured, ssrc: encoding.ssrc)
        encodings[track].sequence &+= 1
        deliver(header, payload, track: track)
    }

    private mutating func sendAudio() {
        nextAudio = now.advanced(by: .milliseconds(20))
        let header = RTPHeader(
            payloadType: 111, sequence: audioSequence,
            timestamp: audioTimestamp &+ UInt32(truncatingIfNeeded: now.duration(since: start).wholeNanoseconds * 48 / 1_000_000),
            ssrc: 0xA0D10)
        audioSequence &+= 1
        deliver(
            header,
            [0xFC]
                + TestContent(
                    encoding: 0xAA, frame: 0, reference: 0, temporal: 0, packet: 0, packetCount: 1, captured: captured
                ).bytes + [UInt8](repeating: 7, count: soundBytes), track: encodings.count)
    }

    private mutating func sendReports() {
        nextReport = now.advanced(by: .seconds(1))
        guard sendsReports else { return }
        let elapsed = now.duration(since: start).wholeNanoseconds
        let ntp = UInt64(3_900_000_000 + elapsed / 1_000_000_000) << 32 | UInt64((elapsed % 1_000_000_000) << 32 / 1_000_000_000)
        for track in encodings.indices {
            let report = SenderReportView(ssrc: encodings[track].ssrc, ntp: ntp, rtp: encodings[track].timestampBase &+ captured)
            cache.append(report, track: UInt8(track), epoch: ingress[track].epoch, arrival: now)
        }
        let audio = SenderReportView(
            ssrc: 0xA0D10, ntp: ntp, rtp: audioTimestamp &+ UInt32(truncatingIfNeeded: elapsed * 48 / 1_000_000))
        cache.append(audio, track: audioTrack, epoch: ingress[Int(audioTrack)].epoch, arrival: now)
    }

    private mutating func deliver(_ header: RTPHeader, _ payload: [UInt8], track: Int) {
        var bytes = [UInt8](repeating: 0, count: RTPPacketView.fixedHeaderSize) + payload
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        if random.happens(loss) {
            lostPackets += 1
            return
        }
        if heldBack == nil, random.happens(reorder) {
            heldBack = (track, bytes)
            return
        }
        store(bytes, track: track)
        guard let late = heldBack, late.track == track else { return }
        heldBack = nil
        store(late.bytes, track: late.track)
    }

    private mutating func store(_ bytes: [UInt8], track: Int) {
        bytes.withUnsafeBytes { buffer in
            guard let packet = RTPPacketView(reading: buffer), let accepted = ingress[track].accept(packet, arrival: now) else { return }
            if accepted.beginsEpoch { cache.breakGOP(of: UInt8(track)) }
            let codec: Codec = track == encodings.count ? .opus : .vp8
            let entry = GOPCache.Entry(
                track: UInt8(track), epoch: ingress[track].epoch, header: accepted.header, arrival: now,
                descriptor: PacketDescriptor(codec: codec, packet: packet))
            cache.append(entry, frame: accepted.frame, bytes: buffer)
            layers.count(entry, bytes: bytes.count)
        }
    }
}
