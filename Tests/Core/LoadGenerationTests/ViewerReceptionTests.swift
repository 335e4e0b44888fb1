import BridgeModel
import LoadGeneration
import RTP
import SDP
import Testing

@Suite struct ViewerReceptionTests {
    /// A viewer of one H.264 track, as if a server had agreed to all that was offered.
    private func viewer(_ feedback: FeedbackStyle, joinsAt time: MonotonicTime = Publishing.start) -> ViewerReception {
        var format = NegotiatedFormat(
            codec: .h264, payloadType: 96, channels: 1, parameters: FormatParameters(""), feedback: [.nack, .pictureLoss])
        format.rtxPayloadType = 97
        let section = ClientAnswer.Section(
            mid: "0", formats: [format], extensions: [], source: MediaSource(ssrc: Publishing.media, rtx: Publishing.rtx))
        return ViewerReception([ReceivedTrack(section)], feedback: feedback, sender: 7, startedAt: time, now: time)
    }

    private func receive(_ bytes: [UInt8], _ viewer: inout ViewerReception, at time: MonotonicTime) -> ViewerReception.Observation {
        bytes.withUnsafeBytes { viewer.receive($0, now: time, wall: Publishing.wall(time)) }
    }

    /// The feedback of a compound.
    private func lost(_ compound: [UInt8]) -> [UInt16] {
        compound.withUnsafeBytes { bytes in
            RTCPCompound(bytes).flatMap { packet -> [UInt16] in
                guard case .nack(Publishing.media, let lost)? = RTCPFeedback(packet) else { return [] }
                return Array(lost)
            }
        }
    }

    @Test func everythingThatComesIsCounted() {
        var publishing = Publishing()
        var viewer = viewer(.browser)
        let packets = publishing.run(for: .seconds(2))
        for (bytes, time) in packets { _ = receive(bytes, &viewer, at: time.advanced(by: .milliseconds(3))) }
        let counters = viewer.counters
        #expect(counters.packets == UInt64(packets.count) && counters.stamped == counters.packets && counters.lost == 0)
        #expect(counters.bytes == UInt64(packets.reduce(0) { $0 + $1.bytes.count }))
        let first = Publishing.start.advanced(by: .milliseconds(3))
        #expect(viewer.firstPacketAt == first && viewer.keyframeAt == first)
    }

    @Test func theDelayIsFromTheStampToTheArrival() {
        var publishing = Publishing()
        var viewer = viewer(.lean)
        for (number, (bytes, time)) in publishing.run(for: .seconds(1)).enumerated() {
            let observation = receive(bytes, &viewer, at: time.advanced(by: .milliseconds(25)))
            #expect(observation == .stamped(counter: UInt64(number), delay: .milliseconds(25)))
        }
    }

    @Test func whatWasSentBeforeTheJoinTellsNoDelay() {
        var publishing = Publishing()
        let join = Publishing.start.advanced(by: .milliseconds(500))
        var viewer = viewer(.lean, joinsAt: join)
        let delays = publishing.run(for: .seconds(1)).map { bytes, time -> Bool in
            guard case .stamped(_, let delay) = receive(bytes, &viewer, at: max(time, join.advanced(by: .milliseconds(5)))) else {
                return false
            }
            return (delay == nil) == (time < join)
        }
        #expect(delays.allSatisfy { $0 })
    }

    @Test func aBrowserAsksForWhatIsLostAndARetransmissionMakesItGood() throws {
        var publishing = Publishing()
        var viewer = viewer(.browser)
        let packets = publishing.run(for: .seconds(1))
        let missing = try #require(packets[50].bytes.readPacket(\.sequence))
        for (bytes, time) in packets[..<50] + packets[51..<60] { _ = receive(bytes, &viewer, at: time) }
        #expect(viewer.counters.lost == 1)
        let later = packets[60].time.advanced(by: .milliseconds(20))
        let compound = Publishing.write { viewer.writeControl(to: $0, now: later) }
        #expect(lost(compound) == [missing])
        let again = Publishing.write { publishing.video.writeAgain(missing, to: $0) }
        #expect(receive(again, &viewer, at: later) == .stamped(counter: 50, delay: nil))
        #expect(receive(again, &viewer, at: later) == .nothing)
        #expect(viewer.counters.lost == 0 && viewer.counters.recovered == 1)
    }

    @Test func aLeanViewerAsksForNothing() {
        var publishing = Publishing()
        var viewer = viewer(.lean)
        let packets = publishing.run(for: .seconds(1))
        for (bytes, time) in packets[..<50] + packets[60...] { _ = receive(bytes, &viewer, at: time) }
        let compound = Publishing.write { viewer.writeControl(to: $0, now: Publishing.start.advanced(by: .seconds(2))) }
        #expect(!compound.isEmpty && lost(compound).isEmpty)
        #expect(viewer.counters.lost == 10)
    }

    @Test func aReportSaysWhatWasLost() throws {
        var publishing = Publishing()
        var viewer = viewer(.lean)
        let packets = publishing.run(for: .seconds(1))
        for (index, (bytes, time)) in packets.enumerated() where !index.isMultiple(of: 4) || index == 0 {
            _ = receive(bytes, &viewer, at: time)
        }
        let compound = Publishing.write { viewer.writeControl(to: $0, now: Publishing.start.advanced(by: .seconds(1))) }
        let block = try #require(compound.withUnsafeBytes { bytes in RTCPCompound(bytes).lazy.flatMap { ReportBlocks($0) }.first })
        #expect(block.ssrc == Publishing.media && (60...68).contains(block.fractionLost), "\(block)")
        #expect(block.cumulativeLost > 40)
    }

    @Test func aViewerWithoutAKeyframeAsksForOneUntilItComes() {
        var publishing = Publishing(VideoSettings(keyframeInterval: .seconds(100)))
        var viewer = viewer(.lean)
        let packets = publishing.run(for: .seconds(3))
        var requests = 0
        for (bytes, time) in packets.dropFirst(60) {
            _ = receive(bytes, &viewer, at: time)
            let compound = Publishing.write { viewer.writeControl(to: $0, now: time) }
            requests += compound.withUnsafeBytes { bytes in
                RTCPCompound(bytes).filter { if case .pictureLossIndication? = RTCPFeedback($0) { true } else { false } }.count
            }
        }
        #expect(viewer.keyframeAt == nil && (4...6).contains(requests), "\(requests) requests in 2.7 s")
    }

    @Test func whatIsNoPacketOfOursCountsForNothing() {
        var viewer = viewer(.browser)
        let header: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]
        let malformed: [[UInt8]] = [
            [], [0x80], Array(header.dropLast()), [0x40] + header.dropFirst(), [0x8F] + header.dropFirst(),
            [0x90] + header.dropFirst(), [0xA0] + header.dropFirst(), [0x80, 98] + header.dropFirst(2), [0x80, 97] + header.dropFirst(2),
            [0x80, 97] + header.dropFirst(2) + [1], [0x90] + header.dropFirst() + [0xBE, 0xDE, 0xFF, 0xFF],
        ]
        for bytes in malformed { #expect(receive(bytes, &viewer, at: Publishing.start) == .nothing, "\(bytes)") }
        #expect(viewer.counters == ViewerCounters())
        for bytes in malformed { bytes.withUnsafeBytes { viewer.receiveControl($0, now: Publishing.start) } }
    }
}
