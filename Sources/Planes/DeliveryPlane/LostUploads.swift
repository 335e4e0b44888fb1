internal import Bridge
internal import BridgeModel
internal import Logging
internal import NIOHTTP1

/// Finds multipart uploads whose ids were lost between the store's answer and the ledger, and aborts them. An upload is ours when a store was asked for
/// one at its place, which holds the recording's id, and nobody knows it some minutes later.
struct LostUploads: Sendable {
    let ledger: any UploadIntentions
    let stores: S3UploadPerformer
    let clock: any OutboxClock
    let logger: Logger

    /// Nobody waits so long for an answer.
    private static let patience: Duration = .seconds(600)
    private static let pageLength = 64
    /// Between looks that failed.
    private static let wait = DoublingWait(first: .seconds(60), longest: .seconds(3600))
    /// As a rule the other upload's answer comes in a moment: so many looks are short, with this between them.
    private static let shortLooks = 5
    private static let shortWait: Duration = .seconds(2)
    private static let attempts = 24

    private enum Finding {
        /// The store has none any more.
        case none
        /// The store has more of them than it has told.
        case more
        /// Another upload is begun at the same place just now: which of them is whose cannot be known before it has its answer.
        case busy
        case unknown(reason: String)
    }

    /// One look; false when there is something to look at again in a moment. `moment`: what was postponed until then is tried.
    func sweep(dueAt moment: WallTime) async throws(BridgeError) -> Bool {
        let latest = clock.now.advanced(by: .zero - Self.patience)
        var isDone = true
        for intention in try await ledger.intentions(before: latest, dueAt: moment, limit: Self.pageLength) {
            switch try await abort(intention, askedBefore: latest) {
            case .none: try await ledger.forget(intention)
            case .more: isDone = false
            case .busy:
                let isShort = intention.attempts < Self.shortLooks
                let wait = isShort ? Self.shortWait : Self.wait.after(intention.attempts - Self.shortLooks)
                try await ledger.postpone(intention, until: clock.now.advanced(by: wait))
                if isShort { isDone = false }
            case .unknown(let reason): try await postpone(intention, because: reason)
            }
        }
        guard isDone else { return false }
        // Somebody may have rung while a short wait runs.
        let soon = clock.now.advanced(by: Self.shortWait)
        return try await ledger.intentions(before: latest, dueAt: soon, limit: 1).isEmpty
    }

    private func abort(_ intention: UploadIntention, askedBefore moment: WallTime) async throws(BridgeError) -> Finding {
        let key = intention.origin.key
        guard case .s3(let destination) = intention.origin.destination else { return .none }
        let call = S3Call(method: .GET, query: [.init("uploads", ""), .init("prefix", key)])
        guard let reply = try? await stores.ask(stores.store(destination, key: ""), call) else {
            return .unknown(reason: "the store did not answer")
        }
        if reply.status == 404 { return .none }
        guard reply.isSuccess, let listed = S3Answer.uploads(of: key, reply.body) else {
            return .unknown(reason: reply.s3Refusal.sentence ?? "the store's answer cannot be read")
        }
        // Known are those that were stored while the store answered, too.
        guard let known = try await ledger.knownUploads(at: intention.location, askedBefore: moment) else { return .busy }
        for id in listed.ids where !known.contains(id) {
            guard await stores.abort(id, at: stores.store(destination, key: key)) else {
                return .unknown(reason: "the store did not abort the upload")
            }
            logger.info("an upload whose id was lost is aborted", metadata: ["recording": "\(intention.origin.recording)"])
        }
        return listed.hasMore && !listed.ids.isEmpty ? .more : .none
    }

    private func postpone(_ intention: UploadIntention, because reason: String) async throws(BridgeError) {
        let metadata: Logger.Metadata = [
            "recording": "\(intention.origin.recording)", "place": "\(intention.location)", "reason": "\(reason)",
        ]
        guard intention.attempts + 1 < Self.attempts else {
            logger.warning(
                "whether a store has an unfinished upload could not be found out: look there, or have a lifecycle rule abort it",
                metadata: metadata)
            return try await ledger.forget(intention)
        }
        logger.debug("whether a store has an unfinished upload is not known yet", metadata: metadata)
        try await ledger.postpone(intention, until: clock.now.advanced(by: Self.wait.after(intention.attempts)))
    }
}
