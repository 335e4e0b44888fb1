import Bridge
import BridgeModel
import Testing

/// What an operator gives a camera: places and sources.
@Suite struct CameraWordsTests {
    @Test func placesAreBridgesAndWHIPEndpoints() throws {
        let target = { (text: String) in try CameraTarget(parsing: text) }
        for (text, origin) in [
            ("ws://bridge:8080", "http://bridge:8080"), ("WSS://bridge/bridge/v1/io", "https://bridge"),
            ("ws://[::1]:8080/", "http://[0:0:0:0:0:0:0:1]:8080"),
        ] {
            guard case .rtm(let url) = try target(text) else {
                Issue.record("\(text)")
                continue
            }
            #expect(url.origin == origin)
        }
        guard case .whip(let url) = try target("https://meet.example/whip/a?x=1") else {
            Issue.record("no WHIP endpoint")
            return
        }
        #expect(url.text.revealed == "https://meet.example/whip/a?x=1")
        #expect(try target("http://10.0.0.1/w").host == "10.0.0.1")
    }

    @Test(arguments: [
        "", "bridge", "ftp://a", "ws://", "ws:///", "ws://a/b", "ws://a:99999", "http://", "http://user@a/", "rtmp://a/b", "ws://a b",
        "wss://-a",
    ])
    func otherPlacesAreRefusedInOneSentence(text: String) {
        let error = #expect(throws: BridgeError.self) { try CameraTarget(parsing: text) }
        #expect(error?.code == .invalidURL && error?.message.contains("ws://") == true)
    }

    @Test func sourcesAreOfFourKinds() throws {
        #expect(try CapturePlan.Source(parsing: "pattern") == .test)
        #expect(try CapturePlan.Source(parsing: "file:/a b.mp4") == .file(path: "/a b.mp4"))
        #expect(try CapturePlan.Source(parsing: "v4l2:/dev/video0") == .v4l2(device: "/dev/video0"))
        let url = "rtsp://user:pass@10.0.0.9:554/h264?x=1"
        #expect(try CapturePlan.Source(parsing: url) == .rtsp(url: Redacted(url)))
    }

    @Test(arguments: [
        "", "file:", "v4l2:", "rtsp://", "rtsp:///x", "rtsp://u:p@/x", "rtsp://a\n/x", "file:a\u{0}b", "http://a/b", "/a.mp4",
    ])
    func otherSourcesAreRefused(text: String) {
        #expect(throws: BridgeError.self) { try CapturePlan.Source(parsing: text) }
    }

    @Test func aSourceThatFailsIsStartedAgainLaterEachTime() {
        var retries = SourceRetries()
        var now = MonotonicTime(nanoseconds: 1)
        let pauses = (0..<7).map { _ in
            retries.started(now: now)
            now = now.advanced(by: .seconds(1))
            return retries.failed(now: now)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
        retries.started(now: now)
        #expect(retries.failed(now: now.advanced(by: .seconds(31))) == .seconds(1))
    }
}
