package import BridgeModel
internal import Foundation
package import Playback

extension PlaybackService {
    package func thumbnail(_ name: String, of stream: StreamID) async throws(PlaybackError) -> String? {
        guard let names = ThumbnailNames(ofThumbnail: name) else { return nil }
        for recording in names.recordings {
            guard let view = try await library.view(of: recording), view.stream == stream else { continue }
            for source in view.sources {
                let found = ThumbnailNames(ofFile: source.file.path)
                guard found.stem.hasSuffix("/" + names.stem) else { continue }
                let path = String(found.stem.dropLast(names.stem.count)) + name
                return FileManager.default.fileExists(atPath: path) ? path : nil
            }
        }
        return nil
    }
}

extension ThumbnailNames {
    /// The recordings that may have this file: the first segment's is named after its recording, others have their number behind it.
    fileprivate var recordings: [RecordingID] {
        let whole = [RecordingID(stem)]
        guard let dash = stem.lastIndex(of: "-"), Int(stem[stem.index(after: dash)...]) != nil else { return whole }
        return whole + [RecordingID(String(stem[..<dash]))]
    }
}

extension RecordingView {
    /// The thumbnails of its files, with their times on the clock. Looks at the disk.
    var thumbnails: [(recording: RecordingID, thumbnails: TimelineThumbnails)] {
        sources.enumerated().compactMap { number, source in
            let names = ThumbnailNames(ofFile: source.file.path)
            guard FileManager.default.fileExists(atPath: names.track) else { return nil }
            let end = media.fragments.last { $0.file == number }?.end ?? source.offset
            let name = source.file.path[(source.file.path.lastIndex(of: "/") ?? source.file.path.startIndex)...].drop { $0 == "/" }
            let thumbnails = TimelineThumbnails(
                from: media.wallTime(source.offset), to: media.wallTime(end + RecordedMedia.lastFrame),
                names: ThumbnailNames(ofFile: String(name)))
            return (media.recording, thumbnails)
        }
    }
}

extension TimelinePage {
    /// With the thumbnails that belong to each item.
    func with(_ thumbnails: [(recording: RecordingID, thumbnails: TimelineThumbnails)]) -> TimelinePage {
        var page = self
        for index in page.items.indices where page.items[index].kind == .media {
            let item = page.items[index]
            page.items[index].thumbnails = thumbnails.filter { one in
                one.recording == item.recording && one.thumbnails.from < item.to && one.thumbnails.to > item.from
            }.map(\.thumbnails)
        }
        return page
    }
}
