package import Bridge
package import BridgeModel
internal import Foundation

/// What travels with recordings' files, in the spool: a manifest that is not there is written, pictures that are not there are made.
package struct SidecarShelf: SidecarSource {
    private let services: RecordingServices

    package init(_ services: RecordingServices) { self.services = services }

    package func sidecars(of file: String, in recording: RecordingRow) async throws(BridgeError) -> SidecarFinding {
        let wanted = recording.sidecars ?? []
        let segments = try await services.segments.segments(of: recording.id)
        guard let segment = segments.first(where: { $0.file == file }), let path = await services.files.finishedPath(segment) else {
            return SidecarFinding([])
        }
        if wanted.contains(.manifest), !FileManager.default.fileExists(atPath: RecordingManifest.fileName(of: path)) {
            // The registrar is at it.
            guard segment.sha256 != nil else { return SidecarFinding([], isGrowing: true) }
            _ = try await services.keeping.describe(segment, of: recording)
        }
        let isGrowing =
            if wanted.contains(where: \.isPicture) { await services.thumbnails.make(segment, isWanted: true) } else { false }
        let folder = path.dropLast(file.count)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: String(folder))) ?? []
        return SidecarFinding(SidecarName.wanted(wanted, of: file, among: Set(names)), isGrowing: isGrowing)
    }

    package func isBeingRegistered(_ file: String) async -> Bool { await services.registrar.isBusy(with: file) }
}

extension RecordingRow {
    /// Its destination gets pictures of its files.
    var wantsPictures: Bool { sidecars?.contains(where: \.isPicture) ?? false }
}
