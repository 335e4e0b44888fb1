import BridgeModel
import Forwarding
import RTP

/// A stream of one VP8 video track (0), one Opus track (1) and a smaller encoding of the video (2) in virtual time: its packets go through ingress into the cache as in the hub.
struct SyntheticStream: ~Copyable {
    static let video = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
    static let audio = TrackDescription(index: 1, codec: .opus, payloadType: 111, channels: 2, mid: "1")
    static let smaller = TrackDescription(index: 2, codec: .vp8, payloadType: 96, mid: "0")

    var cache: GOPCache
    var ingress = [IngressTrack(Self.video), IngressTrack(Self.audio), IngressTrack(Self.smaller)]
    var now = MonotonicTime(nanoseconds: 1_000_000_000)
    /// The source's own numbers: a test changes them to play a restart.
    var ssrc: [UInt32] = [0xA0, 0xB0, 0xC0]
    var sequence: [UInt16] = [100, 200, 300]
    var timestamp: [UInt32] = [10_000, 20_000, 70_000]

    init(limits: GOPCache.Limits = GOPCache.Limits()) {
        cache = GOPCache(trackCount: 3, limits: limits)
    }

    /// Lets time pass, for the source's sampling clocks too.
    mutating func advance(_ duration: Duration) {
        now = now.advanced(by: duration)
        timestamp[0] &+= UInt32(truncatingIfNeeded: duration.wholeMilliseconds * 90)
        timestamp[2] &+= UInt32(truncatingIfNeeded: duration.wholeMilliseconds * 90)
        timestamp[1] &+= UInt32(truncatingIfNeeded: duration.wholeMilliseconds * 48)
    }

    /// One frame of video in `packets` packets, each of `size` bytes of payload.
    mutating func sendFrame(keyframe: Bool, packets: Int = 1, size: Int = 20, track: UInt8 = 0) {
        for number in 0..<packets {
            let begins = number == 0
            var payload: [UInt8] = [begins ? 0x10 : 0x00, keyframe ? 0x00 : 0x01, 0, 0, 0x9D, 0x01, 0x2A]
            payload += [UInt8](repeating: UInt8(number & 0xFF), count: max(0, size - payload.count))
            send(track: track, payloadType: 96, marker: number == packets - 1, payload: payload)
        }
    }

    mutating func sendAudio() { send(track: 1, payloadType: 111, marker: false, payload: [0xFC, 0xFF, 0xFE]) }

    /// `count` frames of 33 ms each, every packet behind its audio; the first is a keyframe if wanted.
    mutating func run(frames count: Int, startingWithKeyframe: Bool, packets: Int = 1) {
        for frame in 0..<count {
            sendFrame(keyframe: startingWithKeyframe && frame == 0, packets: packets)
            sendAudio()
            advance(.milliseconds(33))
        }
    }

    /// A gap in the source's numbers.
    mutating func lose(track: Int, packets: UInt16 = 1) { sequence[track] &+= packets }

    mutating func sendReport(track: UInt8, ntp: UInt64) {
        let report = SenderReportView(ssrc: ssrc[Int(track)], ntp: ntp, rtp: timestamp[Int(track)])
        cache.append(report, track: track, epoch: ingress[Int(track)].epoch, arrival: now)
    }

    private mutating func send(track: UInt8, payloadType: UInt8, marker: Bool, payload: [UInt8]) {
        let header = RTPHeader(
            marker: marker, payloadType: payloadType, sequence: sequence[Int(track)], timestamp: timestamp[Int(track)],
            ssrc: ssrc[Int(track)])
        sequence[Int(track)] &+= 1
        var bytes = [UInt8](repeating: 0, count: RTPPacketView.fixedHeaderSize) + payload
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        bytes.withUnsafeBytes { buffer in
            guard let packet = RTPPacketView(reading: buffer),
                let accepted = ingress[Int(track)].accept(packet, arrival: now)
            else { return }
            if accepted.beginsEpoch { cache.breakGOP(of: track) }
            let entry = GOPCache.Entry(track: track, epoch: ingress[Int(track)].epoch, header: accepted.header, arrival: now)
            cache.append(entry, frame: accepted.frame, bytes: buffer)
        }
    }
}

extension EgressTrack {
    /// Everything that may be sent now, through a socket that is never full.
    mutating func drain(_ stream: borrowing SyntheticStream) -> [Packet] {
        var packets: [Packet] = []
        while let delivery = next(in: stream.cache, now: stream.now) {
            if case .packet(let packet) = delivery { packets.append(packet) }
        }
        return packets
    }

    /// The reports among everything that may be sent now.
    mutating func drainReports(_ stream: borrowing SyntheticStream) -> [SenderReportView] {
        var reports: [SenderReportView] = []
        while let delivery = next(in: stream.cache, now: stream.now) {
            if case .report(let report, _) = delivery { reports.append(report) }
        }
        return reports
    }

    init(_ description: TrackDescription, _ timing: SubscriptionTiming, _ stream: borrowing SyntheticStream, rules: Rules = Rules()) {
        self.init(description, timing: timing, cache: stream.cache, now: stream.now, rules: rules)
    }
}

extension [EgressTrack.Packet] {
    /// Whether each sequence number follows the one before.
    var isContinuous: Bool { zip(self, dropFirst()).allSatisfy { $1.header.sequence == $0.header.sequence &+ 1 } }

    /// Whether timestamps never go back, and rise from frame to frame.
    var hasRisingTimestamps: Bool {
        zip(self, dropFirst()).allSatisfy { earlier, later in
            let step = TimestampUnwrapper.distance(from: earlier.header.timestamp, to: later.header.timestamp)
            return earlier.header.marker ? step > 0 : step >= 0
        }
    }
}
