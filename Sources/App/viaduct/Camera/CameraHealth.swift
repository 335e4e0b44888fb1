import Bridge
import BridgeModel
import ControlPlane
import Foundation
import Logging
import MediaPlane

/// Says every ten seconds how a camera is: the machine, the source and the way to the other side.
struct CameraHealth: Sendable {
    private static let interval = Duration.seconds(10)

    private let director: CameraDirector
    private let hub: Hub
    private let stream: StreamID
    /// On the disk whose free space matters.
    private let folder: String
    private let clock: BridgeClock
    private let logger: Logger

    init(_ director: CameraDirector, hub: Hub, stream: StreamID, folder: String, clock: BridgeClock, logger: Logger) {
        self.director = director
        self.hub = hub
        self.stream = stream
        self.folder = folder
        self.clock = clock
        self.logger = logger
    }

    /// Until its task is cancelled.
    func run() async {
        let began = clock.now()
        var processor = Self.processorTime()
        while (try? await clock.sleep(clock.now().advanced(by: Self.interval))) != nil {
            let now = Self.processorTime()
            var line = await media()
            line["uptime_s"] = "\(clock.now().duration(since: began).components.seconds)"
            line["cpu"] = Self.percent(processor.flatMap { now?.load(since: $0) })
            line["memory"] = Self.percent(MachineFacts.memoryUsed(Self.text("/proc/meminfo")))
            line["machine_uptime_s"] = MachineFacts.uptime(Self.text("/proc/uptime")).map { "\(Int($0))" }
            line["temperature_c"] = Self.temperature.map { "\($0)" }
            line["disk_free_mib"] = Self.freeSpace(of: folder).map { "\($0 >> 20)" }
            logger.info("health", metadata: line.mapValues { .string($0) })
            processor = now
        }
    }

    private func media() async -> [String: String] {
        let source = await director.source
        var line = ["link": await director.phase.rawValue, "frames": "\(source.frames ?? 0)", "dropped": "\(source.packetsDropped)"]
        line["microphone"] = await director.microphone?.word
        guard let video = await hub.statistics(of: stream)?.tracks.first else { return line }
        line["packets"] = "\(video.packets)"
        line["keyframes"] = "\(video.keyframes)"
        line["video_kbit_s"] = video.encodings.first.map { "\($0.bitrate / 1000)" }
        return line
    }

    private static func percent(_ part: Double?) -> String? { part.map { "\(Int(($0 * 100).rounded()))%" } }

    private static func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    private static func processorTime() -> MachineFacts.ProcessorTime? { MachineFacts.processorTime(text("/proc/stat")) }

    /// Of the hottest zone; nil where the machine has none.
    private static var temperature: Double? {
        let folder = "/sys/class/thermal"
        let zones = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return zones.filter { $0.hasPrefix("thermal_zone") }.compactMap { MachineFacts.temperature(text("\(folder)/\($0)/temp")) }.max()
    }

    private static func freeSpace(of folder: String) -> Int64? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value
    }
}
