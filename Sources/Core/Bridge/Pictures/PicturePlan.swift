package import BridgeModel

/// Decodes video for single pictures. What is decoded is a camera's or a file's, so that all of it stays in the child.
package struct PicturePlan: Codable, Sendable, Equatable {
    package var source: Source
    /// Wall clock minus CLOCK_MONOTONIC when the plan was made: turns a datagram's time into wall-clock time.
    package var wallClockOffset: Duration

    package init(source: Source, wallClockOffset: Duration) {
        self.source = source
        self.wallClockOffset = wallClockOffset
    }

    /// Media sockets that the child is given.
    var tracks: [TrackDescription] {
        guard case .live(let track) = source else { return [] }
        return [track]
    }

    /// Where the frames come from.
    package enum Source: Codable, Sendable, Equatable {
        /// A live stream's video, over a media socket: it is decoded until the child is stopped, and pictures are ordered by command.
        case live(TrackDescription)
        /// One picture of a file; the child ends by itself.
        case file(PictureSource, PictureOrder)
    }
}

/// One picture that a child is to make.
package struct PictureOrder: Codable, Sendable, Equatable {
    /// Names it in the answer.
    package var number: UInt64
    package var spec: PictureSpec
    /// Absolute path of the file to write, which is whole when the answer is given.
    package var path: String
    /// A picture from here on is new enough; when none comes the newest there is must do.
    package var notBefore: MonotonicTime

    package init(number: UInt64, spec: PictureSpec, path: String, notBefore: MonotonicTime) {
        self.number = number
        self.spec = spec
        self.path = path
        self.notBefore = notBefore
    }
}

/// A picture that a child has made.
package struct PictureResult: Codable, Sendable, Equatable {
    package var number: UInt64
    package var takenAt: WallTime
    /// Pixels.
    package var width: Int
    package var height: Int

    package init(number: UInt64, takenAt: WallTime, width: Int, height: Int) {
        self.number = number
        self.takenAt = takenAt
        self.width = width
        self.height = height
    }
}

/// Where the frame of a moment is found in a recording's file.
package struct PictureSource: Codable, Sendable, Equatable {
    /// Absolute.
    package var path: String
    package var container: Container
    /// The video track's number in the file.
    package var track: UInt8
    package var codec: Codec
    /// What the decoder needs before the first frame, as Matroska stores it.
    package var codecPrivate: [UInt8]
    /// Of a Matroska file: where the cluster begins that decoding can begin with, bytes.
    package var cluster: UInt64
    /// The moment, by the file's own time: the last frame at it or before is meant.
    package var time: Duration
    /// The wall-clock time of the file's time zero.
    package var startedAt: WallTime

    package init(
        path: String, container: Container, track: UInt8, codec: Codec, codecPrivate: [UInt8], cluster: UInt64, time: Duration,
        startedAt: WallTime
    ) {
        self.path = path
        self.container = container
        self.track = track
        self.codec = codec
        self.codecPrivate = codecPrivate
        self.cluster = cluster
        self.time = time
        self.startedAt = startedAt
    }
}
