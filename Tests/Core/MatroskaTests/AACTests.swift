import BridgeModel
import Matroska
import Testing

@Suite struct AACTests {
    @Test func aTrackOfAACIsReadAsItWasWritten() throws {
        let track = MatroskaTrack(number: 1, codec: .aac, channels: 1, codecPrivate: [0x14, 0x08])
        var writer = MatroskaWriter(.matroska, tracks: [track], startedAt: WallTime(milliseconds: 1000), cluster: .seconds(1))
        writer.append(MatroskaFrame(track: 1, time: .zero, isKeyframe: true, bytes: [1, 2, 3]))
        _ = writer.finish()
        let bytes = writer.takeOutput().appended
        var reader = try MatroskaReader { offset, count in Array(bytes.dropFirst(Int(clamping: offset)).prefix(count)) }
        #expect(reader.tracks == [track])
        #expect(reader.next()?.bytes == [1, 2, 3])
        #expect(track.sampleRate == 16_000)
        // SamplingFrequency (RFC 9559 section 5.1.4.1.29.1) as a float of 8 bytes.
        let frequency: [UInt8] = [0xB5, 0x88, 0x40, 0xCF, 0x40, 0, 0, 0, 0, 0]
        #expect(bytes.indices.contains { bytes[$0...].starts(with: frequency) })
    }

    /// By hand: the element's head, for each channel its gain and 14 zeros, three ones for the end.
    @Test func silenceHasTheFormOfItsChannels() throws {
        let stereo = try #require(AudioSpecificConfig([0x11, 0x90]).flatMap { AACSilence($0) })
        #expect(stereo.packet == [0x20, 0x5A, 0x00, 0x01, 0x68, 0x00, 0x0E])
        let mono = try #require(AudioSpecificConfig([0x11, 0x88]).flatMap { AACSilence($0) })
        #expect(mono.packet == [0x00, 0xB4, 0x00, 0x07])
        #expect(mono.gap != mono.packet && stereo.gap.count == 7)
        #expect(AudioSpecificConfig([0x11, 0xB0]).flatMap { AACSilence($0) } == nil, "six channels")
        #expect(AudioSpecificConfig([0x09, 0x90]).flatMap { AACSilence($0) } == nil, "AAC Main")
    }
}
