import Bridge
import BridgeModel
import GStreamerKit
import LinuxIO
import RTP
import Synchronization

/// Real encoders and payloaders that send a moving picture and a tone into media sockets, as the hub would: live, each packet with its arrival
/// time, and sender reports on request.
final class SyntheticCamera: Sendable {
    /// The hub's ends of the media sockets, and the recorder's.
    let near: [DatagramSocket]
    let far: [Int32]
    let tracks: [TrackDescription]
    private let pipeline: Pipeline
    private let feeds: [Feed]
    private let encoders: [Element]
    private let sizes: [Element]

    /// What a camera sends.
    struct Picture: Sendable {
        var codec: Codec
        var width = 320
        var height = 240
        /// Frames between keyframes.
        var keyframeInterval = 30
        /// Frames; nil: without end.
        var count: Int?
    }

    init(pictures: [Picture], sound: Codec?) throws {
        try GStreamer.initialise()
        pipeline = try Pipeline(name: "camera") { _ in }
        var tracks: [TrackDescription] = []
        var feeds: [Feed] = []
        var encoders: [Element] = []
        var sizes: [Element] = []
        for picture in pictures {
            let track = TrackDescription(index: UInt8(tracks.count), codec: picture.codec, payloadType: 96, mid: "\(tracks.count)")
            let feed = try Feed(track)
            let (encoder, size) = try Self.video(picture, into: pipeline, feed)
            encoders.append(encoder)
            sizes.append(size)
            tracks.append(track)
            feeds.append(feed)
        }
        if let sound {
            let track = TrackDescription(
                index: UInt8(tracks.count), codec: sound, payloadType: 111, channels: Self.isStereo(sound) ? 2 : nil,
                formatParameters: sound == .aac ? "mode=AAC-hbr;config=1190" : "", mid: "a")
            let feed = try Feed(track)
            try Self.audio(sound, into: pipeline, feed)
            tracks.append(track)
            feeds.append(feed)
        }
        (self.tracks, self.feeds, self.encoders, self.sizes) = (tracks, feeds, encoders, sizes)
        near = feeds.map(\.near)
        far = feeds.map(\.far)
    }

    deinit {
        try? pipeline.setState(.null)
        pipeline.detachBus()
    }

    func play() throws { try pipeline.setState(.playing) }
    func pause() { for feed in feeds { feed.mute(true) } }
    func resume() { for feed in feeds { feed.mute(false) } }
    func mute(track: Int, _ isMuted: Bool) { feeds[track].mute(isMuted) }
    /// Delays the track's packets: their arrival times are that much later.
    func setDelay(track: Int, milliseconds: UInt64) { feeds[track].setDelay(milliseconds * 1_000_000) }
    /// Loses the next `count` packets.
    func lose(track: Int, count: Int) { feeds[track].lose(count) }
    /// Sends a sender report that is true for the newest packet; wall clock = monotonic + `offset`.
    func report(offset: Int64) { for feed in feeds { feed.report(offset: offset) } }
    /// Tells the recorder that every track is over.
    func end() { for feed in feeds { feed.end() } }
    func forceKeyframe(track: Int) throws { try encoders[track].pad("src").requestKeyframe() }
    /// The picture changes its size while it is sent.
    func resize(track: Int, width: Int, height: Int) throws {
        try sizes[track].set("caps", Caps("video/x-raw,format=I420,width=\(width),height=\(height),framerate=25/1"))
    }
    var packets: [Int] { feeds.map(\.packets) }
    /// Keyframe requests that came back on this track's socket.
    func keyframeRequests(track: Int) -> Int { feeds[track].readRequests() }

    private static func video(_ picture: Picture, into pipeline: Pipeline, _ feed: Feed) throws -> (encoder: Element, size: Element) {
        let source = try Element("videotestsrc")
        try source.set(["is-live": "true", "pattern": "ball", "num-buffers": "\(picture.count ?? -1)"])
        let filter = try Element("capsfilter")
        try filter.set("caps", Caps("video/x-raw,format=I420,width=\(picture.width),height=\(picture.height),framerate=25/1"))
        let (encoderName, payloader) = try names(picture.codec)
        let encoder = try Element(encoderName)
        switch picture.codec {
        case .vp8, .vp9:
            try encoder.set(["deadline": "1", "cpu-used": "8", "keyframe-max-dist": "\(picture.keyframeInterval)", "lag-in-frames": "0"])
        default: try encoder.set(["tune": "zerolatency", "speed-preset": "ultrafast", "key-int-max": "\(picture.keyframeInterval)"])
        }
        let payload = try Element(payloader)
        try payload.set(["pt": "96", "mtu": "1200"])
        let chain = [source, filter, encoder, payload, feed.sink.element]
        try pipeline.add(chain)
        try Element.chain(chain)
        return (encoder, filter)
    }

    private static func audio(_ codec: Codec, into pipeline: Pipeline, _ feed: Feed) throws {
        let source = try Element("audiotestsrc")
        try source.set(["is-live": "true", "samplesperbuffer": isStereo(codec) ? "960" : "160"])
        let filter = try Element("capsfilter")
        let rate = codec.clockRate
        try filter.set("caps", Caps("audio/x-raw,format=S16LE,layout=interleaved,rate=\(rate),channels=\(isStereo(codec) ? 2 : 1)"))
        let (encoderName, payloader) = try names(codec)
        let payload = try Element(payloader)
        try payload.set(["pt": "111"])
        let chain = [source, filter, try Element(encoderName), payload, feed.sink.element]
        try pipeline.add(chain)
        try Element.chain(chain)
    }

    private static func isStereo(_ codec: Codec) -> Bool { codec == .opus || codec == .aac }

    private static func names(_ codec: Codec) throws -> (encoder: String, payloader: String) {
        switch codec {
        case .vp8: ("vp8enc", "rtpvp8pay")
        case .vp9: ("vp9enc", "rtpvp9pay")
        case .h264: ("x264enc", "rtph264pay")
        case .h265: ("x265enc", "rtph265pay")
        case .opus: ("opusenc", "rtpopuspay")
        case .pcmu: ("mulawenc", "rtppcmupay")
        case .pcma: ("alawenc", "rtppcmapay")
        case .aac: ("voaacenc", "rtpmp4gpay")
        case .av1: throw GStreamerError(.missingElement, "no AV1 payloader")
        }
    }
}

/// One track's appsink and socket pair.
private final class Feed: Sendable {
    struct State {
        var sequence: UInt32 = 0
        var packets = 0
        var isMuted = false
        var toLose = 0
        var delay: UInt64 = 0
        var newest: (rtp: UInt32, at: UInt64)?
    }

    let near: DatagramSocket
    let far: Int32
    let sink: AppSink
    private let track: UInt8

    init(_ track: TrackDescription) throws {
        let pair = try SocketPair.datagram()
        let near = DatagramSocket(descriptor: pair.near)
        let state = SharedState()
        let index = track.index
        (self.near, far, self.track) = (near, pair.far, index)
        sink = try AppSink { item in
            if case .sample(let sample) = item { state.send(sample.bytes, track: index, to: near) }
            return true
        }
        shared = state
    }

    private let shared: SharedState
    func mute(_ isMuted: Bool) { shared.state.withLock { $0.isMuted = isMuted } }
    func setDelay(_ nanoseconds: UInt64) { shared.state.withLock { $0.delay = nanoseconds } }
    func lose(_ count: Int) { shared.state.withLock { $0.toLose = count } }
    var packets: Int { shared.state.withLock { $0.packets } }

    func report(offset: Int64) {
        guard let newest = shared.state.withLock({ $0.newest }) else { return }
        let wall = UInt64(Int64(newest.at) + offset)
        let ntp = (wall / 1_000_000_000 + 2_208_988_800) << 32 | ((wall % 1_000_000_000) << 32) / 1_000_000_000
        var bytes = [UInt8](repeating: 0, count: MediaDatagram.headerSize + SenderReportView.size)
        bytes.withUnsafeMutableBytes { buffer in
            shared.header(.senderReport, track: track, time: newest.at).write(to: buffer)
            let report = UnsafeMutableRawBufferPointer(rebasing: buffer[MediaDatagram.headerSize...])
            SenderReportView(ssrc: 1, ntp: ntp, rtp: newest.rtp).write(to: report)
            near.send(UnsafeRawBufferPointer(buffer))
        }
    }

    func end() {
        var bytes = [UInt8](repeating: 0, count: MediaDatagram.headerSize)
        bytes.withUnsafeMutableBytes { buffer in
            shared.header(.end, track: track, time: SystemClocks.monotonicNanoseconds).write(to: buffer)
            near.send(UnsafeRawBufferPointer(buffer))
        }
    }

    func readRequests() -> Int {
        var buffer = [UInt8](repeating: 0, count: 64)
        var requests = 0
        while case .datagram(let count) = buffer.withUnsafeMutableBytes({ near.receive(into: $0) }) {
            let header = buffer.withUnsafeBytes { MediaDatagram(reading: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            if header?.kind == .keyframeRequest { requests += 1 }
        }
        return requests
    }
}

private final class SharedState: Sendable {
    let state = Mutex(Feed.State())

    func header(_ kind: MediaDatagram.Kind, track: UInt8, time: UInt64) -> MediaDatagram {
        state.withLock { state in
            state.sequence &+= 1
            return MediaDatagram(kind: kind, track: track, sequence: state.sequence, time: MonotonicTime(nanoseconds: time))
        }
    }

    func send(_ packet: UnsafeRawBufferPointer, track: UInt8, to socket: DatagramSocket) {
        guard let view = RTPPacketView(reading: packet) else { return }
        let now = SystemClocks.monotonicNanoseconds
        let (isKept, time) = state.withLock { state in
            state.newest = (view.timestamp, now)
            let isLost = state.toLose > 0
            if isLost { state.toLose -= 1 }
            if !isLost, !state.isMuted { state.packets += 1 }
            return (!isLost && !state.isMuted, now + state.delay)
        }
        guard isKept else { return }
        var bytes = [UInt8](repeating: 0, count: MediaDatagram.headerSize + packet.count)
        bytes.withUnsafeMutableBytes { buffer in
            header(.rtp, track: track, time: time).write(to: buffer)
            UnsafeMutableRawBufferPointer(rebasing: buffer[MediaDatagram.headerSize...]).copyMemory(from: packet)
            socket.send(UnsafeRawBufferPointer(buffer))
        }
    }
}
