import BridgeModel
import LoadGeneration
import RTP

/// A publisher on a virtual clock, and what it sent.
struct Publishing {
    static let media: UInt32 = 0x1000_0001
    static let rtx: UInt32 = 0x1000_0002
    static let start = MonotonicTime(nanoseconds: 5_000_000_000)
    /// The clock of stamps beside the monotonic one.
    static let wallOffset: UInt64 = 1_700_000_000_000_000

    var video: VideoPublisher
    var now = Self.start

    init(_ settings: VideoSettings = VideoSettings(), hasRTX: Bool = true) {
        let track = SentTrack(
            ssrc: Self.media, payloadType: 96, rtx: hasRTX ? (ssrc: Self.rtx, payloadType: 97) : nil, mid: (id: 1, text: "0"))
        video = VideoPublisher(settings, track: track, seed: 0x1234_5678_9ABC_DEF0, now: Self.start)
    }

    static func wall(_ time: MonotonicTime) -> UInt64 { wallOffset + time.nanoseconds / 1000 }

    /// The packets of the next `duration`, with the times at which they were due.
    mutating func run(for duration: Duration) -> [(bytes: [UInt8], time: MonotonicTime)] {
        let end = now.advanced(by: duration)
        var packets: [(bytes: [UInt8], time: MonotonicTime)] = []
        while video.deadline < end {
            now = max(now, video.deadline)
            let bytes = Self.write { video.writePacket(to: $0, now: now, wall: Self.wall(now)) }
            if !bytes.isEmpty { packets.append((bytes, now)) }
        }
        now = end
        return packets
    }

    static func write(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 2048) { buffer, count in count = body(UnsafeMutableRawBufferPointer(buffer)) }
    }
}

extension [UInt8] {
    /// What a packet says; nil when it is none.
    func readPacket<Result>(_ body: (RTPPacketView) -> Result) -> Result? {
        withUnsafeBytes { RTPPacketView(reading: $0).map(body) }
    }
}
