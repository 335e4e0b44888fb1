package import BridgeModel

/// Why a session description or a candidate is refused. Cases are stable; `description` is for people and quotes nothing of the input but
/// line numbers, section numbers and checked identifiers, so that it may be sent and logged.
package enum SDPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text is longer than `SessionDescription.Limits.bytes`.
    case tooLarge
    /// More media sections than `SessionDescription.Limits.sections`.
    case tooManySections
    /// A line (counted from 1) is longer than `SessionDescription.Limits.lineBytes`.
    case lineTooLong(line: Int)
    /// A line (counted from 1) is not of the form that RFC 8866 gives it.
    case malformedLine(Int)
    /// No version, origin or media section.
    case incomplete
    /// No `a=group:BUNDLE` (RFC 9143).
    case missingBundle
    /// A section (counted from 0) of the offer has no `a=mid`, or one that is no token.
    case missingMid(section: Int)
    /// Two sections have the same `a=mid`.
    case duplicateMid(section: Int)
    /// A section that would be accepted has no `a=rtcp-mux`.
    case missingRTCPMux(section: Int)
    /// No `a=fingerprint` at session or media level.
    case missingFingerprint
    /// A digest has the wrong length or form.
    case invalidFingerprint
    /// Only digests that RFC 8122 no longer allows, such as SHA-1.
    case weakFingerprint
    /// No `a=ice-ufrag` or `a=ice-pwd`.
    case missingICECredentials
    /// `a=ice-ufrag` or `a=ice-pwd` are of illegal length or form (RFC 8839 section 5.4).
    case invalidICECredentials
    /// No `a=setup`.
    case missingSetup
    /// `a=setup` is none of the values that its place allows (RFC 8842).
    case invalidSetup
    /// A publisher's offer with no section that we can receive.
    case nothingToReceive
    /// A viewer's offer with no section for a track of the stream.
    case nothingToSend
    /// One payload type stands for two formats inside a BUNDLE group (RFC 9143 section 10.1.2).
    case conflictingPayloadType(UInt8)
    /// A candidate line is not of the form of RFC 8839 section 5.1.
    case invalidCandidate
    /// A candidate names no section of the description.
    case unknownSection
    /// A fragment brings neither candidates nor ICE credentials (RFC 8840).
    case emptyFragment
    /// An answer does not fit its offer.
    case answerMismatch(section: Int)
    /// The bridge has no payload type left for a section of its own.
    case tooManyFormats
    /// An answer accepts nothing.
    case nothingAccepted
    /// The peer is an ICE-lite agent like the bridge: nobody would send checks (RFC 8445 section 2.5).
    case peerIsLite
    /// A section stands outside the BUNDLE group, and there is one transport only.
    case unbundledSection(section: Int)
    /// A viewer that asked for video, or for nothing but audio, cannot decode what the stream sends.
    case cannotDecode(Codec)

    /// One sentence for the peer and for the log.
    package var description: String {
        switch self {
        case .tooLarge: "the session description is longer than \(SessionDescription.Limits.bytes) bytes"
        case .tooManySections: "the session description has more than \(SessionDescription.Limits.sections) media sections"
        case .lineTooLong(let line): "line \(line) is longer than \(SessionDescription.Limits.lineBytes) bytes"
        case .malformedLine(let line): "line \(line) is not valid SDP"
        case .incomplete: "the session description lacks its version, origin or every media section"
        case .missingBundle: "the session description has no BUNDLE group"
        case .missingMid(let section): "media section \(section) has no valid mid"
        case .duplicateMid(let section): "media section \(section) repeats the mid of another one"
        case .missingRTCPMux(let section): "media section \(section) does not offer rtcp-mux"
        case .missingFingerprint: "the session description has no DTLS fingerprint"
        case .invalidFingerprint: "a DTLS fingerprint is malformed"
        case .weakFingerprint: "the DTLS fingerprint must be of SHA-256, SHA-384 or SHA-512"
        case .missingICECredentials: "the session description has no ICE user fragment and password"
        case .invalidICECredentials: "the ICE user fragment or password is malformed"
        case .missingSetup: "the session description has no DTLS setup role"
        case .invalidSetup: "the DTLS setup role is not possible here"
        case .nothingToReceive: "no media section sends a codec that the bridge carries"
        case .nothingToSend: "no media section can receive a track of this stream"
        case .conflictingPayloadType(let type): "payload type \(type) stands for two formats in one BUNDLE group"
        case .invalidCandidate: "the ICE candidate is malformed"
        case .unknownSection: "the ICE candidate names no media section of the offer"
        case .emptyFragment: "the fragment holds neither candidates nor an ICE user fragment and password"
        case .answerMismatch(let section): "media section \(section) of the answer does not fit the offer"
        case .tooManyFormats: "the peer's sections use up every payload type"
        case .nothingAccepted: "the answer accepts no media section"
        case .peerIsLite: "the peer is an ICE-lite agent, and so is the bridge"
        case .unbundledSection(let section): "media section \(section) is not part of the BUNDLE group"
        case .cannotDecode(let codec): "the stream sends \(codec.encodingName) in a form that the offer does not have"
        }
    }
}
