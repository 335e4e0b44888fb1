package import BridgeModel

/// Decodes streams, puts their pictures and their sound together, and gives the result to the hub as one stream. Inputs come and go while it runs:
/// each is brought by `PipelineCommand.addInput`, with its sockets.
package struct CompositePlan: Codable, Sendable, Equatable {
    /// What is made, in the hub's words: video, sound or both.
    package var tracks: [TrackDescription]
    /// Pixels, even.
    package var width: Int
    package var height: Int
    package var framesPerSecond: Int
    /// Target video bit rate, bit/s.
    package var bitrate: Int
    package var scene: CompositeScene

    package init(
        tracks: [TrackDescription], width: Int, height: Int, framesPerSecond: Int, bitrate: Int, scene: CompositeScene = CompositeScene()
    ) {
        self.tracks = tracks
        self.width = width
        self.height = height
        self.framesPerSecond = framesPerSecond
        self.bitrate = bitrate
        self.scene = scene
    }

    /// The tracks of a composite: constrained-baseline H.264 or VP8, and Opus. `video` nil: sound alone.
    package static func tracks(video: Codec?, audio: Bool) -> [TrackDescription] {
        let parameters = video == .h264 ? "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f" : ""
        let picture = video.map { TrackDescription(index: 0, codec: $0, payloadType: 96, formatParameters: parameters, mid: "0") }
        let place: UInt8 = video == nil ? 0 : 1
        let sound = TrackDescription(
            index: place, codec: .opus, payloadType: 111, channels: 2, formatParameters: "minptime=10;useinbandfec=1", mid: "\(place)")
        return (picture.map { [$0] } ?? []) + (audio ? [sound] : [])
    }
}

/// What is to be seen: a place for each input that has one, whether it sends now or not.
package struct CompositeScene: Codable, Sendable, Equatable {
    package var places: [CompositePlace]
    package var background: CompositeColor
    /// Over the background's colour; nil: the colour is seen.
    package var image: Image?
    package var showsNames: Bool
    package var showsClock: Bool
    /// Inputs whose sound is left out.
    package var silenced: Set<CompositeInput.Number> = []

    /// A picture's file, PNG or JPEG.
    package struct Image: Codable, Sendable, Equatable {
        package var name: BackgroundName
        /// Absolute.
        package var path: String
        /// Another one is another picture in the same file.
        package var revision: Int

        package init(_ background: Background) {
            (name, path, revision) = (background.name, background.path, background.revision)
        }
    }

    package init(
        places: [CompositePlace] = [], background: CompositeColor = .slate, showsNames: Bool = true, showsClock: Bool = false
    ) {
        self.places = places
        self.background = background
        self.showsNames = showsNames
        self.showsClock = showsClock
    }
}

/// Where an input is seen, and under which name.
package struct CompositePlace: Codable, Sendable, Equatable {
    package var input: CompositeInput.Number
    package var name: String
    package var cell: CompositeCell
    /// Its name is seen, whatever pictures come.
    package var isCovered = false

    package init(input: CompositeInput.Number, name: String, cell: CompositeCell) {
        self.input = input
        self.name = name
        self.cell = cell
    }
}

/// A stream that goes into a composite.
package struct CompositeInput: Codable, Sendable, Equatable {
    /// Tells inputs of one composite apart; never used again after its end.
    package typealias Number = UInt32

    package var number: Number
    /// Those of its tracks that are taken, one socket each.
    package var tracks: [TrackDescription]

    package init(number: Number, tracks: [TrackDescription]) {
        self.number = number
        self.tracks = tracks
    }

    /// What a composite can take of a stream: its first video and its first sound that it can decode.
    package static func usable(of tracks: [TrackDescription]) -> [TrackDescription] {
        let video = tracks.first { $0.kind == .video }
        let audio = tracks.first { [.opus, .pcmu, .pcma].contains($0.codec) }
        return [video, audio].compactMap { $0 }
    }
}
