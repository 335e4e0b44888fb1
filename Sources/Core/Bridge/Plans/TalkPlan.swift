package import BridgeModel

/// webrtcbin as the offerer of a session that only receives: somebody's voice, played where a camera stands.
package struct TalkPlan: Codable, Sendable, Equatable {
    package var speaker: Speaker
    package var identity: DTLSIdentity
    package var ice: IceSettings

    package init(speaker: Speaker, identity: DTLSIdentity, ice: IceSettings) {
        self.speaker = speaker
        self.identity = identity
        self.ice = ice
    }

    /// What plays it.
    package enum Speaker: Codable, Sendable, Equatable {
        case device(SoundDevice)
        /// An Ogg file with Opus, which grows at its end. Absolute path.
        case file(path: String)
    }
}

extension TalkPlan.Speaker {
    /// Reads what an operator gives: `alsa`, `alsa:DEVICE`, `pulse`, `pulse:SINK` or `file:PATH`.
    package init(parsing text: String) throws(BridgeError) {
        if let device = SoundDevice(parsing: text) {
            self = .device(device)
        } else if text.hasPrefix("file:"), text.utf8.count > "file:".utf8.count, text.isOneLine {
            self = .file(path: String(text.dropFirst("file:".count)))
        } else {
            throw BridgeError(.invalidField, "A speaker is alsa, alsa:DEVICE, pulse, pulse:SINK or file:PATH, and not \"\(text)\".")
        }
    }
}
