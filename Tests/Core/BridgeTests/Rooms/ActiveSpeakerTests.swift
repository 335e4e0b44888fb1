import Bridge
import BridgeModel
import Testing

@Suite struct ActiveSpeakerTests {
    private static let anna = ParticipantID("anna")
    private static let ben = ParticipantID("ben")

    /// Levels of both every 20 ms; what was told, and when after the beginning.
    private struct Talk {
        var speaker = ActiveSpeaker()
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        var news: [ParticipantID?] = []

        mutating func speak(anna: UInt8?, ben: UInt8?, for duration: Duration) {
            let end = now.advanced(by: duration)
            while now < end {
                now = now.advanced(by: .milliseconds(20))
                if speaker.tick(now: now) { news.append(speaker.speaker) }
                for (level, who) in [(anna, ActiveSpeakerTests.anna), (ben, ActiveSpeakerTests.ben)] {
                    if let level, speaker.heard(level, of: who, now: now) { news.append(speaker.speaker) }
                }
            }
        }
    }

    @Test func whoSpeaksHasTheFloorAfterAThirdOfASecond() {
        var talk = Talk()
        talk.speak(anna: 30, ben: 127, for: .milliseconds(300))
        #expect(talk.news.isEmpty)
        talk.speak(anna: 30, ben: 127, for: .milliseconds(200))
        #expect(talk.news == [Self.anna])
    }

    @Test func aCoughTakesNoFloor() {
        var talk = Talk()
        talk.speak(anna: 30, ben: 90, for: .seconds(2))
        talk.speak(anna: 30, ben: 10, for: .milliseconds(200))
        talk.speak(anna: 30, ben: 90, for: .seconds(1))
        #expect(talk.news == [Self.anna])
    }

    @Test func pausesOfASpeakerAreNoEnd() {
        var talk = Talk()
        for _ in 0..<10 {
            talk.speak(anna: 30, ben: 90, for: .milliseconds(600))
            talk.speak(anna: 100, ben: 90, for: .seconds(2))
        }
        #expect(talk.news == [Self.anna])
    }

    @Test func twoOfOneLoudnessDoNotFlap() {
        var talk = Talk()
        talk.speak(anna: 30, ben: 90, for: .seconds(1))
        for _ in 0..<50 {
            talk.speak(anna: 32, ben: 29, for: .milliseconds(200))
            talk.speak(anna: 29, ben: 32, for: .milliseconds(200))
        }
        #expect(talk.news == [Self.anna])
    }

    @Test func aLouderOneAndAnAnswerTakeTheFloor() {
        var talk = Talk()
        talk.speak(anna: 40, ben: 90, for: .seconds(1))
        talk.speak(anna: 40, ben: 25, for: .seconds(1))
        #expect(talk.news == [Self.anna, Self.ben])
        talk.speak(anna: 45, ben: 100, for: .seconds(2))
        #expect(talk.news == [Self.anna, Self.ben, Self.anna])
    }

    @Test func longSilenceIsNobodysAndSoIsAMicrophoneThatSendsNothing() {
        var talk = Talk()
        talk.speak(anna: 30, ben: 90, for: .seconds(1))
        talk.speak(anna: nil, ben: nil, for: .seconds(6))
        #expect(talk.news == [Self.anna, nil])
        #expect(talk.speaker.deadline == nil)
    }

    @Test func whoGoesDoesNotSpeak() {
        var talk = Talk()
        talk.speak(anna: 30, ben: 90, for: .seconds(1))
        let wasSpeaker = [talk.speaker.remove(Self.ben), talk.speaker.remove(Self.anna)]
        #expect(wasSpeaker == [false, true])
        #expect(talk.speaker.speaker == nil)
    }

    @Test func backgroundNoiseIsNoSpeech() {
        var talk = Talk()
        talk.speak(anna: 60, ben: 55, for: .seconds(10))
        #expect(talk.news.isEmpty)
    }
}
