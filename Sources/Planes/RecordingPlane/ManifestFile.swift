package import Bridge
package import BridgeModel
internal import LinuxIO

/// A manifest on the disk, beside the file that it describes.
package enum ManifestFile {
    /// Writes it durably into the folder of its file: whole or not at all, and again over itself. Throws `storage_full` or `internal`.
    package static func write(_ manifest: RecordingManifest, in folder: String) throws(BridgeError) {
        let path = "\(folder)/\(RecordingManifest.fileName(of: manifest.segment.file))"
        let temporary = path + ".partial"
        do throws(SystemError) {
            try DurableFiles.remove(temporary)
            let file = try LockedFile(creating: temporary)
            try file.write(Array(manifest.json.text.utf8) + [0x0A], at: 0)
            try file.synchronise()
            try DurableFiles.rename(temporary, to: path)
        } catch {
            try? DurableFiles.remove(temporary)
            throw error.isStorageFull
                ? BridgeError(.storageFull, "The recording's manifest cannot be written: the disk is full.")
                : BridgeError(.internal, "The recording's manifest cannot be written: \(error).")
        }
    }
}
