/// Uploads recordings while they run. What has been sent is remembered by the file's name, and the upload that follows the recording's end goes on
/// from there; nothing depends on it. Implemented by DeliveryPlane.
package protocol StreamingUploads: Sendable {
    /// Sends what is final of the file, until the file has nothing more: call it whenever the file has grown, and for the last time before its upload
    /// is committed. Returns at once. `name`: of the complete file in the spool; it must get the bytes of the growing file, but for the
    /// `rewritable` ones at its beginning.
    func grown(_ file: GrowingFile, name: String, of recording: RecordingRow) async
    /// What lies at `path` becomes the complete file; nothing that was sent of another file is believed to be its. Call it before its upload is committed.
    func completed(_ path: String, name: String) async
}
