package import BridgeModel

/// A stream of the hub goes to somebody else's server: its H.264 as it is, its sound as AAC.
package struct PushPlan: Codable, Sendable, Equatable {
    /// H.264, or sound that can be decoded, or both.
    package var tracks: [TrackDescription]
    package var scheme: PushTarget.Scheme
    /// What is connected to: the address that was checked, and for TLS the name that the certificate has to have.
    package var host: String
    package var port: UInt16
    /// Of RTMP.
    package var application = ""
    /// Of RTMP; often a secret key.
    package var name = Redacted("")
    /// Of RTMPS: absolute path of a PEM file with certificate authorities that are trusted besides the system's.
    package var trust: String?
    /// Of SRT.
    package var srt: SRTOptions?

    /// `address`: one that was found for the target's host, and may be connected to.
    package init(tracks: [TrackDescription], target: PushTarget, address: IPAddress) {
        self.tracks = tracks
        (scheme, port) = (target.scheme, target.port)
        // A certificate is of a name: whoever else has taken the name's place cannot show it.
        host = target.scheme == .rtmps ? target.host : address.text
        switch target.place {
        case .rtmp(let application, let name): (self.application, self.name) = (application, name)
        case .srt(let options): srt = options
        }
    }

    /// What a push takes of a stream; nil where there is nothing, or a picture that the servers do not take.
    package static func tracks(of stream: [TrackDescription]) -> [TrackDescription]? {
        let video = stream.first { $0.kind == .video }
        guard video == nil || video?.codec == .h264 else { return nil }
        let tracks = CompositeInput.usable(of: stream)
        return tracks.isEmpty ? nil : tracks
    }
}
