import Bridge
import BridgeModel
import CameraPlane
import ControlPlane
import DeliveryPlane
import Foundation
import LinuxIO
import Logging
import MediaPlane
import PipelinePlane
import SecureTransport

/// The parts of a camera, each given what it stands on.
final class CameraProcess: Sendable {
    private let director: CameraDirector
    private let hub: Hub
    private let health: CameraHealth

    /// Throws what the person at the console has to correct.
    init(_ command: CameraCommand) throws(CameraEnd) {
        do {
            let source = try CapturePlan.Source(parsing: command.source).absolute()
            try source.check()
            let target = try CameraTarget(parsing: command.to)
            let clock = try SystemTime.clock(TimerQueue(name: "timers"))
            let hub = try Hub()
            self.hub = hub
            let calls = try CameraCalls(target, stream: StreamID(command.name), tokenFile: command.tokenFile, clock: clock)
            _ = try calls.token()
            var ladder = ConferenceMachine.Limits()
            ladder.longestPause = .seconds(30)
            ladder.place = target.name.prefix(1).lowercased() + target.name.dropFirst()
            let terms = CameraDirector.Terms(
                stream: StreamID(command.name), capture: command.capture(source), identity: DTLSIdentity(try Certificate.makeSelfSigned()),
                ice: target.ice, ladder: ladder, offline: try command.offlineTerms(),
                call: { () throws(ConferenceFault) in try calls.make() })
            let logger = Logger(label: "camera")
            director = CameraDirector(
                .init(launcher: try Self.supervisor(), hub: hub, clock: clock, logger: logger), terms: terms)
            health = CameraHealth(
                director, hub: hub, stream: StreamID(command.name), folder: terms.offline?.folder ?? "/", clock: clock, logger: logger)
        } catch let end as CameraEnd {
            throw end
        } catch let fault as ConferenceFault {
            throw CameraEnd(fault)
        } catch {
            throw CameraEnd(status: .unavailable, message: "The camera cannot be started: \(error)")
        }
    }

    /// One source and one session, or two while one replaces the other.
    private static func supervisor() throws -> PipelineSupervisor {
        var settings = PipelineSettings()
        settings.warm = 0
        let program = try ChildProgram(settings, dataFolder: FileManager.default.temporaryDirectory.path)
        return try PipelineSupervisor(
            settings: settings, executable: program.executable, environment: program.environment, logger: Logger(label: "pipelines"))
    }

    /// Publishes until `stop`, or until it is refused for good.
    func run() async -> CameraEnd? {
        let reports = Task { [health] in await health.run() }
        let end = await director.run()
        reports.cancel()
        await reports.value
        hub.shutdown()
        return end.map { CameraEnd($0) }
    }

    func stop() async { await director.stop() }
}

/// The calls of a camera: one for each session, with the token as its file has it then.
struct CameraCalls: Sendable {
    private let target: CameraTarget
    private let stream: StreamID
    private let tokenFile: String?
    private let http: EgressClient
    private let clock: BridgeClock

    private static let connectTimeout = Duration.seconds(5)

    init(_ target: CameraTarget, stream: StreamID, tokenFile: String?, clock: BridgeClock) throws(BridgeError) {
        self.target = target
        self.stream = stream
        self.tokenFile = tokenFile.map(SettingOptions.absolute)
        self.clock = clock
        http = try EgressClient(
            rules: CameraTarget.rules(host: target.host), resolver: SystemNameResolver(), connectTimeout: Self.connectTimeout)
    }

    func make() throws(ConferenceFault) -> any ConferenceCall {
        let token = try token()
        switch target {
        case .rtm(let origin):
            return RTMCall(
                RTMExchange(origin: origin, stream: stream, token: token), place: target.name, http: http, clock: clock)
        case .whip(let url):
            let calls = ConferenceCallMaker(http: http, rules: CameraTarget.rules(host: target.host), clock: clock)
            return calls.call(.whip(WHIPTarget(url: url, token: token)), resource: nil)
        }
    }

    /// What the token's file holds; nil without a file.
    func token() throws(ConferenceFault) -> Redacted<String>? {
        guard let tokenFile else { return nil }
        let text: String
        do {
            text = try String(contentsOfFile: tokenFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw Self.unusable("The token file \(tokenFile) cannot be read; write the token into it and let this user read it.")
        }
        guard (1...4096).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Self.unusable("The token file \(tokenFile) holds no token; write the token into it, and nothing else.")
        }
        return Redacted(text)
    }

    private static func unusable(_ text: String) -> ConferenceFault {
        ConferenceFault(BridgeError(.forbidden, text), isPermanent: true)
    }
}

extension CameraEnd {
    fileprivate init(_ fault: ConferenceFault) {
        let isToken = fault.error.code == .forbidden || fault.status == 401 || fault.status == 403
        self.init(status: isToken ? .noPermission : .unavailable, message: fault.error.message)
    }
}

extension CameraCommand {
    fileprivate func capture(_ source: CapturePlan.Source) -> CapturePlan {
        var hasSound = audio
        if case .v4l2 = source { hasSound = false }
        return CapturePlan(
            source: source, videoCodec: codec.codec, width: size.width, height: size.height, framesPerSecond: fps,
            bitrate: bitrate.bitsPerSecond, keyframeInterval: .seconds(2), audio: hasSound)
    }
}

extension CameraCommand {
    /// The folder exists and can be written to from here on.
    fileprivate func offlineTerms() throws(CameraEnd) -> OfflineRecorder.Terms? {
        guard let offlineFolder else { return nil }
        let folder = SettingOptions.absolute(offlineFolder)
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw CameraEnd(
                status: .cannotCreate, message: "The folder \(folder) of --offline-folder cannot be written to; give it to this user.")
        }
        return OfflineRecorder.Terms(folder: folder, limit: Int64(offlineLimit.bytes))
    }
}

extension CapturePlan.Source {
    fileprivate func absolute() -> Self {
        guard case .file(let path) = self else { return self }
        return .file(path: SettingOptions.absolute(path))
    }

    /// Throws when what is named does not exist here.
    fileprivate func check() throws(CameraEnd) {
        switch self {
        case .test, .rtsp: return
        case .file(let path):
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
                throw CameraEnd(status: .noInput, message: "There is no file \(path); check --source.")
            }
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw CameraEnd(status: .noInput, message: "The file \(path) cannot be read; let this user read it.")
            }
        case .v4l2(let device):
            let kind = try? FileManager.default.attributesOfItem(atPath: device)[.type] as? FileAttributeType
            guard kind == .typeCharacterSpecial else {
                throw CameraEnd(
                    status: .noInput, message: "There is no device \(device); look which there are with ls /dev/video*, and check --source."
                )
            }
            guard FileManager.default.isReadableFile(atPath: device) else {
                throw CameraEnd(status: .noInput, message: "The device \(device) cannot be opened; put this user into the group video.")
            }
        }
    }
}

extension CameraTarget {
    /// To a bridge on this machine, media goes over loopback; else over whatever interface leads there.
    fileprivate var ice: IceSettings {
        switch host {
        case "localhost": IceSettings(addresses: ["127.0.0.1"])
        case "::1": IceSettings(addresses: [host])
        case _ where host.hasPrefix("127."): IceSettings(addresses: [host])
        default: IceSettings()
        }
    }
}
