import BridgeModel
import Forwarding
import RTP
import Testing

@Suite struct SourceIdentityTests {
    private static func encodings(_ rids: String...) -> [IngressEncodingParameters] {
        rids.map { IngressEncodingParameters(rid: ExtensionToken($0)) }
    }

    private let simulcast = [IngressStage.audio, IngressStage.video(encodings: Self.encodings("q", "h", "f"))]

    @Test func aSoleEncodingIsKnownByItsPayloadType() {
        var stage = IngressStage([IngressStage.audio, IngressStage.video()])
        #expect(stage.receive(PacketBuilder(1, payloadType: 111)).packet?.encoding == 0)
        #expect(stage.receive(PacketBuilder(1, ssrc: 7)).packet?.encoding == 1)
        #expect(stage.receive(PacketBuilder(2, ssrc: 7, payloadType: 111)).refusal == .payloadType, "an SSRC stays what it is")
        #expect(stage.receive(PacketBuilder(1, ssrc: 8, payloadType: 33)).refusal == .unknownSource)
    }

    @Test func encodingsAreKnownByTheirRIDUntilTheirSSRCIs() {
        var stage = IngressStage(simulcast)
        for (place, rid) in ["q", "h", "f"].enumerated() {
            let packet = PacketBuilder(1, ssrc: UInt32(100 + place))
            #expect(stage.receive(packet).refusal == .unknownSource, "one of three encodings, but which?")
            #expect(stage.receive(packet.with { $0.rid = rid }).packet?.encoding == 1 + place)
            #expect(stage.receive(PacketBuilder(2, ssrc: UInt32(100 + place))).packet?.encoding == 1 + place)
        }
        #expect(stage.receive(PacketBuilder(1, ssrc: 200).with { $0.rid = "x" }).refusal == .unknownSource)
        #expect(stage.ingress.track(of: 3) == 1)
    }

    @Test func retransmissionsAreKnownByTheRIDThatTheyRepair() {
        var stage = IngressStage(simulcast)
        _ = stage.receive(PacketBuilder(10, ssrc: 100).with { $0.rid = "h" })
        _ = stage.receive(PacketBuilder(12, ssrc: 100))
        let again = PacketBuilder(11, ssrc: 100).retransmission(sequence: 1, ssrc: 500)
        #expect(stage.receive(again).refusal == .unknownSource)
        #expect(stage.receive(again.with { $0.rid = "h" }).refusal == .unknownSource, "the RID of a retransmission is the repaired one")
        let packet = stage.receive(again.with { $0.repairedRID = "h" }).packet
        #expect(packet?.encoding == 2 && packet?.isRetransmission == true && packet?.header.ssrc == 100)
    }

    @Test func announcedSourcesNeedNoExtension() {
        let announced = [
            IngressEncodingParameters(ssrc: 100, rtxSSRC: 101), IngressEncodingParameters(ssrc: 200, rtxSSRC: 201),
        ]
        var stage = IngressStage([IngressStage.video(encodings: announced)])
        #expect(stage.receive(PacketBuilder(5, ssrc: 200)).packet?.encoding == 1)
        #expect(stage.receive(PacketBuilder(4, ssrc: 200).retransmission(sequence: 1, ssrc: 201)).packet?.encoding == 1)
        #expect(stage.receive(PacketBuilder(4, ssrc: 100).retransmission(sequence: 1, ssrc: 101)).refusal == .earlyRetransmission)
        #expect(stage.receive(PacketBuilder(1, ssrc: 300)).refusal == .unknownSource)
    }

    @Test func theMIDTellsTracksWithTheSamePayloadTypeApart() {
        var second = IngressStage.video()
        second.mid = ExtensionToken("2")
        var stage = IngressStage([IngressStage.video(), second])
        #expect(stage.receive(PacketBuilder(1, ssrc: 7)).refusal == .unknownSource)
        #expect(stage.receive(PacketBuilder(1, ssrc: 7).with { $0.mid = "2" }).packet?.encoding == 1)
        #expect(stage.receive(PacketBuilder(1, ssrc: 8).with { $0.mid = "1" }).packet?.encoding == 0)
        #expect(stage.receive(PacketBuilder(1, ssrc: 9).with { $0.mid = "3" }).refusal == .unknownSource)
        #expect(stage.receive(PacketBuilder(1, ssrc: 9, payloadType: 111).with { $0.mid = "1" }).refusal == .unknownSource)
    }

    @Test func anotherSourceTakesOverOnceTheFirstIsSilent() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(1, ssrc: 7))
        stage.advance(.milliseconds(50))
        #expect(stage.receive(PacketBuilder(1, ssrc: 8)).refusal == .unknownSource)
        stage.advance(.milliseconds(60))
        let packet = stage.receive(PacketBuilder(1, ssrc: 8)).packet
        #expect(packet?.beginsEpoch == true && packet?.epoch == 1)
        #expect(stage.receive(PacketBuilder(2, ssrc: 7)).refusal == .unknownSource)
    }

    @Test func afterAGoodbyeTheNextSourceMayComeAtOnce() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(1, ssrc: 7))
        stage.receiveControl { _ = $0.appendGoodbye(of: 7) }
        #expect(stage.events == [.goodbye(encoding: 0)])
        #expect(stage.receive(PacketBuilder(1, ssrc: 8)).packet?.beginsEpoch == true)
        stage.receiveControl { _ = $0.appendGoodbye(of: 7) }
        #expect(stage.events.count == 1, "that one has left already")
    }

    /// However many SSRCs a publisher makes up, one encoding has one.
    @Test func inventedSourcesAreRefused() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(1, ssrc: 7))
        for ssrc: UInt32 in 1000..<3000 { _ = stage.receive(PacketBuilder(1, ssrc: ssrc)) }
        #expect(stage.ingress.refusals[.unknownSource] == 2000)
        #expect(stage.receive(PacketBuilder(2, ssrc: 7)).packet != nil)
    }
}
