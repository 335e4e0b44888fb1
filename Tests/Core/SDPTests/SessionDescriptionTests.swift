import BridgeModel
import Testing

import SDP

@Suite struct SessionDescriptionTests {
    @Test(arguments: Fixture.all) func printingAParsedDescriptionIsAFixpoint(_ fixture: Fixture) throws {
        let once = try SessionDescription.parse(fixture.text).print()
        let twice = try SessionDescription.parse(once).print()
        #expect(once == twice)
        #expect(once.hasPrefix("v=0\r\n") && once.hasSuffix("\r\n"))
    }

    @Test func everyAttributeAndMediaLineSurvives() throws {
        let fixture = Fixture["chromium-156-publish"]
        let printed = try SessionDescription.parse(fixture.text).print()
        let kept = { (text: String) in
            text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("a=") }
                .map { $0.split(separator: ":", maxSplits: 1).map { $0.trimmingPrefix(" ") }.joined(separator: ":") }
        }
        #expect(kept(printed) == kept(fixture.text))
        #expect(try SessionDescription.parse(fixture.text).sections.map(\.media) == ["audio", "video", "application"])
    }

    @Test func linesMayEndWithLineFeedAlone() throws {
        let fixture = Fixture["obs-31-whip"]
        let bare = fixture.text.split(whereSeparator: \.isNewline).joined(separator: "\n")
        #expect(try SessionDescription.parse(bare) == SessionDescription.parse(fixture.text))
    }

    @Test func directionFallsBackToTheSessionAndToSendrecv() throws {
        let text = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=recvonly\nm=audio 9 X 0\nm=audio 9 X 0\na=sendonly\n"
        let description = try SessionDescription.parse(text)
        #expect(description.sections.map { description.direction(of: $0) } == [.recvonly, .sendonly])
        var bare = description
        bare.attributes = []
        #expect(bare.direction(of: bare.sections[0]) == .sendrecv)
    }

    @Test func bundleOnlySectionsAreNotRejected() throws {
        let description = try SessionDescription.parse(Fixture["gstreamer-whipsink"].text)
        #expect(description.sections[1].port == 0)
        #expect(!description.sections[1].isRejected)
    }

    @Test func payloadFormatsAreReadInTheOrderOfTheMediaLine() throws {
        let description = try SessionDescription.parse(Fixture["firefox-153-publish"].text)
        let formats = description.sections[1].payloadFormats
        #expect(formats.map(\.payloadType) == [120, 124, 121, 125, 99, 100, 123, 122, 119])
        #expect(formats[0].codec == .vp8)
        #expect(formats[0].feedback == ["nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"])
        #expect(formats[1].retransmittedType == 120)
        #expect(formats[0].parameters.text == "max-fs=12288;max-fr=60")
    }

    @Test func wildcardFeedbackBelongsToEveryFormat() throws {
        let section = MediaSection(
            media: "video", port: 9, transport: "UDP/TLS/RTP/SAVPF", formats: ["96", "97"],
            attributes: [
                SDPAttribute("rtpmap", "96 VP8/90000"), SDPAttribute("rtpmap", "97 VP9/90000"), SDPAttribute("rtcp-fb", "* ccm fir"),
                SDPAttribute("rtcp-fb", "97 nack"),
            ])
        #expect(section.payloadFormats.map(\.feedback) == [["ccm fir"], ["nack", "ccm fir"]])
    }

    @Test func staticPayloadTypesNeedNoMapAndTypesOfRTCPAreLeftOut() {
        let section = MediaSection(
            media: "audio", port: 9, transport: "UDP/TLS/RTP/SAVPF", formats: ["0", "8", "72", "18", "0", "128", "x"],
            attributes: [SDPAttribute("rtpmap", "72 opus/48000/2")])
        #expect(section.payloadFormats.map(\.codec) == [.pcmu, .pcma])
    }

    @Test func formatParametersDropWhatIsNotPlain() {
        #expect(FormatParameters(" a=1; b ;;=3;c d=4;e=5 6;f=x=y").text == "a=1;b;f=x=y")
        #expect(FormatParameters("Profile-Level-ID=42e01f")["profile-level-id"] == "42e01f")
    }

    @Test(arguments: [
        ("42e01f", H264Profile.constrainedBaseline), ("42001f", .constrainedBaseline), ("4D001F", .main), ("640c1f", .constrainedHigh),
        ("64001f", .high), ("58401f", .constrainedBaseline),
    ]) func h264ProfilesAreRead(_ text: String, _ profile: H264Profile) {
        #expect(H264Profile(profileLevelID: text) == profile)
    }

    @Test(arguments: ["", "42e01", "42e01f0", "zz001f", "+2e01f", "ff001f", "58001f"]) func otherProfilesAreNot(_ text: String) {
        #expect(H264Profile(profileLevelID: text) == nil)
    }
}
