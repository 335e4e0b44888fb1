package import BridgeModel

/// A device of one of Linux's sound systems: a microphone or a speaker.
package enum SoundDevice: Codable, Sendable, Equatable {
    /// By ALSA's own name for it; nil: the default one.
    case alsa(device: String?)
    /// A source or sink of PulseAudio, or of PipeWire in its place; nil: the default one.
    case pulse(device: String?)
}

extension SoundDevice {
    /// Reads what an operator gives: `alsa`, `alsa:DEVICE`, `pulse` or `pulse:DEVICE`. Nil for everything else.
    package init?(parsing text: String) {
        guard text.isOneLine else { return nil }
        let (kind, rest) = text.firstIndex(of: ":").map { (text[..<$0], String(text[text.index(after: $0)...])) } ?? (text[...], nil)
        guard rest != "" else { return nil }
        switch kind {
        case "alsa": self = .alsa(device: rest)
        case "pulse": self = .pulse(device: rest)
        default: return nil
        }
    }

    /// Reads what an operator gives for a microphone: a device, or `none`, which gives nil.
    package static func microphone(parsing text: String) throws(BridgeError) -> SoundDevice? {
        if text == "none" { return nil }
        guard let device = SoundDevice(parsing: text) else {
            throw BridgeError(.invalidField, "A microphone is alsa, alsa:DEVICE, pulse, pulse:SOURCE or none, and not \"\(text)\".")
        }
        return device
    }

    /// For sentences, after an article.
    package var name: String {
        switch self {
        case .alsa(let device): "of ALSA\(device.map { " \($0)" } ?? "")"
        case .pulse(let device): "of PulseAudio\(device.map { " \($0)" } ?? "")"
        }
    }
}

/// Whether a camera's microphone is heard.
package enum MicrophoneState: Codable, Sendable, Equatable {
    case heard
    /// It cannot be used now, for this reason; silence is sent in its place.
    case away(BridgeError)

    /// As the line about a camera's health has it.
    package var word: String {
        switch self {
        case .heard: "heard"
        case .away: "away"
        }
    }
}
