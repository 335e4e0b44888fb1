internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import Synchronization

/// A camera on the network as a source: each of its formats is taken apart by the elements that are named here, and no other.
final class RTSPSource: CameraFeed {
    let element: Element
    /// What waits for late packets, ms: a camera in the same building.
    private static let latency = 200
    /// Silence of a connection that counts as its end, us.
    private static let patience = 8_000_000

    init(url: Redacted<String>) throws(GStreamerError) {
        element = try Element("rtspsrc")
        // UDP first, then TCP within the RTSP connection.
        try element.set(["latency": String(Self.latency), "protocols": "tcp+udp", "tcp-timeout": String(Self.patience)])
        try element.set("location", url.revealed)
    }

    /// Host and port of an RTSP URL: what may be shown of it.
    static func place(of url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url }
        let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        return String(authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority)
    }

    /// From the packets of one format to raw pictures or sound; nil for formats that are not taken. `encoding`: as in `a=rtpmap`.
    static func decoding(_ encoding: String) -> [String]? {
        switch encoding.uppercased() {
        case "H264": ["rtph264depay", "h264parse", "avdec_h264"]
        case "H265": ["rtph265depay", "h265parse", "avdec_h265"]
        case "VP8": ["rtpvp8depay", "vp8dec"]
        case "JPEG": ["rtpjpegdepay", "jpegdec"]
        case "OPUS": ["rtpopusdepay", "opusdec"]
        case "PCMU": ["rtppcmudepay", "mulawdec"]
        case "PCMA": ["rtppcmadepay", "alawdec"]
        case "MPEG4-GENERIC": ["rtpmp4gdepay", "aacparse", "avdec_aac"]
        default: nil
        }
    }

    func connect(video: Element, audio: Element?, pipeline: Pipeline, loop: GLibLoop) {
        let owner = WeakPipeline(pipeline)
        element.onPadAdded { pad in
            let caps = pad.currentCaps?.description ?? ""
            let taker = caps.contains("media=(string)video") ? video : caps.contains("media=(string)audio") ? audio : nil
            guard let pipeline = owner.value else { return }
            do {
                guard let sink = try taker?.pad("sink"), !sink.isLinked, let names = Self.decoding(Self.encoding(of: caps)) else {
                    let kind = caps.contains("media=(string)video") ? "video" : "audio"
                    HostFacts.logLine("viaduct-pipeline: \(kind) of the RTSP camera is left out (\(Self.encoding(of: caps)))")
                    // Without a taker the source would end for the stream that nobody wants.
                    let nobody = try Element("fakesink")
                    try nobody.set(["sync": "false", "async": "false"])
                    try Self.add([nobody], to: pipeline)
                    return try pad.link(to: nobody.pad("sink"))
                }
                let chain = try names.map { name throws(GStreamerError) in try Element(name) }
                try pipeline.add(chain)
                try Element.chain(chain)
                guard let first = chain.first, let last = chain.last else { return }
                try last.pad("src").link(to: sink)
                for element in chain.reversed() { try element.syncStateWithParent() }
                try pad.link(to: first.pad("sink"))
            } catch {
                HostFacts.logLine("viaduct-pipeline: a stream of the RTSP camera cannot be used: \(error)")
            }
        }
    }

    private static func add(_ elements: [Element], to pipeline: Pipeline) throws(GStreamerError) {
        try pipeline.add(elements)
        for element in elements { try element.syncStateWithParent() }
    }

    /// What RTP caps name as their format, or what their payload type stands for where SDP need not say it (RFC 3551 section 6); empty for others.
    static func encoding(of caps: String) -> String {
        let word = { (name: String) -> String? in
            caps.firstRange(of: name).map { String(caps[$0.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "-" }) }
        }
        if let name = word("encoding-name=(string)") { return name }
        return switch word("payload=(int)") {
        case "0": "PCMU"
        case "8": "PCMA"
        case "26": "JPEG"
        default: ""
        }
    }

    func playOnceMore() {}
    func detach() {}
}
