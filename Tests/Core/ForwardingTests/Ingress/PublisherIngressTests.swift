import BridgeModel
import Forwarding
import NetworkTesting
import RTP
import Testing

@Suite struct PublisherIngressTests {
    @Test func retransmissionsBecomeTheOriginalPacketWhereTheyLie() throws {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(10, timestamp: 5))
        let original = PacketBuilder(9, timestamp: 4, marker: true).with {
            $0.mid = "1"
            $0.padding = 4
        }
        var bytes = original.retransmission(sequence: 77).bytes
        let now = stage.now
        let packet = try #require(bytes.withUnsafeMutableBytes { stage.ingress.receive($0, arrival: now) }.packet)
        #expect(packet.start == 2 && packet.isRetransmission && packet.isLate)
        #expect(Array(bytes[packet.start...]) == original.bytes)
        #expect(packet.header == original.header)
        #expect(Int(packet.descriptor.payloadSize) == original.payload.count)
    }

    @Test func whatCameBeforeIsDropped() {
        var stage = IngressStage([IngressStage.video()])
        for sequence: UInt16 in [10, 11, 13] { #expect(stage.receive(PacketBuilder(sequence)).packet != nil) }
        #expect(stage.receive(PacketBuilder(11)).refusal == .duplicate)
        #expect(stage.receive(PacketBuilder(12).retransmission(sequence: 1)).packet != nil)
        #expect(stage.receive(PacketBuilder(12).retransmission(sequence: 2)).refusal == .duplicate)
        #expect(stage.receive(PacketBuilder(12)).refusal == .duplicate)
        #expect(stage.receive(PacketBuilder(2000)).packet != nil)
        #expect(stage.receive(PacketBuilder(900)).refusal == .tooOld)
    }

    @Test func paddingMeasuresThePathAndIsNotPassedOn() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(1))
        let padding = PacketBuilder(2).with {
            $0.payload = []
            $0.padding = 200
        }
        #expect(stage.receive(padding).isPadding)
        #expect(stage.receive(PacketBuilder(3)).packet?.frame.beginsFrame == false)
        stage.advance(.milliseconds(100))
        #expect(!stage.controlTexts().contains { $0.hasPrefix("NACK") }, "its sequence number came")
        let empty = PacketBuilder(0, payloadType: 97).with {
            $0.header.ssrc = 0xA1
            $0.payload = []
            $0.padding = 100
        }
        #expect(stage.receive(empty).refusal == .emptyRetransmission)
    }

    @Test func aLatePacketOfAnEarlierFrameDoesNotBeginItAgain() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(1, timestamp: 0).with { $0.payload = PacketBuilder.keyframe })
        #expect(stage.receive(PacketBuilder(4, timestamp: 3000)).packet?.frame.beginsFrame == true)
        let late = stage.receive(PacketBuilder(2, timestamp: 0)).packet
        #expect(late?.isLate == true && late?.frame == FrameTracker.Observation())
        #expect(stage.receive(PacketBuilder(3, timestamp: 3000)).packet?.frame.beginsFrame == false)
        #expect(stage.receive(PacketBuilder(5, timestamp: 3000)).packet?.frame.beginsFrame == false)
    }

    @Test func anOldRetransmissionDoesNotResetTheSource() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(10))
        #expect(stage.receive(PacketBuilder(40_000).retransmission(sequence: 1)).refusal == .tooOld)
        #expect(stage.receive(PacketBuilder(11)).packet?.epoch == 0)
    }

    @Test func aSourceThatCountsAnewALittleBehindIsNoticedByItsSecondPacket() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(10_000))
        #expect(stage.receive(PacketBuilder(8000)).refusal == .tooOld)
        #expect(stage.receive(PacketBuilder(8002)).refusal == .tooOld)
        #expect(stage.receive(PacketBuilder(8003)).packet?.beginsEpoch == true)
        #expect(stage.receive(PacketBuilder(8004)).packet?.beginsEpoch == false)
    }

    @Test func paddingDoesNotBeginASource() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(100))
        stage.advance(.milliseconds(200))
        let padding = PacketBuilder(101, ssrc: 7).with {
            $0.payload = []
            $0.padding = 9
        }
        #expect(stage.receive(padding).refusal == .tooOld)
        #expect(stage.receive(PacketBuilder(102, ssrc: 7)).packet?.beginsEpoch == true)
    }

    @Test func redundantPacketsPassAndTheirKeyframesAreSeen() {
        var track = IngressStage.video()
        track.redundancy = RedundancyFormat(red: 98, redRTX: 99, ulpfec: 100)
        var stage = IngressStage([track])
        stage.ingress.requestKeyframe(of: 0, now: stage.now)
        let red = PacketBuilder(1, payloadType: 98).with { $0.payload = [96] + PacketBuilder.keyframe }
        #expect(stage.receive(red).packet?.frame.revealsKeyframe == true)
        #expect(stage.controlTexts().isEmpty, "the keyframe came before it was asked for")
        #expect(stage.receive(PacketBuilder(2, payloadType: 100)).packet?.frame.revealsKeyframe == false)
        let fec = PacketBuilder(3, payloadType: 98).with { $0.payload = [100] + PacketBuilder.keyframe }
        #expect(stage.receive(fec).packet?.frame.revealsKeyframe == false)
        let again = stage.receive(PacketBuilder(0, payloadType: 98).retransmission(sequence: 1, payloadType: 99)).packet
        #expect(again?.header.payloadType == 98)
    }

    @Test func senderReportsAreHandedOnAndAnswered() throws {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(1, timestamp: 90_000))
        let report = SenderReportView(ssrc: 0xA0, ntp: 0xE000_1234_8000_5678, rtp: 90_000)
        stage.receiveControl { writer in
            _ = writer.appendSenderReport(report)
            _ = writer.appendReportBlock(ReportBlock(ssrc: 1))
            _ = writer.appendSenderReport(SenderReportView(ssrc: 99, ntp: 1, rtp: 1))
        }
        #expect(stage.events == [.senderReport(encoding: 0, report)])
        #expect(stage.ingress.captureTime(of: 0, timestamp: 90_000 + 45_000) == report.ntp + (1 << 31))
        #expect(stage.ingress.captureTime(of: 0, timestamp: 0) == report.ntp - (1 << 32))
        stage.advance(.milliseconds(1500))
        let compound = try #require(stage.control().first)
        let block = compound.withUnsafeBytes { RTCPCompound($0).first { _ in true }.flatMap { Array(ReportBlocks($0)).first } }
        #expect(block?.lastSenderReport == 0x1234_8000)
        #expect(block?.delaySinceLastSenderReport == 98_304, "1.5 s")
        #expect(IngressStage.texts(compound) == ["RR a0", "SDES"])
        #expect(stage.control().isEmpty)
    }

    @Test func withoutReducedSizeEveryCompoundBeginsWithAReport() {
        var stage = IngressStage([IngressStage.video()], reducedSize: false)
        _ = stage.receive(PacketBuilder(1))
        stage.ingress.requestKeyframe(of: 0, now: stage.now)
        #expect(stage.controlTexts() == ["RR ", "SDES", "PLI a0"])
        stage.advance(.seconds(1))
        #expect(stage.controlTexts() == ["RR a0", "SDES", "PLI a0"])
    }

    @Test func keyframesAreAskedForUntilOneComes() {
        var stage = IngressStage([IngressStage.video()])
        stage.ingress.requestKeyframe(of: 0, now: stage.now)
        #expect(stage.control().isEmpty, "nobody is there to be asked")
        _ = stage.receive(PacketBuilder(1))
        for _ in 0..<1000 { stage.ingress.requestKeyframe(of: 0, now: stage.now) }
        #expect(stage.controlTexts() == ["PLI a0"])
        stage.advance(.milliseconds(499))
        stage.ingress.requestKeyframe(of: 0, now: stage.now)
        #expect(stage.controlTexts().isEmpty)
        stage.advance(.milliseconds(1))
        #expect(stage.ingress.deadline(now: stage.now) == stage.now)
        #expect(stage.controlTexts() == ["PLI a0"])
        _ = stage.receive(PacketBuilder(2, timestamp: 3000).with { $0.payload = PacketBuilder.keyframe })
        stage.advance(.milliseconds(499))
        #expect(stage.controlTexts().isEmpty)
    }

    @Test func aKeyframeWhoseBeginningComesLateStopsTheRequests() {
        var stage = IngressStage([IngressStage.video()])
        _ = stage.receive(PacketBuilder(1))
        stage.ingress.requestKeyframe(of: 0, now: stage.now)
        _ = stage.control()
        _ = stage.receive(PacketBuilder(3, timestamp: 3000))
        _ = stage.receive(PacketBuilder(4, timestamp: 6000))
        let late = PacketBuilder(2, timestamp: 3000).with { $0.payload = PacketBuilder.keyframe }
        _ = stage.receive(late.retransmission(sequence: 1))
        stage.advance(.milliseconds(600))
        #expect(!stage.controlTexts().contains("PLI a0"))
    }

    @Test func aKeyframeEndsTheRequestsForEarlierFramesButNotForItsOwnPackets() {
        var stage = IngressStage([IngressStage.video()])
        for sequence: UInt16 in [1, 3] { _ = stage.receive(PacketBuilder(sequence)) }
        // 2 belongs to the frame of 1 and 3; 4 and 5 may belong to the keyframe.
        _ = stage.receive(PacketBuilder(6, timestamp: 3000).with { $0.payload = PacketBuilder.keyframe })
        stage.advance(.milliseconds(10))
        #expect(stage.controlTexts() == ["NACK 4,5"])
    }

    @Test func fullIntraRequestsServeWherePictureLossWasNotNegotiated() {
        var stage = IngressStage([IngressStage.video(feedback: [.fullIntraRequest])])
        _ = stage.receive(PacketBuilder(1))
        stage.ingress.requestKeyframe(of: 0, now: stage.now)
        #expect(stage.controlTexts() == ["FIR a0/0"])
        stage.advance(.milliseconds(500))
        #expect(stage.controlTexts() == ["FIR a0/1"])
        stage.ingress.cancelKeyframeRequest(of: 0)
        stage.advance(.milliseconds(499))
        #expect(stage.controlTexts().isEmpty)
    }

    @Test func audioAndSourcesWithoutFeedbackAreNotAsked() {
        var stage = IngressStage([IngressStage.audio, IngressStage.video(feedback: [])])
        _ = stage.receive(PacketBuilder(1, ssrc: 1, payloadType: 111))
        _ = stage.receive(PacketBuilder(1, ssrc: 2))
        _ = stage.receive(PacketBuilder(9, ssrc: 2))
        for encoding in 0..<2 { stage.ingress.requestKeyframe(of: encoding, now: stage.now) }
        stage.advance(.milliseconds(900))
        #expect(stage.controlTexts().isEmpty)
    }

    @Test func theLayersOfAV1AreReadFromItsDependencyDescriptor() throws {
        let track = IngressTrackParameters(codec: .av1, mid: ExtensionToken("1"), payloadType: 45)
        var stage = IngressStage([track])
        // One spatial and two temporal layers, the upper one discardable (AV1 RTP specification, appendix A.8).
        let structure: [UInt8] = [0xC0, 0, 1, 0x80, 0x01, 0x7A, 0x14, 0x00]
        let packet = PacketBuilder(1, payloadType: 45).with { $0.payload = [0x10, 0x30, 0x01] }
        let early = stage.receive(packet.with { $0.dependencies = [0xC1, 0, 0] }).packet
        #expect(early?.descriptor.flags.contains(.isLayered) == false, "no structure is known")
        let key = stage.receive(
            packet.with {
                $0.header.sequence = 2
                $0.dependencies = structure
            }
        ).packet
        #expect(key?.descriptor.temporalLayer == 0)
        #expect(key?.descriptor.flags.isSuperset(of: [.isLayered, .beginsFrame, .temporalSwitchPoint, .spatialSwitchPoint]) == true)
        let upper = stage.receive(
            packet.with {
                $0.header.sequence = 3
                $0.dependencies = [0xC1, 0, 2]
            }
        ).packet
        #expect(upper?.descriptor.temporalLayer == 1 && upper?.descriptor.flags.contains(.temporalSwitchPoint) == false)
        let reset = stage.receive(
            packet.with {
                $0.header.sequence = 30_000
                $0.dependencies = [0xC1, 0, 3]
            }
        ).packet
        #expect(reset?.beginsEpoch == true && reset?.descriptor.temporalLayer == 0, "another source has its own structure")
        #expect(stage.ingress.statistics(of: 0, now: stage.now).state.temporalLayers == 2)
    }

    static let malformed: [(String, [UInt8], IngressRefusal)] = [
        ("nothing", [], .malformed),
        ("eleven bytes", [UInt8](repeating: 0x80, count: 11), .malformed),
        ("version 1", [0x40] + [UInt8](repeating: 0, count: 11), .malformed),
        ("an extension over the end", [0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xA0, 0xBE, 0xDE, 0, 9], .malformed),
        ("padding over the header", [0xA0, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xA0, 77], .malformed),
        ("sources over the end", [0x8F, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xA0], .malformed),
        ("a payload type of nobody", [0x80, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xA0, 1], .unknownSource),
        ("a retransmission before any media", [0x80, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xA1, 0, 1, 5], .earlyRetransmission),
    ]

    @Test(arguments: malformed) func malformedPacketsAreRefused(what: String, bytes: [UInt8], refusal: IngressRefusal) {
        var stage = IngressStage([IngressStage.video()])
        #expect(stage.receive(bytes).refusal == refusal, "\(what)")
        #expect(stage.ingress.refusals[refusal] == 1)
    }

    @Test func randomDatagramsNeverTrap() {
        var random = SeededRandom(seed: 4)
        var stage = IngressStage([IngressStage.audio, IngressStage.video()])
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            if bytes.count > 12 {
                bytes[0] = bytes[0] & 0x33 | 0x80
                bytes[1] = [96, 97, 111].randomElement(using: &random) ?? 96
                bytes[11] = bytes[1]
                for index in 8..<11 { bytes[index] = 0 }
            }
            if stage.receive(bytes).packet != nil { accepted += 1 }
            stage.advance(.microseconds(Int64.random(in: 0...20_000, using: &random)))
            for compound in stage.control() { #expect(compound.withUnsafeBytes { RTCPCompound.check($0) }) }
            bytes.withUnsafeBytes { buffer in
                var events: [IngressControlEvent] = []
                stage.ingress.receiveControl(buffer, arrival: stage.now, events: &events)
            }
        }
        #expect(accepted > 1000, "the test must reach the media")
    }
}
