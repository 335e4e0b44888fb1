package import BridgeModel

/// Tells voices of one listener apart; never used again after its end.
package typealias VoiceNumber = UInt32

/// Hears others in a conference elsewhere, each over a transport of its own, and gives their sound to the hub as one track. Silence flows from the
/// beginning. Voices come and go while it runs: each is brought by `PipelineCommand.hear`.
package struct ListenPlan: Codable, Sendable, Equatable {
    package var identity: DTLSIdentity

    package init(identity: DTLSIdentity) { self.identity = identity }

    /// What comes of it.
    package static let track = TrackDescription(
        index: 0, codec: .opus, payloadType: 111, channels: 2, formatParameters: "minptime=10;useinbandfec=1", mid: "0")
}

/// Somebody whose sound is offered to a listener.
package struct VoiceOffer: Codable, Sendable, Equatable {
    package var number: VoiceNumber
    /// As our SDP gate printed it: one section of sound, with one codec.
    package var sdp: String
    package var track: TrackDescription
    /// Every fingerprint of the far end's SDP; its certificate must match one before anything is heard.
    package var fingerprints: [Fingerprint]
    /// A relay's password is of one transport.
    package var ice: IceSettings

    package init(number: VoiceNumber, sdp: String, track: TrackDescription, fingerprints: [Fingerprint], ice: IceSettings) {
        self.number = number
        self.sdp = sdp
        self.track = track
        self.fingerprints = fingerprints
        self.ice = ice
    }
}

/// What becomes of a voice.
package enum VoiceNews: Codable, Sendable, Equatable {
    /// Our answer, complete.
    case answer(sdp: String)
    /// Its transport is up.
    case connected
    /// It is over or never was; nothing is left of it in the listener.
    case ended(BridgeError)
}
