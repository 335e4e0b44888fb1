import Bridge
import BridgeModel
import Signaling

/// The journal of a room's recording, as a bridge that was killed may leave it: what is read of it is written as a manifest that everybody reads.
func fuzzRoomJournal(_ bytes: UnsafeRawBufferPointer) {
    guard let manifest = RoomManifest(journal: bytes) else { return }
    let document = manifest.document([:])
    precondition((try? JSONValue.read(document.text.utf8)) == document)
    _ = manifest.boards(of: StreamID("s"))
    guard let row = manifest.row else { return }
    precondition(Set(row.parts.map(\.recording)).count == row.parts.count && Set(row.pictures).count == row.pictures.count)
}
