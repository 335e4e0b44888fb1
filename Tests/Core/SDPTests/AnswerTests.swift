import BridgeModel
import Testing

import SDP

@Suite struct AnswerAssemblyTests {
    private func publish(_ name: String, setup: String = "active") throws -> (AcceptedOffer, SessionDescription) {
        let accepted = try OfferGate.acceptPublish(Fixture[name].text, policy: GatePolicy())
        let engine = try ObligingEngine.answer(to: accepted.engineOffer, setup: setup)
        return (accepted, try SessionDescription.parse(try accepted.finishAnswer(engineAnswer: engine)))
    }

    @Test(arguments: Fixture.publishers) func everySectionOfTheOfferIsAnsweredInItsPlace(_ fixture: Fixture) throws {
        let offer = try SessionDescription.parse(fixture.text)
        let (accepted, answer) = try publish(fixture.name, setup: fixture.text.contains("setup:passive") ? "active" : "passive")
        #expect(answer.sections.map(\.media) == offer.sections.map(\.media))
        #expect(answer.sections.map(\.mid) == offer.sections.map(\.mid))
        #expect(answer.sections.map(\.transport) == offer.sections.map(\.transport))
        for (section, decision) in zip(answer.sections, accepted.sections) {
            guard decision.isAccepted else {
                #expect(section.port == 0)
                continue
            }
            #expect(section.value(of: "ice-ufrag") == ObligingEngine.ufrag)
            #expect(section.value(of: "ice-pwd") == ObligingEngine.password)
            #expect(section.value(of: "fingerprint") == "sha-256 \(ObligingEngine.fingerprint)")
            #expect(section.has("recvonly") && section.has("rtcp-mux"))
            #expect(!section.has("ssrc") && !section.has("msid"))
        }
        #expect(answer.bundle == accepted.publishTracks.map(\.mid))
    }

    @Test func candidatesStandOnceInTheFirstAcceptedSection() throws {
        let (_, answer) = try publish("chromium-156-publish")
        #expect(answer.values("candidate", section: 0) == [ObligingEngine.candidate])
        #expect(answer.sections[0].has("end-of-candidates"))
        #expect(answer.values("candidate", section: 1).isEmpty)
    }

    @Test func aViewersAnswerNamesOneStreamAndTheEnginesSources() throws {
        let tracks = [
            TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "v"),
            TrackDescription(index: 1, codec: .opus, payloadType: 111, mid: "a"),
        ]
        let accepted = try OfferGate.acceptView(Fixture["firefox-153-view"].text, tracks: tracks, policy: GatePolicy())
        let engine = try ObligingEngine.answer(to: accepted.engineOffer)
        let answer = try SessionDescription.parse(try accepted.finishAnswer(engineAnswer: engine))
        #expect(
            answer.sections.flatMap { $0.attributes.filter { $0.name == "msid" } }.compactMap(\.value) == [
                "viaduct video-0", "viaduct audio-1",
            ])
        #expect(answer.values("ssrc", section: 0) == ["1000 cname:engine"])
        #expect(answer.sections.allSatisfy { $0.has("sendonly") })
    }

    @Test func inactiveSectionsStayInTheBundleWithOneFormat() throws {
        let tracks = [TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "v")]
        let accepted = try OfferGate.acceptView(Fixture["chromium-156-view"].text, tracks: tracks, policy: GatePolicy())
        let engine = try ObligingEngine.answer(to: accepted.engineOffer)
        let answer = try SessionDescription.parse(try accepted.finishAnswer(engineAnswer: engine))
        #expect(answer.bundle == ["0", "1"])
        #expect(answer.sections[1].port == 9)
        #expect(answer.sections[1].has("inactive"))
        #expect(answer.sections[1].formats == ["111"])
    }

    /// What webrtcbin 1.22.0 said to our offer, with `do-nack` and codec preferences that name the extensions.
    @Test func webrtcbinsOwnAnswerToAPublisherIsFinished() throws {
        let accepted = try OfferGate.acceptPublish(Fixture["chromium-156-publish"].text, policy: GatePolicy())
        let text = try accepted.finishAnswer(engineAnswer: Fixture["webrtcbin-1.22-answer-publish"].text)
        let answer = try SessionDescription.parse(text)
        #expect(answer.sections.map(\.formats) == [["111"], ["96", "97"], ["webrtc-datachannel"]])
        #expect(answer.values("rtcp-fb", section: 1) == ["96 transport-cc", "96 ccm fir", "96 nack", "96 nack pli"])
        #expect(answer.values("extmap", section: 1) == ["3 \(HeaderExtension.transportSequence)"])
        #expect(answer.values("rtcp-fb", section: 0).isEmpty)
        #expect(answer.values("candidate", section: 0).count == 3)
        #expect(answer.values("setup", section: 0) == ["active"])
    }

    /// Without a known SSRC webrtcbin announces the retransmission of source 0: better no source at all.
    @Test func webrtcbinsOwnAnswerToAViewerIsFinished() throws {
        let tracks = [
            TrackDescription(index: 0, codec: .vp8, payloadType: 96, mid: "v"),
            TrackDescription(index: 1, codec: .opus, payloadType: 111, mid: "a"),
        ]
        let accepted = try OfferGate.acceptView(Fixture["chromium-156-view"].text, tracks: tracks, policy: GatePolicy())
        let text = try accepted.finishAnswer(engineAnswer: Fixture["webrtcbin-1.22-answer-view"].text)
        let answer = try SessionDescription.parse(text)
        #expect(answer.values("ssrc", section: 0).isEmpty && answer.values("ssrc-group", section: 0).isEmpty)
        #expect(answer.sections.map(\.formats) == [["96", "97"], ["111"]])
    }

    @Test func feedbackThatTheEngineLeavesOutIsNotPromised() throws {
        let accepted = try OfferGate.acceptPublish(Fixture["chromium-156-publish"].text, policy: GatePolicy())
        let engine = try ObligingEngine.answer(to: accepted.engineOffer)
            .replacing("a=rtcp-fb:96 transport-cc\r\n", with: "").replacing("a=rtpmap:97 rtx/90000\r\n", with: "")
            .replacing("a=extmap:3 \(HeaderExtension.transportSequence)\r\n", with: "")
        let answer = try SessionDescription.parse(try accepted.finishAnswer(engineAnswer: engine))
        #expect(answer.values("rtcp-fb", section: 1) == ["96 ccm fir", "96 nack", "96 nack pli"])
        #expect(answer.sections[1].formats == ["96"])
        #expect(answer.values("extmap", section: 1) == ["4 \(HeaderExtension.mid)"])
    }

    @Test func hostNamesAndTCPOfTheEngineAreDropped() throws {
        let accepted = try OfferGate.acceptPublish(Fixture["obs-31-whip"].text, policy: GatePolicy())
        let engine =
            try ObligingEngine.answer(to: accepted.engineOffer)
            + "a=candidate:2 1 udp 1 a.local 4000 typ host\r\na=candidate:3 1 tcp 1 10.0.0.1 9 typ host tcptype active\r\n"
        let answer = try accepted.finishAnswer(engineAnswer: engine)
        #expect(!answer.contains(".local") && !answer.contains(" tcp "))
    }

    @Test(arguments: [
        ("a=setup:active", "a=setup:actpass", SDPError.invalidSetup), ("a=fingerprint:sha-256", "a=x:", .missingFingerprint),
        ("m=video 9", "m=video 0", .answerMismatch(section: 1)), ("a=mid:1", "a=mid:9", .answerMismatch(section: 1)),
        ("SAVPF 96 97", "SAVPF 100", .answerMismatch(section: 1)), ("a=ice-pwd", "a=x", .missingICECredentials),
        ("v=0", "", .malformedLine(1)),
    ]) func anEngineAnswerThatDoesNotFitIsAnError(_ old: String, _ new: String, _ error: SDPError) throws {
        let accepted = try OfferGate.acceptPublish(Fixture["chromium-156-publish"].text, policy: GatePolicy())
        let engine = try ObligingEngine.answer(to: accepted.engineOffer).replacing(old, with: new)
        #expect(throws: error) { try accepted.finishAnswer(engineAnswer: engine) }
    }
}

@Suite struct AnswerGateTests {
    private func offer() throws -> String {
        try OfferGate.acceptPublish(Fixture["chromium-156-publish"].text, policy: GatePolicy()).engineOffer
    }

    @Test func aFullAnswerPassesAndItsFingerprintsAreTold() throws {
        let offer = try offer()
        let accepted = try AnswerGate.accept(try ObligingEngine.answer(to: offer), offer: offer)
        #expect(accepted.fingerprints == [Fingerprint(algorithm: "sha-256", value: ObligingEngine.fingerprint)])
        let printed = try SessionDescription.parse(accepted.sdp)
        #expect(printed.sections.map(\.mid) == ["0", "1"])
        #expect(printed.sections.allSatisfy { $0.has("recvonly") })
        #expect(printed.values("candidate", section: 0) == [ObligingEngine.candidate])
        #expect(printed.print() == accepted.sdp)
    }

    @Test func whoOffersToReceiveIsSentTo() throws {
        let offer = try offer()
        let answer = try ObligingEngine.answer(to: offer).replacing("a=recvonly", with: "a=sendonly")
        let refused = try SessionDescription.parse(try AnswerGate.accept(answer, offer: offer).sdp)
        #expect(refused.sections.allSatisfy { $0.has("inactive") })
        let listening = offer.replacing("a=sendonly", with: "a=recvonly")
        let printed = try SessionDescription.parse(try AnswerGate.accept(answer, offer: listening).sdp)
        #expect(printed.sections.allSatisfy { $0.has("sendonly") })
    }

    @Test func aRefusedSectionStaysRefused() throws {
        let offer = try offer()
        let answer = try ObligingEngine.answer(to: offer).replacing("m=audio 9", with: "m=audio 0").replacing(
            "BUNDLE 0 1", with: "BUNDLE 1")
        let printed = try SessionDescription.parse(try AnswerGate.accept(answer, offer: offer).sdp)
        #expect(printed.sections.map(\.port) == [0, 9])
        #expect(printed.bundle == ["1"])
    }

    @Test(arguments: [
        ("m=audio 9", "m=video 9", SDPError.answerMismatch(section: 0)), ("a=mid:0", "a=mid:7", .answerMismatch(section: 0)),
        ("a=group:BUNDLE 0 1", "a=group:LS 0 1", .missingBundle), ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0", .answerMismatch(section: 1)),
        ("a=setup:active", "a=setup:actpass", .invalidSetup), ("a=rtcp-mux\r\n", "", .missingRTCPMux(section: 0)),
        ("VP8", "VP9", .answerMismatch(section: 1)), ("a=ice-ufrag", "a=x", .missingICECredentials), (" 9 UDP", " 0 UDP", .nothingAccepted),
        ("a=fingerprint:sha-256", "a=fingerprint:sha-1", .weakFingerprint), ("o=", "x=", .malformedLine(2)),
    ]) func anAnswerThatDoesNotFitIsRefused(_ old: String, _ new: String, _ error: SDPError) throws {
        let offer = try offer()
        let answer = try ObligingEngine.answer(to: offer).replacing(old, with: new)
        #expect(throws: error) { try AnswerGate.accept(answer, offer: offer) }
    }
}
