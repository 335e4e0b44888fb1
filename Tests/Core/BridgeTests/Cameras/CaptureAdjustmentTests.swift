import Bridge
import BridgeModel
import Testing

/// What is done to a camera's pictures and sound.
@Suite struct CaptureAdjustmentTests {
    @Test func ordersAboutPicturesAndSoundAreKept() {
        var adjustment = CaptureAdjustment()
        #expect(
            [CameraOrder.zoom(2), .rotate(.half), .mute(.video, true), .mute(.audio, true), .mute(.video, false)].allSatisfy {
                adjustment.take($0)
            })
        #expect(adjustment.zoom == 2 && adjustment.rotation == .half && adjustment.mutes == [.audio])
        let before = adjustment
        let others: [CameraOrder] = [.publish(greatestHeight: nil), .idle, .torch(true), .talk(nil)]
        #expect(!others.contains { adjustment.take($0) } && adjustment == before)
    }

    @Test func aZoomGlidesAndArrives() {
        var glide = ZoomGlide(at: 1)
        var seen: [Double] = []
        for _ in 0..<12 {
            glide.advance(towards: 2)
            seen.append(glide.zoom)
        }
        #expect(seen == seen.sorted() && seen[0] < 1.1 && seen.last == 2)
        for _ in 0..<40 { glide.advance(towards: 0) }
        #expect(glide.zoom == 1)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, -1, 0, 1000])
    func whatIsNoZoomCutsNothingImpossible(factor: Double) {
        var glide = ZoomGlide(at: factor)
        for _ in 0..<100 { glide.advance(towards: factor) }
        #expect((1...CaptureAdjustment.greatestZoom).contains(glide.zoom))
        let margins = PictureMargins(zoom: glide.zoom, width: 64, height: 64)
        #expect(64 - 2 * margins.horizontal >= 4 && margins.vertical >= 0)
    }

    @Test func marginsAreEvenAndLeaveTheMiddle() {
        let margins = PictureMargins(zoom: 2, width: 642, height: 362)
        #expect(margins.horizontal == 160 && margins.vertical == 90)
        let none = PictureMargins(zoom: 1, width: 642, height: 362)
        #expect(none.horizontal == 0 && none.vertical == 0)
    }

    @Test func aSpeakerIsReadAsOperatorsGiveIt() throws {
        let speaker = { (text: String) in try TalkPlan.Speaker(parsing: text) }
        #expect(try speaker("alsa") == .device(.alsa(device: nil)) && speaker("alsa:hw:1,0") == .device(.alsa(device: "hw:1,0")))
        #expect(try speaker("pulse") == .device(.pulse(device: nil)) && speaker("pulse:out") == .device(.pulse(device: "out")))
        #expect(try speaker("file:/a:b.ogg") == .file(path: "/a:b.ogg"))
    }

    @Test(arguments: [
        "", ":", "alsa:", "file:", "file", "pulse:", "pulse:x\ny", "Pulse", "ALSA", "oss", "file:/a\nb", "alsa:\u{0}", " alsa",
    ])
    func whatIsNoSpeakerIsRefused(text: String) {
        let error = #expect(throws: BridgeError.self) { try TalkPlan.Speaker(parsing: text) }
        #expect(error?.code == .invalidField)
    }

    @Test func aMicrophoneIsReadAsOperatorsGiveIt() throws {
        let microphone = { (text: String) in try SoundDevice.microphone(parsing: text) }
        #expect(try microphone("none") == nil && microphone("alsa") == .alsa(device: nil))
        #expect(try microphone("alsa:plughw:CARD=Mic,DEV=0") == .alsa(device: "plughw:CARD=Mic,DEV=0"))
        #expect(try microphone("pulse") == .pulse(device: nil) && microphone("pulse:room.monitor") == .pulse(device: "room.monitor"))
    }

    @Test(arguments: ["", ":", "alsa:", "pulse:", "file:/x", "None", "none:", "on", " pulse", "alsa:a\nb", "pulse:\u{0}"])
    func whatIsNoMicrophoneIsRefused(text: String) {
        let error = #expect(throws: BridgeError.self) { try SoundDevice.microphone(parsing: text) }
        #expect(error?.code == .invalidField && error?.message.contains("A microphone is") == true)
    }
}
