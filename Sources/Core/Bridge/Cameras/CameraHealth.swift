package import BridgeModel

/// How a camera is: its machine, its source, and the way to the other side. What it does not know is nil.
package struct CameraHealth: Sendable, Equatable {
    /// How its session is, in a word; an agent of ours has those of `ConferencePhase`.
    package var link: String?
    /// Whether its microphone is heard, in a word; an agent of ours has those of `MicrophoneState`.
    package var microphone: String?
    /// Since the agent started.
    package var uptimeSeconds: Int?
    package var machineUptimeSeconds: Int?
    /// What part of the processors' time is used, 0...1.
    package var processor: Double?
    /// What part of the memory is used, 0...1.
    package var memory: Double?
    /// Degrees Celsius, of the hottest place.
    package var temperature: Double?
    /// Of the disk on which it records, in MiB.
    package var freeDiskMebibytes: Int?
    /// Pictures that were encoded.
    package var frames: Int?
    /// Packets that were lost before they were sent.
    package var dropped: Int?
    /// Packets of pictures.
    package var packets: Int?
    package var keyframes: Int?
    /// Of the pictures, in kbit/s.
    package var videoKilobits: Int?

    package init() {}
}

/// What a camera has said of itself last.
package struct CameraReport: Sendable, Equatable {
    package var health: CameraHealth
    /// When it came.
    package var at: WallTime

    package init(_ health: CameraHealth, at: WallTime) {
        self.health = health
        self.at = at
    }
}
