internal import Bridge
package import BridgeModel
internal import Foundation
package import Playback

extension PlaybackService {
    package func thumbnail(_ name: String, of stream: StreamID) async throws(PlaybackError) -> String? {
        guard let names = ThumbnailNames(ofThumbnail: name) else { return nil }
        for recording in names.recordings {
            guard let known = try await library.files(of: recording), known.stream == stream else { continue }
            for file in known.files {
                let found = ThumbnailNames(ofFile: file.path)
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

extension TimelinePage {
    /// With the thumbnails that belong to each item. Looks at the disk.
    func withThumbnails(of outlines: [RecordingOutline]) -> TimelinePage {
        var page = self
        let outlines = Dictionary(outlines.map { ($0.spans.recording, $0) }, uniquingKeysWith: { first, _ in first })
        for index in page.items.indices where page.items[index].kind == .media {
            let item = page.items[index]
            let files = outlines[item.recording]?.files.filter { $0.from < item.to && $0.to > item.from } ?? []
            page.items[index].thumbnails = files.compactMap { file in
                guard FileManager.default.fileExists(atPath: ThumbnailNames(ofFile: file.path).track) else { return nil }
                let name = file.path[(file.path.lastIndex(of: "/") ?? file.path.startIndex)...].drop { $0 == "/" }
                return TimelineThumbnails(from: file.from, to: file.to, names: ThumbnailNames(ofFile: String(name)))
            }
        }
        return page
    }
}
