import Bridge
import BridgeModel
import Matroska
import Testing

@testable import PipelineChild

extension MatroskaFrame {
    /// It is no silence of a `SilenceFiller`.
    var isReceived: Bool { bytes != OpusSilence.packet && bytes.first != 0xFB }
}

@Suite struct AACSilenceFillingTests {
    private static let lowComplexity: [UInt8] = [0x11, 0x90]  // 48,000 Hz, two channels

    private func written(_ times: [Duration], config: [UInt8] = lowComplexity) -> [MatroskaFrame] {
        let tracks = [MatroskaTrack(number: 1, codec: .h264), MatroskaTrack(number: 2, codec: .aac, codecPrivate: config)]
        var filler = SilenceFiller(tracks: tracks, patience: .seconds(5))
        return times.flatMap { filler.fill(before: MatroskaFrame(track: 2, time: $0, isKeyframe: true, bytes: [1])) }
    }

    private let frame = Duration.nanoseconds(21_333_333)

    @Test func roundedTimesBecomeWholeFramesAgain() {
        let times = (0..<1000).map { Duration.milliseconds((frame * $0).wholeMilliseconds) }
        let placed = written(times).map(\.time)
        #expect(placed == (0..<1000).map { frame * $0 })
    }

    @Test func aClockThatDriftsIsFollowed() {
        let times = (0..<3000).map { frame * $0 * 1001 / 1000 }
        let placed = written(times)
        #expect(placed.count == 3000)
        #expect(zip(placed, times).allSatisfy { abs(($0.time - $1).wholeMilliseconds) <= 3 })
        #expect(zip(placed, placed.dropFirst()).allSatisfy { $0.time < $1.time })
    }

    @Test func lostFramesAreFilledWithSilenceOfTheirKind() throws {
        let row = written([.zero, frame, frame * 4])
        let silence = try #require(AudioSpecificConfig(Self.lowComplexity).flatMap { AACSilence($0) })
        #expect(row.map(\.bytes) == [[1], [1], silence.packet, silence.packet, [1]])
        #expect(row.map(\.time) == (0..<5).map { frame * $0 })
    }

    @Test func aGapIsFilledWithSilenceThatTellsIt() throws {
        let silence = try #require(AudioSpecificConfig(Self.lowComplexity).flatMap { AACSilence($0) })
        let row = written([.zero, .seconds(10)])
        #expect(row.filter { $0.bytes == silence.gap }.count == 467)
        #expect(row.filter { $0.bytes == [1] }.map(\.time) == [.zero, .seconds(10)])
        #expect(written([.zero, .seconds(4000)]).count == 2, "a longer gap stays one")
    }

    @Test func layoutsWithoutSilenceOfOursAreLeftAsTheyAre() {
        #expect(written([.zero, frame, frame * 4], config: [0x11, 0xB0]).count == 3)
    }
}

@Suite struct SilenceFillerTests {
    private let tracks = [MatroskaTrack(number: 1, codec: .h264), MatroskaTrack(number: 2, codec: .opus)]

    private func written(_ frames: [(track: UInt8, time: Int64)]) -> [MatroskaFrame] {
        var filler = SilenceFiller(tracks: tracks, patience: .seconds(5))
        return frames.flatMap { frame in
            filler.fill(before: MatroskaFrame(track: frame.track, time: .milliseconds(frame.time), isKeyframe: true, bytes: [0xF8]))
        }
    }

    private func filled(_ frames: [(track: UInt8, time: Int64)]) -> [Int64] {
        written(frames).filter { $0.bytes == OpusSilence.packet }.map(\.time.wholeMilliseconds)
    }

    /// Where the sound stands for a player that counts samples, when it comes to the frames that were received.
    private func counted(_ frames: [MatroskaFrame]) -> [Duration] {
        var end: Duration = .zero
        return frames.filter { $0.track == 2 }.compactMap { frame in
            defer { end += opusDuration(frame.bytes) }
            return frame.bytes == [0xF8] ? end : nil
        }
    }

    @Test func framesThatFollowEachOtherAreLeftAlone() {
        #expect(filled([(2, 0), (2, 20), (2, 41), (1, 50), (2, 60), (2, 80), (2, 99), (1, 500)]) == [])
    }

    @Test func aLostPacketIsFilled() {
        #expect(filled([(2, 0), (2, 20), (2, 61), (2, 80), (2, 130)]) == [40, 100])
    }

    @Test func holesThatAreNoWholeNumberOfFramesDoNotAddUp() {
        let frames = (0..<100).map { (track: UInt8(2), time: Int64($0) * 52) }
        let away = zip(frames, counted(written(frames))).map { abs((Duration.milliseconds($0.time) - $1).wholeMilliseconds) }
        #expect(away.count == 100)
        #expect((away.max() ?? 99) <= 15)
    }

    @Test func aMutedMicrophoneKeepsUpWithThePictures() {
        let pictures = stride(from: Int64(500), through: 9000, by: 500).map { (track: UInt8(1), time: $0) }
        let silence = filled([(2, 0)] + pictures)
        #expect(silence == Array(stride(from: Int64(20), to: 9000, by: 20)))
        #expect(filled([(2, 0)] + pictures.prefix(10)).isEmpty, "it may still come")
        let rest = filled([(2, 0)] + pictures + [(2, 9100)])
        #expect(rest == Array(stride(from: Int64(20), to: 9100, by: 20)))
    }

    @Test func soundThatComesBehindItsSilenceIsKeptAndItsTimesRise() {
        let pictures = stride(from: Int64(500), through: 6000, by: 500).map { (track: UInt8(1), time: $0) }
        let late = stride(from: Int64(40), to: 400, by: 20).map { (track: UInt8(2), time: $0) }
        let sound = written([(2, 0), (2, 20)] + pictures + late).filter { $0.track == 2 }
        #expect(sound.count { $0.bytes == [0xF8] } == late.count + 2)
        #expect(zip(sound, sound.dropFirst()).allSatisfy { $0.time < $1.time })
        let last = sound.last?.time ?? .zero
        #expect(last <= .milliseconds(6000 + 20 * late.count), "it lasts no longer than it did: it ends at \(last)")
    }

    @Test func aGapIsFilledWhenItIsOver() {
        let frames: [(track: UInt8, time: Int64)] = [(2, 0), (1, 10), (1, 60_000), (2, 60_010), (2, 60_030)]
        let row = written(frames)
        let gap = row.filter { $0.bytes.first == 0xFB }
        #expect(gap.count == 500)
        #expect(gap.first?.time == .milliseconds(20))
        #expect(zip(row, row.dropFirst()).allSatisfy { $0.time <= $1.time })
        #expect(counted(row).suffix(2) == [.milliseconds(60_000), .milliseconds(60_020)])
    }

    @Test func aGapOfDaysIsNot() {
        #expect(written([(2, 0), (1, 10), (2, 200_000_000), (1, 200_000_010)]).count == 4)
    }

    @Test(
        arguments: [
            ([0xF8], 20_000), ([0xF9], 40_000), ([0xFB, 0x83], 60_000), ([0x00], 10_000), ([0x18], 60_000), ([0x68], 20_000),
            ([0xE0], 2500),
            ([], 20_000), ([0xFB], 20_000), ([0x1B, 0x3F], 120_000),
        ] as [([UInt8], Int)])
    func packetsOfOpusSayHowLongTheyAre(packet: [UInt8], microseconds: Int) {
        #expect(opusDuration(packet) == .microseconds(microseconds))
    }

    @Test func silenceStandsInWholeClustersThatTheIndexLeavesOutWhereNothingCame() throws {
        let tracks = [Codec.vp8, .opus].enumerated().map {
            TrackDescription(index: UInt8($0), codec: $1, payloadType: 96, formatParameters: "", mid: "\($0)")
        }
        var assembler = RecordingAssembler(
            plan: RecordPlan(
                tracks: tracks, container: .webm, fragment: .seconds(1), path: "", wallClockOffset: .zero, firstMediaTimeout: .seconds(10)))
        assembler.setFormat(.init(width: 320, height: 240), track: 0)
        for time in [0, 20, 40, 90_000, 90_020] as [UInt64] {
            for track in 0...1 {
                assembler.add(
                    TimedFrame(
                        track: track, time: time * 1_000_000, isKeyframe: track == 1 || time % 90_000 == 0, bytes: [0xF8],
                        receivedAt: time * 1_000_000))
            }
            _ = assembler.advance(now: time * 1_000_000)
        }
        _ = assembler.finish(now: 91_000_000_000)
        let output = assembler.takeOutput()
        try check(output.appended)
        var bytes = output.appended
        for change in output.overwritten {
            bytes.replaceSubrange(Int(change.offset)..<Int(change.offset) + change.bytes.count, with: change.bytes)
        }
        try check(bytes)
        #expect(bytes.count < 40_000)
        #expect(assembler.takeGaps() == [.init(offset: .milliseconds(40), length: .milliseconds(89_960))])
    }

    /// What the index says of a file that holds 40 ms and, 90 s after its beginning, 20 ms.
    private func check(_ bytes: [UInt8]) throws {
        let read: MatroskaReader.ReadBytes = { offset, count in Array(bytes.dropFirst(Int(offset)).prefix(count)) }
        var index = try ClusterIndex(readBytes: read)
        index.extend(to: UInt64(bytes.count), readBytes: read)
        #expect(index.entries.map(\.start) == [.zero, .seconds(90)])
        #expect(index.entries.map(\.end) == [.milliseconds(40), .milliseconds(90_020)])
        // The same while it is being written.
        var growing = try ClusterIndex(readBytes: read)
        for size in stride(from: 1, through: bytes.count, by: 37) {
            growing.extend(to: UInt64(size)) { offset, count in
                Array(bytes[..<size].dropFirst(Int(offset)).prefix(count))
            }
        }
        growing.extend(to: UInt64(bytes.count), readBytes: read)
        #expect(growing.entries.map(\.start) == index.entries.map(\.start))
    }
}
