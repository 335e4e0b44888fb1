import Bridge
import BridgeAPI
import BridgeModel
import ControlPlane
import PlaybackPlane
import RecordingPlane
import SecureTransport
import StoragePlane

extension BridgeAssembly {
    private static let shareKeyLength = 32

    /// What looks back: playback out of the spool, clips in a folder beside it, and the key of their links.
    static func library(
        _ settings: Settings, ledger: SQLiteLedger, clips: SQLiteClips, spool: RecordingSpool,
        snapshots: (any StreamPlayback) -> SnapshotService
    ) throws(BridgeError) -> (BridgeAPI.Library, ClipService, SnapshotService) {
        let playback = PlaybackService(
            recordings: ledger, files: SpooledFiles(spool.layout),
            rules: .init(fragment: settings.recording.fragment, window: settings.playback.window), now: { SystemTime.wall })
        spool.attach(playback)
        let service = ClipService(
            playback: playback, ledger: clips, folder: settings.dataFolder + "/clips", hasSpace: { await spool.hasSpace() },
            now: { SystemTime.wall })
        let key = try SecretFolder(dataFolder: settings.dataFolder).read("share.key") {
            var generator = SystemRandomNumberGenerator()
            return Redacted((0..<shareKeyLength).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        }
        let links = ShareLinks { message in (try? MessageAuthentication.hmacSHA256.code(of: message, key: key.revealed)) ?? [] }
        let snapshots = snapshots(playback)
        return (BridgeAPI.Library(playback: playback, snapshots: snapshots, clips: service, links: links), service, snapshots)
    }
}
