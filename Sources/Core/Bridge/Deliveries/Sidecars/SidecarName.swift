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
        /// What the recording of a room is, of which the file is a part.
        case room
        /// A picture that was taken in that room, by its id.
        case roomPicture(String)
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

    /// The manifest of a room's recording, beside the first segment of one of its recordings.
    package static func room(of recording: RecordingID) -> String { "\(recording).\(roomEnding)" }

    /// A picture that was taken in a room, beside its manifest.
    package static func roomPicture(_ id: String, of recording: RecordingID) -> String { "\(roomPictures(of: recording))\(id).jpg" }

    /// How the names of such pictures begin.
    package static func roomPictures(of recording: RecordingID) -> String { "\(recording).\(roomPicturePrefix)" }

    private static let roomEnding = "room.json"
    private static let roomPicturePrefix = "room-"

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
        if name.dropFirst(parts[0].count + 1) == Self.roomEnding {
            part = .room
            return
        }
        let picture = parts[1].hasPrefix(Self.roomPicturePrefix) ? parts[1].dropFirst(Self.roomPicturePrefix.count) : ""
        if !picture.isEmpty, !picture.contains("/"), parts[2] == "jpg" {
            part = .roomPicture(String(picture))
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

    /// What of it the user asked for; nil for the row that stands for all, and for what a room's recording brings by itself.
    package var sidecar: Sidecar? {
        switch part {
        case .all, .roomPicture: nil
        case .manifest, .room: .manifest
        case .poster: .poster
        case .track, .sheet: .thumbnails
        }
    }

    /// What stands in place of the file's ending at a destination.
    package var ending: String {
        switch part {
        case .all: Self.planEnding
        case .manifest: "json"
        case .room: Self.roomEnding
        case .roomPicture(let id): "\(Self.roomPicturePrefix)\(id).jpg"
        case .poster: "poster.jpg"
        case .track: "thumbnails.vtt"
        case .sheet(let number): "sprite-\(number).jpg"
        }
    }

    /// IANA media types.
    package var mediaType: String {
        switch part {
        case .all, .manifest, .room: "application/json"
        case .track: "text/vtt"
        case .poster, .sheet, .roomPicture: "image/jpeg"
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
