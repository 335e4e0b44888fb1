internal import Bridge
internal import BridgeModel
internal import ISOMedia
internal import LinuxIO
internal import Matroska

/// The keyframes of a complete file's first video track; what lies between them is not read.
struct KeyframeFile {
    private enum Place {
        case cluster(UInt64)
        case sample(SampleReference)
    }

    let format: VideoFormat
    /// Pixels; zero where the file does not say.
    let size: (width: Int, height: Int)
    let duration: Duration
    /// In the order of time.
    let times: [Duration]
    private let track: UInt8
    private let places: [Duration: Place]
    private let file: ReadableFile

    /// Throws `no_media` when there is no video in it, or no file.
    init(path: String, container: Container) throws(BridgeError) {
        guard let file = try? ReadableFile(path: path) else { throw BridgeError(.noMedia, "The recording's file is no longer there.") }
        self.file = file
        let read: MatroskaReader.ReadBytes = { offset, count in file.read(at: offset, count: count) }
        var places: [Duration: Place] = [:]
        if container == .mp4 {
            guard let movie = try? MovieReader(fileSize: file.size, readBytes: read),
                let track = movie.tracks.first(where: { $0.format.kind == .video }), let data = track.format.matroskaData
            else { throw Self.noVideo }
            let samples = movie.samples(ofTrack: track.number)
            for sample in samples where sample.isKeyframe { places[sample.time] = .sample(sample) }
            format = VideoFormat(codec: data.codec, codecPrivate: data.codecPrivate)
            size = (track.width, track.height)
            duration = samples.last?.time ?? .zero
            self.track = UInt8(truncatingIfNeeded: track.number)
        } else {
            guard var index = try? ClusterIndex(readBytes: read), let track = index.tracks.first(where: { $0.codec.kind == .video }) else {
                throw Self.noVideo
            }
            index.extend(to: file.size, readBytes: read)
            for entry in index.entries where entry.isKeyframe { places[entry.start] = .cluster(entry.offset) }
            format = VideoFormat(codec: track.codec, codecPrivate: track.codecPrivate)
            size = (track.width, track.height)
            duration = index.end
            self.track = track.number
        }
        self.places = places
        times = places.keys.sorted()
    }

    private static let noVideo = BridgeError(.noMedia, "The recording has no video that could be read.")

    /// The keyframe of one of `times`; nil when it cannot be read.
    func keyframe(at time: Duration) -> [UInt8]? {
        switch places[time] {
        case nil: return nil
        case .sample(let sample):
            let bytes = file.read(at: sample.offset, count: Int(sample.size))
            return bytes.count == Int(sample.size) ? bytes : nil
        case .cluster(let offset):
            guard var reader = try? MatroskaReader(readBytes: { [file] in file.read(at: $0, count: $1) }) else { return nil }
            reader.move(toCluster: offset)
            while let frame = reader.next() {
                // The sound of the same moment may stand before it.
                guard frame.time <= time + .seconds(1) else { return nil }
                if frame.track == track, frame.isKeyframe { return frame.bytes }
            }
            return nil
        }
    }
}
