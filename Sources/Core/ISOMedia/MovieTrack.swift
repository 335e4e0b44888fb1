package import BridgeModel

/// One track of a movie.
package struct MovieTrack: Sendable, Equatable {
    /// From 1; it names the track within its file.
    package var number: UInt32
    package var format: SampleFormat
    /// Pixels, video only.
    package var width: Int
    package var height: Int
    /// Audio only.
    package var channels: Int
    /// Hz, audio only. Opus is always 48,000.
    package var sampleRate: Int

    package init(number: UInt32, format: SampleFormat, width: Int = 0, height: Int = 0, channels: Int = 1, sampleRate: Int = 48_000) {
        self.number = number
        self.format = format
        self.width = width
        self.height = height
        self.channels = channels
        self.sampleRate = sampleRate
    }

    /// A track whose codec's data is as Matroska stores it. `firstKeyframe` is read for VP9 only, whose description is in its frames.
    /// Throws `unsupportedCodec` or `badConfiguration`.
    package init(
        number: UInt32, codec: Codec, codecPrivate: [UInt8], size: (width: Int, height: Int) = (0, 0), channels: Int = 1,
        firstKeyframe: [UInt8] = []
    ) throws(ISOMediaError) {
        let format = try SampleFormat(codec: codec, codecPrivate: codecPrivate, size: size, firstKeyframe: firstKeyframe)
        let config = codec == .aac ? AudioSpecificConfig(codecPrivate) : nil
        self.init(
            number: number, format: format, width: size.width, height: size.height, channels: channels,
            sampleRate: config.map { Int($0.sampleRate) } ?? 48_000)
    }

    /// Ticks a second: 90 kHz for video, the sample rate for audio.
    package var timescale: UInt32 { format.kind == .video ? 90_000 : UInt32(clamping: max(1, sampleRate)) }

    /// A moment in this track's ticks, rounded to the nearest; the same moment always gives the same tick.
    func ticks(_ time: Duration) -> Int64 { time.ticks(perSecond: timescale) }

    /// The reverse of `ticks`, to the nanosecond.
    func time(ofTicks ticks: Int64) -> Duration { Duration(ticks: ticks, perSecond: timescale) }
}

/// One coded picture or piece of sound.
package struct MovieSample: Sendable, Equatable {
    /// The track's number.
    package var track: UInt32
    /// When it is shown, from the movie's beginning.
    package var time: Duration
    /// Decoding can begin here; true for all audio.
    package var isKeyframe: Bool
    package var bytes: [UInt8]

    package init(track: UInt32, time: Duration, isKeyframe: Bool, bytes: [UInt8]) {
        self.track = track
        self.time = time
        self.isKeyframe = isKeyframe
        self.bytes = bytes
    }
}

extension Duration {
    /// Rounded to the nearest tick. Seconds and their rest are counted apart, so that a century at 90 kHz does not overflow; what is longer is clamped.
    func ticks(perSecond scale: UInt32) -> Int64 {
        let nanoseconds = wholeNanoseconds
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let half: Int64 = rest < 0 ? -500_000_000 : 500_000_000
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: Int64(scale))
        let (sum, isTooLong) = whole.addingReportingOverflow((rest * Int64(scale) + half) / 1_000_000_000)
        return overflow || isTooLong ? (nanoseconds < 0 ? .min : .max) : sum
    }

    /// A count of ticks from a file, which may be anything: clamped to what nanoseconds of 64 bits hold.
    init(ticks: Int64, perSecond scale: UInt32) {
        let scale = Int64(max(1, scale))
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: scale)
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let limit: Int64 = ticks < 0 ? .min : .max
        let (sum, isTooLong) = whole.addingReportingOverflow((rest * 1_000_000_000 + scale / 2) / scale)
        self = .nanoseconds(overflow || isTooLong ? limit : sum)
    }
}
