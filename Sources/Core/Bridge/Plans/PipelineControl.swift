package import BridgeModel

/// Bridge to child, over the control socket (length-prefixed JSON). The first message is always `plan`.
package enum PipelineCommand: Codable, Sendable, Equatable {
    /// The plan; one media socket per track comes with it as ancillary data (SCM_RIGHTS), in track order.
    case plan(PipelinePlan)
    /// The answer to a camera's offer, and the fingerprints that it names.
    case remoteDescription(sdp: String, fingerprints: [Fingerprint])
    /// Leave the ICE session for another one, with these credentials of ours; the peer has agreed to it, as `remote` says.
    case restart(local: IceParameters, remote: IceRestartAnswer)
    /// A candidate of the peer, already parsed by us once; `.end` closes the list.
    case candidate(IceCandidate)
    /// Ask the source of `track` for a keyframe.
    case forceKeyframe(track: UInt8)
    /// Make a picture of the live stream that is being decoded.
    case picture(PictureOrder)
    /// Take this stream into the composite; one media socket per track comes with it as ancillary data, in track order.
    case addInput(CompositeInput)
    /// Take it out again. Its place is the scene's to give away.
    case removeInput(CompositeInput.Number)
    /// Answer this offer and hear whoever made it. `removeInput` ends that.
    case hear(VoiceOffer)
    /// Show this from now on.
    case scene(CompositeScene)
    /// A camera's source does this to its pictures and its sound from now on.
    case adjust(CaptureAdjustment)
    /// Answer with `alive`: the watchdog's question.
    case ping
    /// Finish and exit 0 within `deadline`: a recorder ends its file, a peer says goodbye.
    case stop(deadline: Duration)
}

/// Child to bridge, over the control socket.
package enum PipelineEvent: Codable, Sendable, Equatable {
    /// GStreamer is initialised and the versions are acceptable; a warm child waits for its plan after this.
    case ready
    /// The plan's pipeline is built and playing.
    case started
    /// Our description: a complete answer (publish, view) or an offer (camera), with our fingerprint.
    case localDescription(sdp: String)
    /// A candidate found after the description was sent; `.end` closes the list.
    case candidate(IceCandidate)
    /// ICE and DTLS are up and the peer's certificate matches its SDP.
    case connected
    /// ICE lost its peer; it may come back.
    case disconnected
    /// A viewer of `track` cannot go on without a keyframe, or a recorder cannot begin.
    case keyframeNeeded(track: UInt8)
    /// A recorder wrote its first frame. `capturedAt` is the source's clock from sender reports, nil when none came yet.
    case firstFrame(writtenAt: WallTime, capturedAt: WallTime?)
    /// A recorder began the file of this part; `startedAt` is the wall-clock time of its first frame.
    case fileBegan(part: Int, startedAt: WallTime)
    /// A recorder completed the file of this part and goes on with the next part, the first of the segment that follows.
    case fileEnded(part: Int, bytes: Int64, duration: Duration)
    /// The newest file has no media from `offset` on for this long: the source sent none.
    case gap(offset: Duration, length: Duration)
    /// A fragment or cluster of the newest file is on disk and synced; both figures count from the file's beginning.
    case segmentClosed(bytes: Int64, duration: Duration)
    /// So many bytes of the MP4 beside this part are on disk and synced; all but `LiveMovie.room` in front are final.
    case movieGrew(part: Int, bytes: Int64)
    /// The MP4 beside this part is complete, or was given up: nil. It comes before the part's own end.
    case movieEnded(part: Int, WrittenFile?)
    /// Something happened to a voice.
    case voice(VoiceNumber, VoiceNews)
    /// The picture behind a composite is seen, or cannot be: then the reason.
    case background(CompositeScene.Image, BridgeError?)
    /// An ordered picture is in its file.
    case picture(PictureResult)
    /// An ordered picture cannot be made.
    case pictureFailed(number: UInt64, BridgeError)
    /// A camera's microphone is heard from now on, or is not.
    case microphone(MicrophoneState)
    case stats(PipelineStats)
    case alive
    /// Worse service, not the end.
    case warning(code: BridgeError.Code, message: String)
    /// The end, with its reason. The process exits after it.
    case failed(BridgeError)
    /// The end, as asked. `duration` and `bytes` are a file's, zero for peers.
    case finished(bytes: Int64, duration: Duration)
}

/// A file that was completed.
package struct WrittenFile: Codable, Sendable, Equatable {
    package var bytes: Int64
    package var duration: Duration

    package init(bytes: Int64, duration: Duration) {
        self.bytes = bytes
        self.duration = duration
    }
}

/// What a child tells about itself every five seconds.
package struct PipelineStats: Codable, Sendable, Equatable {
    package var packetsIn: UInt64
    package var packetsOut: UInt64
    /// Datagrams that a full socket refused.
    package var packetsDropped: UInt64
    package var residentBytes: UInt64
    /// RTP with its headers; nil where the runner does not count it.
    package var bytesOut: UInt64?
    /// Pictures that were encoded; nil where the runner does not encode.
    package var frames: UInt64?

    package init(packetsIn: UInt64 = 0, packetsOut: UInt64 = 0, packetsDropped: UInt64 = 0, residentBytes: UInt64 = 0) {
        self.packetsIn = packetsIn
        self.packetsOut = packetsOut
        self.packetsDropped = packetsDropped
        self.residentBytes = residentBytes
    }
}
