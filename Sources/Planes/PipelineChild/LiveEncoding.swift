internal import BridgeModel
internal import GStreamerKit

/// Video that is encoded while somebody watches: no frame waits for another, and a keyframe can be asked for.
struct LiveEncoding {
    var codec: Codec
    /// Target, bit/s.
    var bitrate: Int
    var framesPerSecond: Int
    /// Longest distance between keyframes.
    var keyframeInterval: Duration

    /// Bytes of an RTP packet, so that SRTP, UDP and a tunnel stay under 1,280.
    static let packetBytes = 1200

    /// The encoder, and the caps that it is to be linked with.
    func makeEncoder() throws(GStreamerError) -> (Element, Caps) {
        let distance = String(max(1, keyframeInterval.wholeMilliseconds * Int64(framesPerSecond) / 1000))
        if codec == .vp8 {
            let encoder = try Element("vp8enc")
            try encoder.set(["deadline": "1", "cpu-used": "8", "end-usage": "cbr", "lag-in-frames": "0", "threads": "2"])
            try encoder.set(["target-bitrate": String(bitrate), "keyframe-max-dist": distance, "error-resilient": "default"])
            return (encoder, try Caps("video/x-vp8"))
        }
        guard codec == .h264 else { throw GStreamerError(.missingElement, "h264 and vp8 are encoded here, not \(codec.rawValue)") }
        let encoder = try Element("x264enc")
        try encoder.set(["tune": "zerolatency", "speed-preset": "ultrafast", "bframes": "0", "b-adapt": "false", "key-int-max": distance])
        try encoder.set(["bitrate": String(max(1, bitrate / 1000)), "threads": "1", "byte-stream": "true"])
        return (encoder, try Caps("video/x-h264,profile=constrained-baseline,stream-format=byte-stream"))
    }

    func makePayloader(type: UInt8, ssrc: UInt32) throws(GStreamerError) -> Element {
        let payloader = try Element(codec == .vp8 ? "rtpvp8pay" : "rtph264pay")
        try payloader.set(["pt": String(type), "mtu": String(Self.packetBytes), "ssrc": String(ssrc)])
        if codec == .vp8 {
            try payloader.set("picture-id-mode", "15-bit")
        } else {
            try payloader.set(["config-interval": "-1", "aggregate-mode": "zero-latency"])
        }
        return payloader
    }
}
