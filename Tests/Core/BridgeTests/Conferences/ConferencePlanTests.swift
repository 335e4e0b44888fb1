import Bridge
import BridgeModel
import Testing

@Suite struct ConferencePlanTests {
    private func track(_ index: UInt8, _ codec: Codec, _ type: UInt8, _ parameters: String = "") -> TrackDescription {
        TrackDescription(index: index, codec: codec, payloadType: type, formatParameters: parameters, mid: "m\(index)")
    }

    @Test func tracksKeepTheirPayloadTypesWhereTheyDiffer() {
        let tracks = ConferencePlan.tracks(of: [track(0, .h264, 102), track(1, .opus, 111), track(2, .vp8, 102), track(3, .vp8, 96)])
        #expect(tracks.map(\.payloadType) == [102, 111, 96, 97] && tracks.map(\.mid) == ["0", "1", "2", "3"])
    }

    @Test func whatBrowsersDoNotTakeIsLeftOut() {
        let tracks = ConferencePlan.tracks(of: [track(0, .aac, 97), track(1, .h264, 97), track(2, .opus, 111)])
        #expect(tracks.map(\.source.index) == [1, 2] && tracks.map(\.payloadType) == [97, 111] && tracks.map(\.mid) == ["0", "1"])
        #expect(ConferencePlan.tracks(of: [track(0, .aac, 97)]).isEmpty)
    }

    @Test func anOfferNamesTheParametersOfWhatIsSent() {
        let stream = [track(0, .h264, 102, "packetization-mode=1;profile-level-id=42e01f"), track(1, .opus, 111)]
        let plan = ConferencePlan(
            tracks: ConferencePlan.tracks(of: stream),
            identity: DTLSIdentity(pem: Redacted("x"), fingerprint: Fingerprint(algorithm: "sha-256", value: "AA")), ice: IceSettings())
        let lines = [
            "v=0", "m=video 9 UDP/TLS/RTP/SAVPF 102 97", "a=rtpmap:102 H264/90000", "a=rtpmap:97 rtx/90000",
            "a=rtcp-fb:111 transport-cc", "a=rtpmap:111 OPUS/48000/2",
        ]
        let whole = plan.completing(offer: lines.map { $0 + "\r\n" }.joined())
        var expected = lines.filter { !$0.contains("transport-cc") }
        expected.insert("a=fmtp:102 packetization-mode=1;profile-level-id=42e01f", at: 3)
        #expect(whole == expected.map { $0 + "\r\n" }.joined())
    }

    @Test func theLoudnessOfSoundIsOfferedAndToldWhereItIsTaken() {
        let stream = [track(0, .vp8, 96), track(1, .opus, 111)]
        var plan = ConferencePlan(
            tracks: ConferencePlan.tracks(of: stream, audioLevel: 3),
            identity: DTLSIdentity(pem: Redacted("x"), fingerprint: Fingerprint(algorithm: "sha-256", value: "AA")), ice: IceSettings())
        let lines = [
            "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 VP8/90000", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 OPUS/48000/2",
        ]
        let offer = lines.map { $0 + "\r\n" }.joined()
        let level = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
        #expect(plan.completing(offer: offer) == offer + "a=extmap:3 \(level) vad=off\r\n")
        for (answer, isTold) in [
            ("a=mid:1\r\na=extmap:3 \(level)\r\n", true), ("a=extmap:3 \(level) vad=off\n", true), ("a=extmap:33 \(level)\r\n", false),
            ("a=extmap:3 urn:other\r\n", false), ("", false),
        ] {
            #expect(plan.tellsAudioLevels(by: answer) == isTold)
        }
        plan.tracks = ConferencePlan.tracks(of: stream)
        #expect(plan.completing(offer: offer) == offer && !plan.tellsAudioLevels(by: "a=extmap:3 \(level)\r\n"))
    }
}
