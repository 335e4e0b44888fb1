internal import Bridge
internal import BridgeModel
internal import GStreamerKit

/// A pipeline that a callback of one of its own elements may use without keeping it alive.
final class WeakPipeline: @unchecked Sendable {
    // Unchecked: a weak reference that is set once; reading weak references is thread-safe.
    private(set) weak var value: Pipeline?
    init(_ pipeline: Pipeline) { value = pipeline }
}

/// An element that a probe on one of its own pads may use without keeping it alive.
final class WeakElement: @unchecked Sendable {
    // Unchecked: a weak reference that is set once; reading weak references is thread-safe.
    private(set) weak var value: Element?
    init(_ element: Element) { value = element }
}

extension WebRTCBin {
    /// Passes a candidate of the peer on. The end mark needs nothing: the agent stops by itself.
    func add(_ candidate: IceCandidate) {
        guard !candidate.isEnd else { return }
        addCandidate(candidate.candidate, lineIndex: UInt32(candidate.sdpMLineIndex ?? 0))
    }

    /// Leaves the ICE session for the one that the peer has agreed to. Media goes on over the former path until there is another.
    func restart(_ local: IceParameters, _ remote: IceRestartAnswer) {
        let (ours, theirs) = (local, remote.credentials)
        restartICE(local: (ours.ufrag, ours.password.revealed), remote: (theirs.ufrag, theirs.password.revealed))
        for candidate in remote.candidates { addCandidate(candidate, lineIndex: 0) }
    }
}

extension String {
    /// Media sections of this SDP that are not refused with port zero (RFC 3264 section 6).
    var acceptedSections: Int {
        split(whereSeparator: \.isNewline).count { $0.hasPrefix("m=") && $0.split(separator: " ").dropFirst().first != "0" }
    }

    /// This SDP with `fingerprint` in every `a=fingerprint` line. webrtcbin digests the whole PEM, so that its own lines are wrong where
    /// a private key stands before the certificate.
    func namingFingerprint(_ fingerprint: Fingerprint) -> String {
        let right = "a=fingerprint:\(fingerprint.algorithm) \(fingerprint.value)"
        let lines = split(omittingEmptySubsequences: true, whereSeparator: \.isNewline)
        return lines.map { $0.hasPrefix("a=fingerprint:") ? right : String($0) }.joined(separator: "\r\n") + "\r\n"
    }
}

extension BridgeError {
    /// What went wrong while a pipeline was built or negotiated.
    init(pipelineFailure error: any Error) {
        self = error as? BridgeError ?? BridgeError(.pipelineFailed, "The pipeline could not be built: \(error).")
    }
}

extension TrackDescription {
    /// Caps of this track's RTP packets. Format parameters are left out, so that webrtcbin answers with the offer's own.
    func rtpCaps(payloadType: UInt8, ssrc: UInt32? = nil) throws(GStreamerError) -> Caps {
        var text = "application/x-rtp,media=\(kind.rawValue),encoding-name=\(codec.encodingName),clock-rate=\(clockRate)"
        text += ",payload=\(payloadType)"
        if let ssrc { text += ",ssrc=(uint)\(ssrc)" }
        return try Caps(text)
    }
}
