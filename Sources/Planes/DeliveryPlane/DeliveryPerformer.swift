package import Bridge
package import BridgeModel
internal import Foundation

/// Makes one attempt of a delivery.
package protocol DeliveryPerformer: Sendable {
    /// Ends soon after the task is cancelled; the outcome then means nothing unless it is a success.
    func attempt(_ delivery: DeliveryRow) async -> AttemptOutcome
}

/// Sends each kind of delivery by its own way.
package struct DeliveryRoutes: DeliveryPerformer {
    private let webhooks: WebhookPerformer
    private let puts: HTTPUploadPerformer
    private let folders: FolderUploadPerformer

    /// `spoolFolder` holds the finished recordings by their file names.
    package init(
        spoolFolder: String, client: EgressClient, signer: WebhookSigner, settings: (webhooks: WebhookSettings, uploads: UploadSettings),
        clock: any OutboxClock
    ) {
        let pool = BlockingPool(threads: max(1, settings.uploads.parallel))
        webhooks = WebhookPerformer(client: client, signer: signer, timeout: settings.webhooks.timeout, clock: clock)
        puts = HTTPUploadPerformer(
            client: client, spoolFolder: spoolFolder, stallTimeout: settings.uploads.stallTimeout, pool: pool, clock: clock)
        folders = FolderUploadPerformer(spoolFolder: spoolFolder, pool: pool)
    }

    package func attempt(_ delivery: DeliveryRow) async -> AttemptOutcome {
        switch delivery.work {
        case .webhook(let url, let body): await webhooks.post(body, to: url, id: delivery.id)
        case .upload(_, let file, .put(let url)): await puts.put(file, to: url)
        case .upload(_, let file, .folder(let path)): await folders.copy(file, to: path, id: delivery.id)
        case .upload(_, _, .keep): .failed(.impossible)
        }
    }
}
