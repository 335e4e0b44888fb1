import Bridge
import BridgeModel
import Testing

@testable import PipelineChild

/// What an RTSP camera says of itself.
@Suite struct RTSPSourceTests {
    @Test(arguments: [
        ("application/x-rtp, media=(string)video, payload=(int)96, encoding-name=(string)H264, a=(string)x", "H264"),
        ("application/x-rtp, media=(string)audio, payload=(int)97, encoding-name=(string)MPEG4-GENERIC", "MPEG4-GENERIC"),
        ("application/x-rtp, media=(string)audio, payload=(int)0, clock-rate=(int)8000", "PCMU"),
        ("application/x-rtp, media=(string)audio, payload=(int)8", "PCMA"), ("application/x-rtp, payload=(int)26", "JPEG"),
        ("application/x-rtp, payload=(int)96", ""), ("encoding-name=(string)", ""), ("", ""),
    ])
    func itsFormatIsItsNameOrItsPayloadType(caps: String, encoding: String) {
        #expect(RTSPSource.encoding(of: caps) == encoding)
    }

    @Test func whatIsShownOfItsURLIsNoSecret() {
        #expect(RTSPSource.place(of: "rtsp://user:p@ss@10.0.0.9:554/h264?u=x@y") == "10.0.0.9:554")
        #expect(RTSPSource.place(of: "rtsp://cam/x") == "cam" && RTSPSource.place(of: "rtsp://[::1]:5/") == "[::1]:5")
    }

    @Test func everyNamedElementMayBeMade() {
        let plan = CapturePlan(
            source: .rtsp(url: Redacted("rtsp://a")), videoCodec: .h264, width: 64, height: 64, framesPerSecond: 5, bitrate: 1,
            keyframeInterval: .seconds(1), audio: true)
        let allowed = ElementAllowList.elements(for: .capture(plan))
        for encoding in ["H264", "H265", "VP8", "JPEG", "opus", "PCMU", "PCMA", "mpeg4-generic"] {
            #expect(RTSPSource.decoding(encoding).map { allowed.isSuperset(of: $0) } == true, "\(encoding)")
        }
        #expect(RTSPSource.decoding("") == nil && RTSPSource.decoding("VP9") == nil && !ElementAllowList.needsTypefinders(.capture(plan)))
        #expect(plan.tracks.map(\.codec) == [.h264, .opus])
    }

    @Test func aMicrophoneMayBeOpenedOnlyWhereThePlanHasOne() {
        var plan = CapturePlan(
            source: .v4l2(device: "/dev/video0"), videoCodec: .h264, width: 64, height: 64, framesPerSecond: 5, bitrate: 1,
            keyframeInterval: .seconds(1), audio: true)
        let devices: Set = ["alsasrc", "pulsesrc", "audiomixer"]
        #expect(ElementAllowList.elements(for: .capture(plan)).isDisjoint(with: devices))
        plan.microphone = .pulse(device: nil)
        #expect(ElementAllowList.elements(for: .capture(plan)).isSuperset(of: devices.union(["appsrc", "appsink", "audioresample"])))
    }

    @Test func aSourceIsSilentAfterTenSeconds() {
        var silence = SourceSilence()
        let rounds = ([1, 2, 3, 3, 3, 3, 3, 3, 4] as [UInt64]).map { silence.isOver(packets: $0) }
        #expect(rounds == [false, false, false, false, false, false, false, true, false])
    }
}
