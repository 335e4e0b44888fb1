import Bridge
import BridgeModel
import Testing

/// URLs of servers that streams are pushed to.
@Suite struct PushTargetTests {
    private func read(_ url: String, _ rules: AddressRules = AddressRules()) throws(FieldFault) -> PushTarget {
        try PushTarget(url: Redacted(url), rules: rules)
    }

    @Test func anRTMPURLIsTakenApart() throws {
        let target = try read("RTMP://Live.Example/app/room/key?token=a&b=c")
        #expect(target.scheme == .rtmp && target.host == "live.example" && target.port == 1935 && target.address == nil)
        #expect(target.place == .rtmp(application: "app/room", name: Redacted("key?token=a&b=c")))
        #expect(target.origin == "rtmp://live.example:1935" && !"\(target)".contains("token"))
        #expect(try read("rtmps://live.example/app/key").port == 443)
        let literal = try read("rtmp://[2001:db8::1]/app/key")
        #expect(literal.port == 1935 && literal.address != nil)
        #expect(literal.origin.hasPrefix("rtmp://[2001:") && literal.origin.hasSuffix("]:1935"))
        #expect(try read("rtmp://[2001:db8::1]:2000/app/key").port == 2000)
    }

    @Test func anSRTURLIsTakenApart() throws {
        let target = try read("srt://live.example:9000?streamid=%23!::r=live&passphrase=0123456789&pbkeylen=32&latency=200&mode=caller")
        var options = try #require(target.options)
        #expect(options.streamID?.revealed == "#!::r=live" && options.passphrase?.revealed == "0123456789")
        #expect(options.keyLength == 32 && options.latencyMilliseconds == 200 && target.port == 9000)
        options = try #require(try read("srt://live.example:9000").options)
        #expect(options.streamID == nil && options.passphrase == nil)
    }

    @Test(
        arguments: [
            "", "rtmp", "rtmp://", "http://live.example/app/key", "rtmp://live.example", "rtmp://live.example/app",
            "rtmp://live.example/app/",
            "rtmp://live.example//key", "rtmp://user:pass@live.example/app/key", "rtmp://live.example:22/app/key",
            "rtmp://live.example:/app/key", "rtmp://live.example/app/key#part", "rtmp://live.example/app/a b", "rtmp://0x7f.1/app/key",
            "rtmp://[::1/app/key", "srt://live.example", "srt://live.example:9000/path", "srt://live.example:9000?mode=listener",
            "srt://live.example:9000?passphrase=short", "srt://live.example:9000?pbkeylen=17", "srt://live.example:9000?latency=9000",
            "srt://live.example:9000?localaddress=10.0.0.1", "srt://live.example:9000?streamid=%", "srt://live.example:9000?streamid=%0A",
            "srt://live.example:9000?streamid=a&streamid=b", "rtmp://live.example/app/" + String(repeating: "k", count: 2048),
        ])
    func whatItDoesNotUnderstandIsRefused(url: String) {
        #expect { try read(url) } throws: { ($0 as? FieldFault)?.field == "url" }
    }

    @Test func whatIsSealedIsReadAsTheSame() throws {
        for url in ["rtmp://live.example/app/key?a=b", "rtmps://live.example/app/key", "srt://live.example:9000?streamid=a"] {
            let target = ConferenceTarget.push(try read(url))
            let sealed = try JSONValue.read(Array(target.order.revealed.utf8))
            #expect(try ConferenceTarget(target.kind, reading: sealed, rules: AddressRules()) == target && target.kind.isPush)
        }
    }

    @Test func aPlanNamesTheCheckedAddressAndForACertificateTheName() throws {
        let address = try #require(IPAddress(parsing: "203.0.113.9"))
        let plan = PushPlan(tracks: [], target: try read("rtmp://live.example/app/key"), address: address)
        #expect(plan.host == "203.0.113.9" && plan.application == "app" && plan.name.revealed == "key")
        #expect(PushPlan(tracks: [], target: try read("rtmps://live.example/app/key"), address: address).host == "live.example")
    }

    @Test func aPushTakesH264AndSoundThatCanBeDecoded() {
        let h264 = TrackDescription(index: 0, codec: .h264, payloadType: 96, mid: "0")
        let vp8 = TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "0")
        let opus = TrackDescription(index: 1, codec: .opus, payloadType: 111, channels: 2, mid: "1")
        let aac = TrackDescription(index: 1, codec: .aac, payloadType: 97, mid: "1")
        #expect(PushPlan.tracks(of: [h264, opus]) == [h264, opus] && PushPlan.tracks(of: [h264, aac]) == [h264])
        #expect(PushPlan.tracks(of: [opus]) == [opus] && PushPlan.tracks(of: [vp8, opus]) == nil && PushPlan.tracks(of: [aac]) == nil)
    }
}

extension PushTarget {
    fileprivate var options: SRTOptions? { if case .srt(let options) = place { options } else { nil } }
}
