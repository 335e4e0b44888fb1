package import BridgeModel
internal import Playback

/// A row of the outbox that is about what travels with a file, by the name that it has for its file: one in the spool, or one that stands for all of
/// them until it is known which there are.
package struct SidecarName: Sendable, Hashable {
    /// Which of them it is.
    package enum Part: Sendable, Hashable {
        /// None yet: they are looked for when the file is at its destination.
        case all
        case manifest, poster, track
        /// Sheets count from 1.
        case sheet(Int)
    }

    private static let planEnding = "sidecars"

    package let part: Part
    /// Of the recording and segment: the file's name without its ending.
    package let stem: String
    /// The ending of the file's name, where the name says it.
    package let container: Container?

    /// The name that stands for all that travels with a file.
    package static func all(of file: String) -> String { "\(file).\(planEnding)" }

    /// nil when the name is that of something else, as of a recording's file.
    package init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, !parts[0].isEmpty else { return nil }
        stem = parts[0]
        container = Container.allCases.first { $0.fileExtension == parts[1] }
        if container != nil {
            switch parts[2] {
            case "json": part = .manifest
            case Self.planEnding: part = .all
            default: return nil
            }
            return
        }
        guard let names = ThumbnailNames(ofThumbnail: name) else { return nil }
        switch name {
        case names.poster: part = .poster
        case names.track: part = .track
        default: part = .sheet(Int(parts[1].dropFirst("sprite-".count)) ?? 1)
        }
    }

    /// Those in the spool of a file that a recording wants, the track behind its sheets. `names`: what there is.
    package static func wanted(_ sidecars: [Sidecar], of file: String, among names: Set<String>) -> [String] {
        let pictures = ThumbnailNames(ofFile: file)
        return Sidecar.allCases.filter(sidecars.contains).flatMap { sidecar in
            switch sidecar {
            case .manifest: return [RecordingManifest.fileName(of: file)]
            case .poster: return [pictures.poster]
            case .thumbnails:
                // Sheets that a track does not name yet are of no use.
                guard names.contains(pictures.track) else { return [] }
                let sheets = (1...).lazy.map { pictures.sheet($0) }.prefix { names.contains($0) }
                return Array(sheets) + [pictures.track]
            }
        }.filter(names.contains)
    }

    /// What of it the user asked for; nil for the row that stands for all.
    package var sidecar: Sidecar? {
        switch part {
        case .all: nil
        case .manifest: .manifest
        case .poster: .poster
        case .track, .sheet: .thumbnails
        }
    }

    /// What stands in place of the file's ending at a destination.
    package var ending: String {
        switch part {
        case .all: Self.planEnding
        case .manifest: "json"
        case .poster: "poster.jpg"
        case .track: "thumbnails.vtt"
        case .sheet(let number): "sprite-\(number).jpg"
        }
    }

    /// IANA media types.
    package var mediaType: String {
        switch part {
        case .all, .manifest: "application/json"
        case .track: "text/vtt"
        case .poster, .sheet: "image/jpeg"
        }
    }
}

extension DeliveryRow {
    /// What travels with a file and is sent by this row; nil for a recording's file and a webhook.
    package var sidecar: SidecarName? {
        guard case .upload(_, let file, _) = work else { return nil }
        return SidecarName(file)
    }
}
