import ArgumentParser
import BridgeModel
import LoadGeneration
import LoadPlane

/// When a steady run or a storm is measured.
struct LoadMeasureOptions: ParsableArguments {
    @Option(help: "How long to measure; 0s goes on until Ctrl-C.")
    var duration = DurationArgument(.seconds(10))

    @Option(help: "From the last join to the beginning of what is measured.")
    var settle = DurationArgument(.seconds(2))

    func apply(to scenario: inout LoadScenario) {
        scenario.settle = settle.duration
        scenario.duration = duration.duration > .zero ? duration.duration : nil
    }
}

/// Where to go, who goes, and as what.
struct LoadOptions: ParsableArguments {
    @OptionGroup(title: "Where") var target: LoadTargetOptions
    @OptionGroup(title: "Media") var media: LoadMediaOptions
    @OptionGroup(title: "Expectations") var expectations: LoadExpectationOptions

    @Option(
        help:
            "How many publish, each its own stream: with more than one, {n} in URLs, streams and tokens is the publisher's number, from 1. Default: 1 with --whip or --publish, else 0."
    )
    var publishers: Int?

    @Option(help: "How many watch; over several streams they are spread evenly.")
    var viewers = 0

    @Option(help: "How long one join may take, to its first packet.")
    var patience = DurationArgument(.seconds(15))

    @Option(
        help: "What viewers tell the server: 'browser' (reports, NACK with RTX, transport-wide feedback, PLI) or 'lean' (reports, PLI).")
    var feedback = FeedbackStyle.browser

    @Option(help: "SRTP profile: gcm, cm, or any (the server chooses).")
    var srtp = SRTPChoice.any

    @Flag(help: "The report is one JSON object.")
    var json = false

    @Flag(help: "No progress on standard error.")
    var quiet = false

    enum SRTPChoice: String, ExpressibleByArgument, CaseIterable {
        case gcm, cm, any
    }

    var publisherCount: Int { publishers ?? (target.publishes ? 1 : 0) }

    func validate() throws {
        guard publisherCount >= 0, viewers >= 0, publisherCount + viewers > 0 else {
            throw ValidationError("Nobody would come: say --viewers or --publishers.")
        }
        guard publisherCount == 0 || target.publishes else {
            throw ValidationError("Where should they publish? Say --whip URL, or --rtm ORIGIN with --publish.")
        }
        guard viewers == 0 || target.watches else {
            throw ValidationError("What should they watch? Say --whep URL, or --rtm ORIGIN with --stream.")
        }
        guard publisherCount <= 1 || target.isNumbered else {
            throw ValidationError("\(publisherCount) publishers need a stream each: write {n} into --whip and --whep, or into --stream.")
        }
    }
}

extension FeedbackStyle: ExpressibleByArgument {}

/// The server.
struct LoadTargetOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to publish by WHIP.", valueName: "url"))
    var whip: String?

    @Option(help: ArgumentHelp("Where to watch by WHEP.", valueName: "url"))
    var whep: String?

    @Option(help: ArgumentHelp("A bridge to speak RTM with, for instance http://127.0.0.1:8080.", valueName: "origin"))
    var rtm: String?

    @Option(help: "The stream of RTM sessions.")
    var stream: String?

    @Flag(help: "Publish by RTM, too.")
    var publish = false

    @Option(help: ArgumentHelp("Publish by the Eyeson dialect of RTM with this master key; `@file` reads it.", valueName: "key"))
    var masterKey: String?

    @Option(help: "The bearer token of publishers and viewers; `@file` reads it from a file.")
    var token: String?

    @Option(help: "The token of publishers, where it is another.")
    var publishToken: String?

    @Option(help: "The token of viewers, where it is another.")
    var watchToken: String?

    @Flag(help: "Take any certificate of an https server.")
    var insecure = false

    /// There is a place to publish at.
    var publishes: Bool { whip != nil || rtm != nil && (publish || masterKey != nil) }
    /// There is a place to watch at.
    var watches: Bool { whep != nil || rtm != nil }
    /// Each publisher has a stream of its own.
    var isNumbered: Bool { [whip, stream].compactMap { $0 }.contains { NumberedText($0).isNumbered } }

    func validate() throws {
        guard rtm == nil || stream != nil else { throw ValidationError("--rtm needs --stream: which stream is it about?") }
        guard whip == nil || rtm == nil || !publish else { throw ValidationError("Publish by --whip or by --rtm, not by both.") }
        guard masterKey == nil || rtm != nil else { throw ValidationError("--master-key is for --rtm.") }
        for (name, url) in [("--whip", whip), ("--whep", whep), ("--rtm", rtm)] {
            guard let url else { continue }
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                throw ValidationError("\(name) must be a URL that begins with http:// or https://, not '\(url)'.")
            }
        }
    }
}

/// What is published.
struct LoadMediaOptions: ParsableArguments {
    @Option(help: "Video codec of publishers: h264 or vp8.")
    var codec = LoadCodec.h264

    @Option(help: "Bit rate of each publisher's video, in kbit/s.")
    var bitrate = 2000

    @Option(help: "Frames a second.")
    var fps = 30

    @Option(help: "Between keyframes that nobody asked for.")
    var gop = DurationArgument(.seconds(2))

    @Option(help: "The part of a frame's time over which its packets are spread, 0 to 1.")
    var pace = 0.4

    @Flag(help: "Opus (silence) beside the video, both published and watched.")
    var audio = false

    enum LoadCodec: String, ExpressibleByArgument, CaseIterable {
        case h264, vp8
    }

    var settings: VideoSettings {
        var settings = VideoSettings(
            codec: codec == .h264 ? .h264 : .vp8, bitrate: bitrate * 1000, framesPerSecond: fps, keyframeInterval: gop.duration,
            hasAudio: audio)
        settings.pace = pace
        return settings
    }

    func validate() throws {
        guard (50...200_000).contains(bitrate) else { throw ValidationError("--bitrate must be from 50 to 200000, in kbit/s.") }
        guard (1...240).contains(fps) else { throw ValidationError("--fps must be from 1 to 240.") }
        guard (0...1).contains(pace) else { throw ValidationError("--pace must be from 0 to 1.") }
        guard gop.duration > .zero else { throw ValidationError("--gop must be more than 0.") }
    }
}

/// What the run has to reach.
struct LoadExpectationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Mean of what came to a viewer as part of what was published, at least; 0.998 is a server that keeps up.", valueName: "ratio"))
    var expectRateRatio: Double?

    @Option(help: ArgumentHelp("Packets that never came, at most.", valueName: "percent"))
    var expectLoss: Double?

    @Option(help: ArgumentHelp("95th percentile from POST to the first packet, at most.", valueName: "time"))
    var expectJoinP95: DurationArgument?

    @Option(help: ArgumentHelp("99th percentile of the latency, at most.", valueName: "time"))
    var expectLatencyP99: DurationArgument?

    @Option(help: ArgumentHelp("Joins that fail or end early, at most.", valueName: "count"))
    var expectFailures: Int?

    @Option(help: ArgumentHelp("Joins that are refused, at most.", valueName: "count"))
    var expectRefusals: Int?

    @Option(help: ArgumentHelp("Joins a second, at least.", valueName: "rate"))
    var expectJoinRate: Double?

    var expectations: LoadExpectations {
        var expectations = LoadExpectations()
        expectations.rateRatio = expectRateRatio
        expectations.lossPercent = expectLoss
        expectations.joinP95 = expectJoinP95?.duration
        expectations.latencyP99 = expectLatencyP99?.duration
        expectations.failures = expectFailures
        expectations.refusals = expectRefusals
        expectations.joinsPerSecond = expectJoinRate
        return expectations
    }
}
