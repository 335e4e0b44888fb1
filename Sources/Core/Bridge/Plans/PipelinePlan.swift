package import BridgeModel

/// What one child process is to run: a value that tests print and compare without GStreamer.
package struct PipelinePlan: Codable, Sendable, Equatable {
    package var pipeline: PipelineID
    package var work: Work

    package init(pipeline: PipelineID, work: Work) {
        self.pipeline = pipeline
        self.work = work
    }

    /// The kinds of work.
    package enum Work: Codable, Sendable, Equatable {
        /// webrtcbin answers a publisher's offer; its RTP goes to the hub.
        case publish(PublishPlan)
        /// webrtcbin answers a viewer's offer; RTP comes from the hub.
        case view(ViewPlan)
        /// webrtcbin offers a stream of the hub to a conference elsewhere.
        case conference(ConferencePlan)
        /// RTP from the hub into a file.
        case record(RecordPlan)
        /// Rewrites a finished or broken recording so that it has a duration and an index.
        case finish(FinishPlan)
        /// A camera of ours: a source that is encoded and offered by webrtcbin. It has no media sockets to a hub.
        case camera(CameraPlan)
        /// The same source for a hub: what is sent, and where, is others' work.
        case capture(CapturePlan)
        /// Decodes video for single pictures.
        case picture(PicturePlan)
        /// Makes the thumbnails of a complete file.
        case thumbnails(ThumbnailPlan)
        /// Several streams of the hub become one; its RTP goes to the hub.
        case composite(CompositePlan)
        /// A stream of the hub goes to somebody else's server.
        case push(PushPlan)
        /// webrtcbin offers to receive a voice, and plays it.
        case talk(TalkPlan)
        /// webrtcbin answers the offers of others in a conference elsewhere; their sound goes to the hub as one.
        case listen(ListenPlan)
    }

    /// Media sockets that the child is given, one per track, in track order. A camera and a finisher have none.
    package var tracks: [TrackDescription] {
        switch work {
        case .publish(let plan): plan.tracks
        case .view(let plan): plan.tracks.map(\.source)
        case .conference(let plan): plan.tracks.map(\.source)
        case .record(let plan): plan.tracks
        case .picture(let plan): plan.tracks
        case .capture(let plan): plan.tracks
        case .composite(let plan): plan.tracks
        case .push(let plan): plan.tracks
        case .listen: [ListenPlan.track]
        case .finish, .camera, .thumbnails, .talk: []
        }
    }

    /// False when the child's own code does all: then its process need not load GStreamer, which takes half a second and most of its memory.
    package var needsGStreamer: Bool {
        switch work {
        case .publish, .view, .conference, .camera, .capture, .picture, .thumbnails, .composite, .push, .talk, .listen: true
        case .record(let plan): plan.tracks.contains { $0.codec == .h265 }
        case .finish: false
        }
    }
}

/// The DTLS identity of a pipeline's WebRTC transport and what it must see at the other end.
package struct DTLSIdentity: Codable, Sendable, Equatable {
    /// Private key and certificate, PEM, ECDSA P-256.
    package var pem: Redacted<String>
    /// Digest of that certificate, printed in our SDP.
    package var fingerprint: Fingerprint

    package init(pem: Redacted<String>, fingerprint: Fingerprint) {
        self.pem = pem
        self.fingerprint = fingerprint
    }
}

/// webrtcbin as the answerer of a publisher.
package struct PublishPlan: Codable, Sendable, Equatable {
    /// The offer as our SDP gate printed it: accepted sections only, one codec (and its RTX) in each.
    package var offer: String
    /// Tracks in the order of the offer's sections.
    package var tracks: [TrackDescription]
    /// Every fingerprint of the peer's SDP; its certificate must match one before media passes in either direction.
    package var peerFingerprints: [Fingerprint]
    package var identity: DTLSIdentity
    package var ice: IceSettings

    package init(
        offer: String, tracks: [TrackDescription], peerFingerprints: [Fingerprint], identity: DTLSIdentity, ice: IceSettings
    ) {
        self.offer = offer
        self.tracks = tracks
        self.peerFingerprints = peerFingerprints
        self.identity = identity
        self.ice = ice
    }
}

/// webrtcbin as the answerer of a viewer.
package struct ViewPlan: Codable, Sendable, Equatable {
    package var offer: String
    /// Tracks in the order of the offer's sections.
    package var tracks: [ViewTrack]
    package var peerFingerprints: [Fingerprint]
    package var identity: DTLSIdentity
    package var ice: IceSettings

    package init(offer: String, tracks: [ViewTrack], peerFingerprints: [Fingerprint], identity: DTLSIdentity, ice: IceSettings) {
        self.offer = offer
        self.tracks = tracks
        self.peerFingerprints = peerFingerprints
        self.identity = identity
        self.ice = ice
    }
}

/// A stream's track as one viewer gets it.
package struct ViewTrack: Codable, Sendable, Equatable {
    package var source: TrackDescription
    /// The payload type that the viewer's offer gave this codec.
    package var payloadType: UInt8
    /// The section's identification in the viewer's offer.
    package var mid: String
    /// The header extension by which the hub's packets say how loud they are (RFC 6464); nil: that is not known.
    package var audioLevel: UInt8?

    package init(source: TrackDescription, payloadType: UInt8, mid: String, audioLevel: UInt8? = nil) {
        self.source = source
        self.payloadType = payloadType
        self.mid = mid
        self.audioLevel = audioLevel
    }
}

/// File formats of a recording.
package enum Container: String, Codable, Sendable, CaseIterable {
    case webm, matroska, mp4

    /// IANA media types.
    package var mediaType: String {
        switch self {
        case .webm: "video/webm"
        case .matroska: "video/x-matroska"
        case .mp4: "video/mp4"
        }
    }

    /// The file name's ending, without the dot.
    package var fileExtension: String {
        switch self {
        case .webm: "webm"
        case .matroska: "mkv"
        case .mp4: "mp4"
        }
    }
}

/// RTP from the hub into a file, without transcoding.
package struct RecordPlan: Codable, Sendable, Equatable {
    package var tracks: [TrackDescription]
    package var container: Container
    /// Longest part that a crash may cost.
    package var fragment: Duration
    /// Absolute path of the file to write; its folder exists and is the only one the child may write to. A recorder of an MP4 writes
    /// Matroska here, which survives a crash; the finisher makes the MP4 of it.
    package var path: String
    /// Wall clock minus CLOCK_MONOTONIC when the plan was made: turns a datagram's time into wall-clock time.
    package var wallClockOffset: Duration
    /// Fail with `no_media` when no keyframe (or, without video, no packet) came by then.
    package var firstMediaTimeout: Duration
    /// Where the recorder ends a segment's file and goes on in the next one's: at the first keyframe after a limit was reached, and where the size
    /// of the picture changes. nil: one file.
    package var segmentation: Segmentation?
    /// The name of the file at `path`.
    package var part = PartName(segment: 1, number: 1)
    /// For MP4: how the recorder writes it beside its Matroska, so that it is complete when the recording ends. nil: not at all.
    package var movie: LiveMovie?

    /// Absolute path of a part's file, beside the first one.
    package func path(of part: PartName) -> String {
        guard part != self.part, let slash = path.lastIndex(of: "/") else { return path }
        return String(path[...slash]) + part.fileName(container == .mp4 ? .matroska : container)
    }

    /// Absolute path of the MP4 that is written beside a part.
    package func moviePath(of part: PartName) -> String { part.moviePath(beside: path) }

    package init(
        tracks: [TrackDescription], container: Container, fragment: Duration, path: String, wallClockOffset: Duration,
        firstMediaTimeout: Duration
    ) {
        self.tracks = tracks
        self.container = container
        self.fragment = fragment
        self.path = path
        self.wallClockOffset = wallClockOffset
        self.firstMediaTimeout = firstMediaTimeout
    }
}

/// An MP4 that its recorder writes while it records, from a size on at which making it afterwards would take its time. The index, which stands in front
/// and is known at the end only, gets room that is left free.
package struct LiveMovie: Codable, Sendable, Equatable {
    /// Bytes that the recording has before it is begun.
    package var threshold: Int64
    /// Bytes at its beginning that are written at the end: enough for the index of some two hours; a longer one stands behind the media.
    package static let room: Int64 = 8 << 20

    package init(threshold: Int64) { self.threshold = threshold }
}

/// Makes files that were cut at any byte into one that players open: index and duration, without transcoding.
package struct FinishPlan: Codable, Sendable, Equatable {
    /// Of the result; the sources are Matroska or WebM, as recorders write them.
    package var container: Container
    /// Absolute path of the first file, as its recorder left it.
    package var source: String
    /// Absolute paths of the parts that follow it in time; the gaps between parts are kept.
    package var continuations: [String]
    /// Absolute path of the result, written whole and then renamed into place.
    package var destination: String

    package init(container: Container, source: String, continuations: [String] = [], destination: String) {
        self.container = container
        self.source = source
        self.continuations = continuations
        self.destination = destination
    }
}
