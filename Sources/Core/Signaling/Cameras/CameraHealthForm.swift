package import Bridge
package import BridgeModel

// What a camera says of its health (`signaling/schemas/cameras/client.health.json`).
extension CameraForm {
    private static let wordBytes = 1...32
    private static let counts = 0...9_007_199_254_740_991
    private static let part = 0.0...1.0
    private static let degrees = -100.0...200.0

    static func health(_ data: RoomFields) throws(RTMError) -> CameraHealth {
        var health = CameraHealth()
        health.link = try word("link", of: data)
        health.microphone = try word("microphone", of: data)
        health.uptimeSeconds = try data.optionalInteger("uptime_s", counts)
        health.machineUptimeSeconds = try data.optionalInteger("machine_uptime_s", counts)
        health.processor = try data.optionalNumber("cpu", part)
        health.memory = try data.optionalNumber("memory", part)
        health.temperature = try data.optionalNumber("temperature_c", degrees)
        health.freeDiskMebibytes = try data.optionalInteger("disk_free_mib", counts)
        health.frames = try data.optionalInteger("frames", counts)
        health.dropped = try data.optionalInteger("dropped", counts)
        health.packets = try data.optionalInteger("packets", counts)
        health.keyframes = try data.optionalInteger("keyframes", counts)
        health.videoKilobits = try data.optionalInteger("video_kbit_s", counts)
        return health
    }

    private static func word(_ name: String, of data: RoomFields) throws(RTMError) -> String? {
        guard let word = try data.optionalText(name, wordBytes) else { return nil }
        guard word.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_") }) else {
            throw data.invalid(name, "a word of a to z and _")
        }
        return word
    }
}

extension CameraMessage {
    /// How the camera is.
    package static func health(_ health: CameraHealth) -> JSONValue { ["type": "health", "data": .object(value(health))] }

    /// As the message has it, and the native API: the members that are known.
    package static func value(_ health: CameraHealth) -> [String: JSONValue] {
        let numbers: [String: Double?] = [
            "uptime_s": health.uptimeSeconds.map(Double.init), "machine_uptime_s": health.machineUptimeSeconds.map(Double.init),
            "cpu": health.processor, "memory": health.memory, "temperature_c": health.temperature,
            "disk_free_mib": health.freeDiskMebibytes.map(Double.init), "frames": health.frames.map(Double.init),
            "dropped": health.dropped.map(Double.init), "packets": health.packets.map(Double.init),
            "keyframes": health.keyframes.map(Double.init), "video_kbit_s": health.videoKilobits.map(Double.init),
        ]
        let words = ["link": health.link, "microphone": health.microphone]
        return numbers.compactMapValues { $0.map(JSONValue.number) }
            .merging(words.compactMapValues { $0.map(JSONValue.string) }) { number, _ in number }
    }
}
