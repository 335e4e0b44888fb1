import Bridge
import BridgeModel
import CameraPlane
import ControlPlane
import Foundation
import Logging
import MediaPlane

/// Says every ten seconds how a camera is, in the log and to its bridge: the machine, the source and the way to the other side.
struct HealthReports: Sendable {
    private static let interval = Duration.seconds(10)

    let director: CameraDirector
    let hub: Hub
    let stream: StreamID
    /// On the disk whose free space matters.
    let folder: String
    /// nil: no bridge of ours, which would hear it.
    let control: CameraControlLink?
    let clock: BridgeClock
    let logger: Logger

    /// Until its task is cancelled.
    func run() async {
        let began = clock.now()
        var processor = Self.processorTime()
        while (try? await clock.sleep(clock.now().advanced(by: Self.interval))) != nil {
            let now = Self.processorTime()
            var health = await media()
            health.uptimeSeconds = Int(clock.now().duration(since: began).components.seconds)
            health.processor = processor.flatMap { now?.load(since: $0) }.map(Self.rounded)
            health.memory = MachineFacts.memoryUsed(Self.text("/proc/meminfo")).map(Self.rounded)
            health.machineUptimeSeconds = MachineFacts.uptime(Self.text("/proc/uptime")).map { Int($0) }
            health.temperature = Self.temperature
            health.freeDiskMebibytes = Self.freeSpace(of: folder).map { Int($0 >> 20) }
            logger.info("health", metadata: Self.line(health))
            await control?.tell(health)
            processor = now
        }
    }

    private func media() async -> CameraHealth {
        let source = await director.source
        var health = CameraHealth()
        health.link = await director.phase.rawValue
        health.microphone = await director.microphone?.word
        (health.frames, health.dropped) = (Int(source.frames ?? 0), Int(source.packetsDropped))
        guard let video = await hub.statistics(of: stream)?.tracks.first else { return health }
        (health.packets, health.keyframes) = (Int(video.packets), Int(video.keyframes))
        health.videoKilobits = video.encodings.first.map { Int($0.bitrate / 1000) }
        return health
    }

    private static func line(_ health: CameraHealth) -> Logger.Metadata {
        let words: [String: String?] = [
            "link": health.link, "microphone": health.microphone, "cpu": health.processor.map(percent),
            "memory": health.memory.map(percent),
            "temperature_c": health.temperature.map { "\($0)" },
        ]
        let numbers: [String: Int?] = [
            "uptime_s": health.uptimeSeconds, "machine_uptime_s": health.machineUptimeSeconds, "disk_free_mib": health.freeDiskMebibytes,
            "frames": health.frames, "dropped": health.dropped, "packets": health.packets, "keyframes": health.keyframes,
            "video_kbit_s": health.videoKilobits,
        ]
        return words.merging(numbers.mapValues { $0.map { "\($0)" } }) { word, _ in word }
            .compactMapValues { $0.map(Logger.MetadataValue.string) }
    }

    /// As exact as it is meant.
    private static func rounded(_ part: Double) -> Double { (part * 1000).rounded() / 1000 }

    private static func percent(_ part: Double) -> String { "\(Int((part * 100).rounded()))%" }

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
