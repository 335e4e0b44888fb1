import ArgumentParser
import Bridge
import BridgeConfiguration
import BridgeModel
import Foundation
import LinuxIO

/// `viaduct camera`: this machine as a camera of a bridge, or of any WHIP server.
struct CameraCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "camera",
        abstract: "Publishes a test pattern, a file, a V4L2 device or an RTSP camera to a bridge, and keeps it there.",
        discussion: """
            A camera of a bridge, by RTM:

              viaduct camera --to ws://bridge:8080 --name gate \\
                --token-file gate.token --source v4l2:/dev/video0

            The token is one that may publish the name: viaduct token --stream gate --allow publish. The file is read anew for each session.

            At any WHIP endpoint:

              viaduct camera --to https://meet.example/whip/gate \\
                --token-file gate.token --source file:/srv/clip.mp4

            A lost connection gets 3 s to come back by itself; then a new session follows at once, and after every one that fails a pause of 1 s that \
            doubles to 30 s, for ever. A name that does not resolve, a bridge that is not there and a source that fails (no RTSP camera, no frames) \
            are tried again in the same way. A token that is refused and a source that does not exist are not: they end the program.

            A bridge may tell it what to do (POST /bridge/v1/cameras/NAME/orders, and the seats that rooms have for it). With --stand-by it publishes \
            only while it is told to: as long as a room has a seat for it.

            With --offline-folder it records there while it is not connected, from some seconds before the loss: a folder for each time, named by its \
            beginning (UTC), with Matroska or WebM files. Each 10 s the log has a line about its health.

            With --microphone the sound of a device goes with the pictures of a V4L2 device, or with the pattern in place of its tone. alsa needs \
            gstreamer1.0-alsa; pulse is PulseAudio, or PipeWire in its place. A device that cannot be opened or is taken away ends nothing: the \
            pictures go on with silence, the log says why, and it is tried again for ever, after pauses of 1 s to 30 s.

            With --speaker it plays a stream of its bridge to whoever stands by it: when the bridge orders it to, or from the beginning with --talk. No \
            echo is cancelled: a microphone beside the speaker hears it. A file grows while somebody speaks, and is one Ogg with Opus after the other.

            Exit status:
              0   Ctrl-C or SIGTERM: the session was ended properly
              64  the options are wrong
              66  the file or the device of --source does not exist or cannot be read
              69  the other side refused the camera for good
              73  --offline-folder cannot be written to
              77  the token was refused, or its file cannot be read
            """)

    @Option(help: "pattern, file:PATH (played over and over), v4l2:DEVICE, or an rtsp:// URL.")
    var source = "pattern"

    @Option(help: "A bridge as ws://HOST:PORT or wss://HOST, or the http(s):// URL of a WHIP endpoint.")
    var to: String

    @Option(help: "A file that holds the bearer token, alone.")
    var tokenFile: String?

    @Option(help: "The camera's name: its stream at a bridge.")
    var name = "camera"

    @Option(help: "The video codec. VP8 plays in every browser, H.264 takes a third of the processor time.")
    var codec = DemoCommand.CameraCodec.h264

    @Option(help: "Size of the pictures, in pixels.")
    var size = PictureSize(width: 1280, height: 720)

    @Option(help: "Pictures a second.")
    var fps = 30

    @Option(help: "Bit rate of the video, for instance 2M or 800k.")
    var bitrate = BitrateArgument(bitsPerSecond: 2_000_000)

    @Flag(inversion: .prefixedNo, help: "Sound: a microphone's, the pattern's tone, or the file's or RTSP camera's own.")
    var audio = true

    @Option(help: "Whose sound goes with a V4L2 device or the pattern: alsa, alsa:DEVICE, pulse, pulse:SOURCE, or none.")
    var microphone = "none"

    @Option(help: "A folder to record into while the camera is not connected; without it, nothing is recorded.")
    var offlineFolder: String?

    @Option(help: "How much of the disk such recordings may take, for instance 500MiB or 2GiB; the oldest files are given up first.")
    var offlineLimit = ByteCountArgument(bytes: 2 << 30)

    @Option(help: "What plays voices: alsa, alsa:DEVICE, pulse, pulse:SINK, or file:PATH.")
    var speaker: String?

    @Option(help: "A stream of the bridge to play from the beginning.")
    var talk: String?

    @Option(help: "A file that holds the bearer token that may watch that stream, alone; without it, --token-file is used.")
    var talkTokenFile: String?

    @Flag(help: "Publishes only while the bridge says so, and opens the source only then.")
    var standBy = false

    @Option(help: "How much is logged to standard error: debug, info, notice, warning or error.")
    var logLevel = "info"

    func validate() throws {
        do throws(BridgeError) {
            try check(SoundDevice.microphone(parsing: microphone), of: CapturePlan.Source(parsing: source))
            let target = try CameraTarget(parsing: to)
            if let speaker { _ = try TalkPlan.Speaker(parsing: speaker) }
            if case .whip = target, speaker != nil { throw BridgeError(.invalidField, "--speaker needs a bridge: --to ws://HOST:PORT.") }
        } catch {
            throw ValidationError(error.message)
        }
        if standBy, case .whip? = try? CameraTarget(parsing: to) {
            throw ValidationError(
                "--stand-by needs a bridge that tells the camera when to publish; give it as ws://HOST:PORT or wss://HOST.")
        }
        guard StreamID(named: name) != nil else { throw ValidationError("--name must be \(StreamID.rule).") }
        guard talk.map({ StreamID(named: $0) != nil }) ?? true else { throw ValidationError("--talk must be \(StreamID.rule).") }
        guard speaker != nil || (talk == nil && talkTokenFile == nil) else { throw ValidationError("--talk needs a --speaker.") }
        guard (1...60).contains(fps) else { throw ValidationError("--fps must be from 1 to 60.") }
        guard ["debug", "info", "notice", "warning", "error"].contains(logLevel) else {
            throw ValidationError("--log-level must be debug, info, notice, warning or error.")
        }
    }

    private func check(_ microphone: SoundDevice?, of source: CapturePlan.Source) throws(BridgeError) {
        guard microphone != nil else { return }
        guard audio else { throw BridgeError(.invalidField, "--microphone and --no-audio exclude each other.") }
        switch source {
        case .test, .v4l2: return
        case .file, .rtsp:
            throw BridgeError(
                .invalidField, "--microphone is for v4l2:DEVICE and pattern: a file and an RTSP camera have sound of their own.")
        }
    }

    func run() async throws {
        var log = LogSettings()
        log.level = logLevel
        LogOutput.install(log)
        let end: CameraEnd?
        do throws(CameraEnd) {
            let process = try CameraProcess(self)
            let signals = ProcessSignals()
            let stopping = Task {
                for await signal in signals.received where signal == .stop { break }
                await process.stop()
            }
            end = await process.run()
            stopping.cancel()
        } catch {
            end = error
        }
        guard let end else { return }
        HostFacts.logLine("viaduct camera: \(end.message)")
        throw ExitCode(end.status.rawValue)
    }
}

/// Why a camera is no more, for the person at its console.
struct CameraEnd: Error {
    /// As in sysexits(3).
    enum Status: Int32 {
        case noInput = 66
        case unavailable = 69
        case cannotCreate = 73
        case noPermission = 77
    }

    let status: Status
    let message: String
}

/// `1280x720`.
struct PictureSize: ExpressibleByArgument {
    let width: Int
    let height: Int

    private static let allowed = 64...3840

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    init?(argument: String) {
        let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let width = parts[0], let height = parts[1], width % 2 == 0, height % 2 == 0,
            Self.allowed.contains(width), Self.allowed.contains(height)
        else { return nil }
        self.init(width: width, height: height)
    }

    var defaultValueDescription: String { "\(width)x\(height)" }
}

/// `500MiB`, `2GiB`.
struct ByteCountArgument: ExpressibleByArgument {
    let bytes: Int

    private static let smallest = 16 << 20

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        guard let bytes = ByteCountText.parse(argument), bytes >= Self.smallest else { return nil }
        self.bytes = bytes
    }

    var defaultValueDescription: String { ByteCountText.print(bytes) }
}

/// `2M`, `800k` or bits a second.
struct BitrateArgument: ExpressibleByArgument {
    let bitsPerSecond: Int

    private static let allowed = 50_000...50_000_000

    init(bitsPerSecond: Int) { self.bitsPerSecond = bitsPerSecond }

    init?(argument: String) {
        let (digits, unit) =
            switch argument.last {
            case "k": (argument.dropLast(), 1000)
            case "M": (argument.dropLast(), 1_000_000)
            default: (argument[...], 1)
            }
        guard let number = Int(digits) else { return nil }
        let (rate, isTooLarge) = number.multipliedReportingOverflow(by: unit)
        guard !isTooLarge, Self.allowed.contains(rate) else { return nil }
        bitsPerSecond = rate
    }

    var defaultValueDescription: String { "\(bitsPerSecond / 1_000_000)M" }
}
