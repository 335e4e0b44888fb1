internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// A row of elements from a source to RTP packets, built and linked.
struct CameraChain: Sendable {
    /// In the order of flow; the first is the source, or takes a source's pad.
    var elements: [Element]
    /// Where the packets leave.
    var output: Pad
    /// What the media section is to offer.
    var offeredCaps: Caps
    /// Does with what flows through it as it is asked, from now on.
    var adjust: @Sendable (CaptureAdjustment) -> Void
    /// Takes a microphone's sound where the plan has one.
    var desk: SoundDesk?
}

extension CapturePlan {
    /// Speech and a tone at good quality, bit/s.
    private static let audioBitrate = 48_000
    /// How late a microphone's samples may be: what a busy machine needs.
    private static let microphoneLatency = ClockTime.milliseconds(150)
    /// How far sound may be from its pictures before samples are left out, or silence put in.
    private static let greatestSkew = ClockTime.milliseconds(20)

    /// Adds the video chain to the pipeline: pictures, encoder, payloader.
    func makeVideo(in pipeline: Pipeline) throws(GStreamerError) -> CameraChain {
        let mount = try PictureMount(width: width, height: height, format: try pictureFormat(), adjustment: adjustment)
        let pictures = try makePictures() + mount.elements
        let queue = try Self.leakyQueue()
        let encoding = LiveEncoding(
            codec: videoCodec, bitrate: bitrate, framesPerSecond: framesPerSecond, keyframeInterval: keyframeInterval)
        let (encoder, coded) = try encoding.makeEncoder()
        let ssrc = UInt32.random(in: 1...UInt32.max)
        let payloader = try encoding.makePayloader(type: UInt8(Self.videoPayloadType), ssrc: ssrc)
        try pipeline.add(pictures + [queue, encoder, payloader])
        try Element.chain(pictures + [queue, encoder])
        try encoder.link(to: payloader, caps: coded)
        return CameraChain(
            elements: pictures + [queue, encoder, payloader], output: try payloader.pad("src"),
            offeredCaps: try offeredVideoCaps(ssrc: ssrc), adjust: { mount.adjust($0) })
    }

    /// Adds the audio chain to the pipeline: tone, microphone or the file's sound, Opus, payloader.
    func makeAudio(in pipeline: Pipeline) throws(GStreamerError) -> CameraChain {
        let desk = try microphone.map { _ throws(GStreamerError) in
            try SoundDesk(in: pipeline, latency: Self.microphoneLatency, alignment: Self.greatestSkew)
        }
        var sound: [Element] = []
        switch source {
        case .test where desk != nil, .v4l2 where desk != nil: break
        case .test, .v4l2:
            let tone = try Element("audiotestsrc")
            try tone.set(["is-live": "true", "wave": "sine", "freq": "440", "volume": "0.2", "samplesperbuffer": "960"])
            sound.append(tone)
        case .file: sound.append(try Element("clocksync"))
        case .rtsp: break
        }
        let volume = try Element("volume")
        try volume.set("mute", adjustment.mutes.contains(.audio) ? "true" : "false")
        sound += [try Element("audioconvert"), try Element("audioresample"), try Self.filter("audio/x-raw,rate=48000,channels=2"), volume]
        let encoder = try Element("opusenc")
        try encoder.set(["bitrate": String(Self.audioBitrate), "frame-size": "20"])
        let payloader = try Element("rtpopuspay")
        let ssrc = UInt32.random(in: 1...UInt32.max)
        try payloader.set(["pt": String(Self.audioPayloadType), "mtu": String(LiveEncoding.packetBytes), "ssrc": String(ssrc)])
        let loudness = try makeLoudness()
        let elements = sound + loudness.meter + [try Self.leakyQueue(), encoder, payloader] + loudness.announcement
        try pipeline.add(elements)
        try Element.chain((desk?.elements.suffix(1) ?? []) + elements)
        let caps = "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2"
        return CameraChain(
            elements: elements, output: try (elements.last ?? payloader).pad("src"),
            offeredCaps: try Caps(caps + ",payload=\(Self.audioPayloadType),ssrc=(uint)\(ssrc)"),
            adjust: { try? volume.set("mute", $0.mutes.contains(.audio) ? "true" : "false") }, desk: desk)
    }

    /// What measures the sound and what makes the payloader say so; nothing where that is not wanted.
    private func makeLoudness() throws(GStreamerError) -> (meter: [Element], announcement: [Element]) {
        guard let audioLevel else { return ([], []) }
        let meter = try Element("level")
        try meter.set(["audio-level-meta": "true", "post-messages": "false"])
        // A payloader writes the extensions that are named behind it; the last text is what GStreamer's extension says of itself.
        let uri = HeaderExtensionKind.audioLevel.uri
        return ([meter], [try Self.filter("application/x-rtp,extmap-\(audioLevel)=(string)<\"\",\(uri),\"vad=on\">")])
    }

    /// Square pixels: viewers take every picture for such, so that one of another shape gets borders.
    private func pictureFormat() throws(GStreamerError) -> Element {
        try Self.filter(
            "video/x-raw,format=I420,width=\(width),height=\(height),framerate=\(framesPerSecond)/1,pixel-aspect-ratio=1/1")
    }

    /// Raw I420 pictures of the plan's size and rate.
    private func makePictures() throws(GStreamerError) -> [Element] {
        let format = try pictureFormat()
        switch source {
        case .test:
            let pattern = try Element("videotestsrc")
            try pattern.set(["is-live": "true", "pattern": "ball", "animation-mode": "running-time"])
            let overlay = try Element("textoverlay")
            try overlay.set(["valignment": "bottom", "halignment": "left", "shaded-background": "true", "font-desc": "Monospace 16"])
            try burnClock(into: overlay)
            return [pattern, format, overlay]
        case .v4l2(let device):
            let camera = try Element("v4l2src")
            try camera.set("device", device)
            return [camera, try Element("videoconvert"), try Element("videoscale"), try Element("videorate"), format]
        case .file:
            return [try Element("clocksync"), try Element("videoconvert"), try Element("videoscale"), try Element("videorate"), format]
        case .rtsp:
            return [try Element("videoconvert"), try Element("videoscale"), try Element("videorate"), format]
        }
    }

    /// Time and frame number for people, and the strip for machines, both as the picture leaves the source.
    private func burnClock(into overlay: Element) throws(GStreamerError) {
        let counter = FrameCounter()
        let target = WeakElement(overlay)
        try overlay.pad("video_sink").inspectBuffers { _ in
            let number = counter.next()
            try? target.value?.set("text", "\(WallTime(nanoseconds: SystemClocks.wallNanoseconds).iso8601)  frame \(number)")
            return .pass
        }
        guard let strip = ClockStrip(width: width, height: height) else { return }
        try overlay.pad("src").rewriteBuffers(with: { strip.draw(WallTime(nanoseconds: SystemClocks.wallNanoseconds), into: $0) })
    }

    private func offeredVideoCaps(ssrc: UInt32) throws(GStreamerError) -> Caps {
        var text =
            "application/x-rtp,media=video,encoding-name=\(videoCodec.encodingName),clock-rate=90000,payload=\(Self.videoPayloadType)"
        text += ",ssrc=(uint)\(ssrc)"  // without it bundled receivers must guess which section a packet belongs to
        // RFC 6184 section 8.1: constrained baseline at level 3.1; receivers may use another level.
        if videoCodec == .h264 {
            text += ",packetization-mode=(string)1,profile-level-id=(string)42e01f,level-asymmetry-allowed=(string)1"
        }
        return try Caps(text)
    }

    /// Two buffers at most, old ones go first: a source never waits for a transport that is not up yet.
    private static func leakyQueue() throws(GStreamerError) -> Element {
        let queue = try Element("queue")
        try queue.set(["leaky": "downstream", "max-size-buffers": "2", "max-size-bytes": "0", "max-size-time": "0"])
        return queue
    }

    private static func filter(_ caps: String) throws(GStreamerError) -> Element {
        let filter = try Element("capsfilter")
        try filter.set("caps", Caps(caps))
        return filter
    }
}

/// Counts pictures on their streaming thread.
private final class FrameCounter: Sendable {
    private let frames = Atomic(0)

    func next() -> Int { frames.wrappingAdd(1, ordering: .relaxed).newValue }
}
