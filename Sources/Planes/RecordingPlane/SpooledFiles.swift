package import Bridge
internal import BridgeModel
internal import Foundation

/// Where playback finds the media of recordings in the spool.
package struct SpooledFiles: RecordedFiles {
    private let layout: SpoolLayout

    package init(_ layout: SpoolLayout) { self.layout = layout }

    /// The finished files of its segments, and the parts of those that are not finished.
    package func files(of row: RecordingRow, segments: [SegmentRow]) -> [RecordedFile] {
        var finished: [Int: RecordedFile] = [:]
        let names = segments.isEmpty ? [(1, row.file, nil)] : segments.map { ($0.number, $0.file, $0) }
        for (number, name, segment) in names {
            let path = "\(layout.folder)/\(name)"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let began = segment?.startedAt ?? (number == 1 ? row.firstFrameWrittenAt : nil)
            finished[number] = RecordedFile(
                path: path, container: Self.container(name) ?? row.container, startedAt: began, isGrowing: false, segment: segment)
        }
        let folder = layout.workFolder(row.id)
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let parts = entries.compactMap { name in PartName(fileName: name).map { (part: $0, name: name) } }
            .filter { finished[$0.part.segment] == nil }.sorted { $0.part < $1.part }
        var files = finished.map { (part: PartName(segment: $0.key, number: 0), file: $0.value) }
        for (part, name) in parts {
            let isGrowing = row.state.isRunning && part == parts.last?.part
            let container = SpoolLayout.recorded(row.container)
            files.append((part, RecordedFile(path: "\(folder)/\(name)", container: container, startedAt: nil, isGrowing: isGrowing)))
        }
        return files.sorted { $0.part < $1.part }.map(\.file)
    }

    private static func container(_ name: String) -> Container? {
        let ending = name[(name.lastIndex(of: ".").map { name.index(after: $0) } ?? name.endIndex)...]
        return Container.allCases.first { $0.fileExtension == ending }
    }
}
