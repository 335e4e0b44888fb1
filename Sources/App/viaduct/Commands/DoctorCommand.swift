import ArgumentParser
import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import HTTPTypes
import LinuxIO
import Logging
import PipelinePlane
import RecordingPlane
import SecureTransport
import StoragePlane
import WebServerKit

/// `viaduct doctor`: tries what the bridge needs, part by part, and says what to do about what fails.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Tries everything that the bridge needs on this machine; exits 1 when something is missing.")

    @OptionGroup var options: SettingOptions

    func run() async throws {
        LogOutput.install(LogSettings.quiet)
        let settings = try options.load()
        print("ok    settings: data folder \(settings.dataFolder), port \(settings.http.bind):\(settings.http.port)")
        var failures = 0
        for examination in Examination.all {
            do {
                print("ok    \(examination.name): \(try await examination.look(settings))")
            } catch {
                failures += 1
                print("FAIL  \(examination.name): \((error as? BridgeError)?.message ?? String(describing: error))")
            }
        }
        guard failures == 0 else {
            print("\(failures) of \(Examination.all.count) examinations failed.")
            throw ExitCode(1)
        }
        print("The bridge can run here.")
    }
}

extension LogSettings {
    fileprivate static var quiet: LogSettings {
        var settings = LogSettings()
        settings.level = "critical"
        return settings
    }
}

/// One thing that the doctor tries. `look` returns what is to be seen, or throws what is wrong and what to do.
private struct Examination: Sendable {
    let name: String
    let look: @Sendable (Settings) async throws -> String

    static let all = [
        Examination(name: "storage", look: storage), Examination(name: "spool", look: spool),
        Examination(name: "pipelines", look: pipelines), Examination(name: "addresses", look: addresses),
        Examination(name: "media port", look: mediaPort), Examination(name: "front door", look: frontDoor),
        Examination(name: "clock", look: clock),
    ]

    private static func storage(_ settings: Settings) async throws -> String {
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: settings.dataFolder), logger: Logger(label: "doctor"))
        let unfinished = try await ledger.recordings(in: RecordingState.incomplete.union([.uploading])).count
        return "the database opens and is up to date; \(unfinished) recordings are not delivered yet"
    }

    private static func spool(_ settings: Settings) async throws -> String {
        let folder = settings.dataFolder + "/spool"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let trial = folder + "/.doctor-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: trial) }
        guard FileManager.default.createFile(atPath: trial, contents: Data("trial".utf8)) else {
            throw OperatorError("\(folder) cannot be written; give it to the bridge's user.")
        }
        let free = (try FileManager.default.attributesOfFileSystem(forPath: folder)[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
        guard free > Int64(settings.recording.freeSpaceReserve) else {
            throw OperatorError("\(folder) has \(free >> 20) MiB free, less than recording.free-space-reserve; free some space.")
        }
        return "\(free >> 30) GiB free"
    }

    private static func pipelines(_ settings: Settings) async throws -> String {
        let program = try ChildProgram(settings.pipelines, dataFolder: settings.dataFolder)
        var single = settings.pipelines
        single.warm = 1
        let supervisor = try PipelineSupervisor(
            settings: single, executable: program.executable, environment: program.environment, logger: Logger(label: "doctor"))
        let start = ContinuousClock.now
        do {
            try await supervisor.checkStart()
        } catch {
            await supervisor.shutdown(grace: .seconds(1))
            throw OperatorError("\(error.message) Run \(program.executable) by hand: it says which library or plug-in is missing.")
        }
        let time = ContinuousClock.now - start
        await supervisor.shutdown(grace: .seconds(1))
        return "a child was ready after \(time.wholeMilliseconds) ms"
    }

    private static func addresses(_ settings: Settings) async throws -> String {
        let here = HostFacts.interfaceAddresses().map(\.address)
        let isEdge = settings.webrtc.inbound == .edge
        let chosen = isEdge ? try EdgeReach(settings).offered : IceSettings(settings).addresses
        let elsewhere = chosen.filter { !here.contains($0) }
        guard isEdge || elsewhere.isEmpty else {
            throw OperatorError("webrtc.addresses has \(elsewhere.joined(separator: ", ")), which is no address of this machine.")
        }
        let offered = "media is offered on " + (chosen.isEmpty ? here : chosen).joined(separator: ", ")
        guard !elsewhere.isEmpty else { return offered }
        return offered + "; \(elsewhere.joined(separator: ", ")) is not this machine's: address translation has to lead to it"
    }

    /// One port for all peers of our own engine; webrtcbin takes one for each when it needs it.
    private static func mediaPort(_ settings: Settings) async throws -> String {
        guard settings.webrtc.inbound == .edge else { return "webrtcbin takes UDP ports as it needs them" }
        try OpenEdge.checkCiphers()
        return try OpenEdge(settings, certificate: .makeSelfSigned(), workers: 1).summary
    }

    private static func frontDoor(_ settings: Settings) async throws -> String {
        let server = WebServer(configuration: WebServerConfiguration(settings.http), handler: Nobody())
        let port = try await server.start()
        await server.shutdown(grace: .zero)
        return "port \(port) is free" + (settings.http.tlsCertificate.isEmpty ? "" : " and the certificate can be used")
    }

    /// Tokens, recordings and delivery times depend on it.
    private static func clock(_ settings: Settings) async throws -> String {
        let now = SystemTime.wall
        guard now.seconds > 1_750_000_000 else { throw OperatorError("The clock says \(now.iso8601); set it, for instance with NTP.") }
        return now.iso8601
    }
}

/// Answers nobody.
private struct Nobody: WebHandler {
    func respond(to request: WebRequest) async -> WebResponse { WebResponse(status: .serviceUnavailable) }
    func webSocketDecision(for request: WebRequest) async -> WebSocketDecision { .refuse(WebResponse(status: .serviceUnavailable)) }
}
