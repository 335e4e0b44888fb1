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
import RecordingPlane
import SecureTransport

/// The parts of a camera, each given what it stands on.
final class CameraProcess: Sendable {
    private let director: CameraDirector
    private let hub: Hub
    private let health: HealthReports
    /// nil: no bridge of ours, which could tell it things.
    private let control: CameraControlLink?
    private let standsBy: Bool
    /// nil without a speaker.
    private let talk: TalkPlayer?
    /// What is played from the beginning.
    private let spoken: StreamID?
    /// Nil where nothing is recorded here, or where no bridge takes it.
    private let footage: FootageSender?

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
                stream: StreamID(command.name), capture: try command.capture(source),
                identity: DTLSIdentity(try Certificate.makeSelfSigned()), ice: target.ice, ladder: ladder,
                offline: try command.offlineTerms(), standsBy: command.standBy,
                call: { () throws(ConferenceFault) in try calls.make() })
            let logger = Logger(label: "camera")
            let services = CameraDirector.Services(
                launcher: try Self.supervisor(standsBy: command.standBy), hub: hub, clock: clock, logger: logger)
            director = CameraDirector(services, terms: terms)
            standsBy = command.standBy
            talk = try command.talkTerms(like: terms, calls: calls).map { TalkPlayer(services, terms: $0) }
            spoken = command.talk.map { StreamID($0) }
            let capture = CaptureControls(director, tracks: terms.capture.tracks, torch: source.torch, talk: talk)
            control = Self.control(
                target, AgentControls(director: director, standsBy: standsBy, capture: capture, spoken: spoken),
                camera: ClientID(command.name),
                calls: calls, clock: clock)
            footage = calls.footageTerms(terms).map { [director] in
                FootageSender($0, services: services) { await director.phase == .live }
            }
            health = HealthReports(
                director: director, hub: hub, stream: StreamID(command.name), folder: terms.offline?.folder ?? "/", control: control,
                clock: clock, logger: logger)
        } catch let end as CameraEnd {
            throw end
        } catch let fault as ConferenceFault {
            throw CameraEnd(fault)
        } catch {
            throw CameraEnd(status: .unavailable, message: "The camera cannot be started: \(error)")
        }
    }

    private static func control(
        _ target: CameraTarget, _ controls: AgentControls, camera: ClientID, calls: CameraCalls, clock: BridgeClock
    ) -> CameraControlLink? {
        guard case .rtm(let origin) = target else { return nil }
        let terms = CameraControlLink.Terms(origin: origin.origin, camera: camera) { () throws(ConferenceFault) in try calls.token() }
        return CameraControlLink(terms, controls: controls, clock: clock, logger: Logger(label: "control"))
    }

    /// One source and one session, or two while one replaces the other. Who stands by has their processes ready.
    private static func supervisor(standsBy: Bool) throws -> PipelineSupervisor {
        var settings = PipelineSettings()
        settings.warm = standsBy ? 2 : 0
        let program = try ChildProgram(settings, dataFolder: FileManager.default.temporaryDirectory.path)
        return try PipelineSupervisor(
            settings: settings, executable: program.executable, environment: program.environment, logger: Logger(label: "pipelines"))
    }

    /// Publishes until `stop`, or until it is refused for good.
    func run() async -> CameraEnd? {
        let reports = Task { [health] in await health.run() }
        let sending = Task { [footage] in await footage?.run() }
        await talk?.play(spoken)
        let obedience = Task { await self.obey() }
        let end = await director.run()
        obedience.cancel()
        let refusal = await obedience.value
        sending.cancel()
        await talk?.close()
        reports.cancel()
        await reports.value
        hub.shutdown()
        return (end ?? refusal).map { CameraEnd($0) }
    }

    /// Does what the bridge says. One that is refused the socket goes on as it is, unless it does nothing else: then it ends, and says why.
    private func obey() async -> ConferenceFault? {
        guard let refusal = await control?.run() else { return nil }
        guard standsBy else {
            // A token that is refused is refused to the session, too, which says so.
            let level: Logger.Level = refusal.error.code == .forbidden ? .debug : .notice
            Logger(label: "control").log(
                level: level, "the camera cannot be told anything", metadata: ["reason": "\(refusal.error.message)"])
            return nil
        }
        await director.stop()
        return refusal
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

    /// A session that watches a stream of the same bridge; `tokenFile` holds what allows it, nil: the camera's own.
    func watch(_ stream: StreamID, tokenFile other: String?) throws(ConferenceFault) -> any ConferenceCall {
        let token = try token(in: other ?? tokenFile)
        guard case .rtm(let origin) = target else {
            throw ConferenceFault(BridgeError(.invalidField, "Only a bridge has streams to be played."), isPermanent: true)
        }
        do throws(BridgeError) {
            let rules = CameraTarget.rules(host: target.host)
            let url = try origin.redirected(to: Redacted("/whep/\(PercentEncoding.encode(stream.rawValue))"), rules: rules)
            return ConferenceCallMaker(http: http, rules: rules, clock: clock).call(
                .whip(WHIPTarget(url: url, token: token)), resource: nil)
        } catch {
            throw ConferenceFault(error, isPermanent: true)
        }
    }

    /// How what was recorded here is brought to the bridge, as fast as the live picture goes.
    func footageTerms(_ camera: CameraDirector.Terms) -> FootageSender.Terms? {
        guard case .rtm(let origin) = target, let folder = camera.offline?.folder else { return nil }
        return FootageSender.Terms(
            folder: folder, stream: stream, rate: camera.capture.bitrate,
            digest: { path in try await FinishedFile.read(path, container: .matroska).sha256 },
            exchange: { [self] sha256, size in
                FootageExchange(origin: origin, stream: stream, token: try token(), sha256: sha256, size: size)
            }, http: http)
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
    func token() throws(ConferenceFault) -> Redacted<String>? { try token(in: tokenFile) }

    private func token(in tokenFile: String?) throws(ConferenceFault) -> Redacted<String>? {
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
    fileprivate func capture(_ source: CapturePlan.Source) throws(BridgeError) -> CapturePlan {
        let microphone = try SoundDevice.microphone(parsing: microphone)
        var hasSound = audio
        if case .v4l2 = source, microphone == nil { hasSound = false }
        var plan = CapturePlan(
            source: source, videoCodec: codec.codec, width: size.width, height: size.height, framesPerSecond: fps,
            bitrate: bitrate.bitsPerSecond, keyframeInterval: .seconds(2), audio: hasSound)
        plan.microphone = microphone
        plan.audioLevel = CapturePlan.audioLevelIdentifier
        return plan
    }
}

extension CameraCommand {
    /// How voices are played; nil without a speaker. Their sessions are of the same identity, on the same ladder.
    fileprivate func talkTerms(like camera: CameraDirector.Terms, calls: CameraCalls) throws -> TalkPlayer.Terms? {
        guard let speaker = try speaker.map({ try TalkPlan.Speaker(parsing: $0) })?.absolute() else { return nil }
        if case .file(let path) = speaker {
            let isThere = FileManager.default.fileExists(atPath: path) || FileManager.default.createFile(atPath: path, contents: nil)
            guard isThere, FileManager.default.isWritableFile(atPath: path) else {
                throw CameraEnd(status: .cannotCreate, message: "The file \(path) of --speaker cannot be written to; give it to this user.")
            }
        }
        var ladder = camera.ladder
        ladder.longestPause = .seconds(10)
        let tokenFile = talkTokenFile.map(SettingOptions.absolute)
        return TalkPlayer.Terms(speaker: speaker, identity: camera.identity, ice: camera.ice, ladder: ladder) {
            stream throws(ConferenceFault) in
            try calls.watch(stream, tokenFile: tokenFile)
        }
    }

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

extension TalkPlan.Speaker {
    fileprivate func absolute() -> Self {
        guard case .file(let path) = self else { return self }
        return .file(path: SettingOptions.absolute(path))
    }
}

extension CapturePlan.Source {
    /// Its light; nil where it has none.
    fileprivate var torch: CameraTorch? {
        guard case .v4l2(let device) = self else { return nil }
        return CameraTorch(device: device)
    }

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
