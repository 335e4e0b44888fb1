internal import Bridge

/// The element factories that a child may make; everything else is taken out of its registry before it reads a plan.
enum ElementAllowList {
    /// What webrtcbin makes by itself, and the ends of our pipelines.
    static let webRTC: Set<String> = [
        "webrtcbin", "nicesrc", "nicesink", "dtlssrtpenc", "dtlssrtpdec", "dtlssrtpdemux", "dtlsenc", "dtlsdec", "srtpenc", "srtpdec",
        "rtpbin", "rtpsession",
        "rtpssrcdemux", "rtpptdemux", "rtpjitterbuffer", "rtpfunnel", "funnel", "rtprtxsend", "rtprtxreceive", "rtpulpfecenc",
        "rtpulpfecdec", "rtpredenc", "rtpreddec", "rtpstorage", "rtphdrexttwcc", "clocksync", "queue", "capsfilter", "identity", "tee",
        "fakesink", "appsrc", "appsink", "pipeline", "bin",
    ]

    /// From RTP to frames of H.265; other codecs and all files are dealt with by our own code.
    static let recorder: Set<String> = ["pipeline", "bin", "appsrc", "appsink", "capsfilter", "rtph265depay", "h265parse"]

    /// From frames to pictures.
    static let pictures: Set<String> = [
        "pipeline", "bin", "appsrc", "appsink", "capsfilter", "vp8dec", "vp9dec", "avdec_h264", "avdec_h265", "av1dec", "videoconvert",
        "videoscale", "jpegenc", "pngenc", "webpenc",
    ]

    /// Sources, encoders and payloaders of a camera.
    static let camera: Set<String> = [
        "videotestsrc", "audiotestsrc", "v4l2src", "videoconvert", "videoscale", "videorate", "audioconvert", "audioresample",
        "clockoverlay", "textoverlay", "timeoverlay", "x264enc", "vp8enc", "opusenc", "h264parse", "rtph264pay", "rtpvp8pay",
        "rtpopuspay", "jpegdec", "videocrop", "videoflip", "volume", "level", "rtphdrextclientaudiolevel",
    ]

    /// What decodes a camera's local file. Never on network input.
    static let fileDecoding: Set<String> = [
        "filesrc", "uridecodebin", "decodebin", "typefind", "multiqueue", "queue2", "qtdemux", "matroskademux", "oggdemux", "wavparse",
        "flvdemux",
        "tsdemux", "h264parse", "h265parse", "vp9parse", "av1parse", "aacparse", "mpegaudioparse", "opusparse", "avdec_h264", "avdec_h265",
        "avdec_aac", "vp8dec", "vp9dec", "opusdec", "vorbisdec", "theoradec", "mpg123audiodec", "flacparse", "flacdec",
    ]

    /// What brings an RTSP camera's packets, and from them to pictures and sound: each depayloader is named, none is guessed.
    static let rtsp: Set<String> = [
        "rtspsrc", "rtpbin", "rtpsession", "rtpssrcdemux", "rtpptdemux", "rtpjitterbuffer", "rtpstorage", "funnel", "udpsrc",
        "multiudpsink", "dynudpsink", "udpsink", "appsrc", "fakesrc", "fakesink", "queue", "tee", "identity",
        "rtph264depay", "rtph265depay", "rtpvp8depay", "rtpjpegdepay", "rtpopusdepay", "rtppcmudepay", "rtppcmadepay", "rtpmp4gdepay",
        "h264parse", "h265parse", "aacparse", "avdec_h264", "avdec_h265", "vp8dec", "jpegdec", "opusdec", "mulawdec", "alawdec",
        "avdec_aac",
    ]

    /// From frames to one picture and one sound, encoded again, over a picture that an operator gave.
    static let composite: Set<String> = [
        "queue", "videotestsrc", "compositor", "pngdec", "jpegdec", "videocrop", "videorate", "textoverlay", "clockoverlay", "x264enc",
        "vp8enc", "rtph264pay", "rtpvp8pay",
        "audiotestsrc", "audiomixer", "audioconvert", "audioresample", "opusdec", "mulawdec", "alawdec", "opusenc", "rtpopuspay",
    ]

    /// From a stream's frames and its sound to somebody else's server.
    static let push: Set<String> = [
        "queue", "audiotestsrc", "audiomixer", "audioconvert", "audioresample", "opusdec", "mulawdec", "alawdec", "avenc_aac", "aacparse",
        "h264parse", "flvmux", "rtmp2sink", "mpegtsmux", "srtsink",
    ]

    /// From packets of Opus to whoever stands by a camera.
    static let speakers: Set<String> = [
        "rtpopusdepay", "opusdec", "audioconvert", "audioresample", "alsasink", "pulsesink", "opusenc", "oggmux", "filesink",
    ]

    /// From a microphone to a camera's sound.
    static let microphones: Set<String> = ["alsasrc", "pulsesrc", "audiomixer"]

    /// From packets of sound to its samples.
    static let listening: Set<String> = ["rtpopusdepay", "rtppcmudepay", "rtppcmadepay"]

    /// What this plan needs.
    static func elements(for work: PipelinePlan.Work) -> Set<String> {
        switch work {
        case .publish, .view, .conference: webRTC
        case .record: recorder
        case .finish: []
        case .picture: recorder.union(pictures)
        case .thumbnails: pictures
        case .talk: webRTC.union(speakers)
        case .composite: recorder.union(pictures).union(composite)
        case .push: recorder.union(push)
        case .listen: webRTC.union(composite).union(listening)
        case .camera(let plan): webRTC.union(camera).union(decoding(plan.capture.source))
        case .capture(let plan):
            camera.union(["pipeline", "bin", "appsrc", "appsink", "capsfilter", "queue", "clocksync"]).union(decoding(plan.source))
                .union(plan.microphone == nil ? [] : microphones)
        }
    }

    private static func decoding(_ source: CapturePlan.Source) -> Set<String> {
        switch source {
        case .file: fileDecoding
        case .rtsp: rtsp
        case .test, .v4l2: []
        }
    }

    /// Whether this plan guesses formats: only a camera's local file.
    static func needsTypefinders(_ work: PipelinePlan.Work) -> Bool {
        switch work {
        case .camera(let plan): plan.capture.source.isFile
        case .capture(let plan): plan.source.isFile
        default: false
        }
    }
}

extension CapturePlan.Source {
    var isFile: Bool { filePath != nil }

    /// The file's path, nil for other sources.
    var filePath: String? {
        guard case .file(let path) = self else { return nil }
        return path
    }
}
