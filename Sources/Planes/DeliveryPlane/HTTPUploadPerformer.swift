internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import NIOHTTP1

/// Puts a recording to a URL (Eyeson contract, section 7): the raw file with its exact length, and no header that a presigned URL might not cover.
struct HTTPUploadPerformer: Sendable {
    private static let redirects = 3

    let client: EgressClient
    let spoolFolder: String
    /// The longest time in which no byte moves, the wait for the reply included.
    let stallTimeout: Duration
    let pool: BlockingPool
    let clock: any OutboxClock

    func put(_ name: String, to url: Redacted<String>) async -> AttemptOutcome {
        guard let file = SpoolFile(folder: spoolFolder, name: name) else { return .failed(.fileMissing) }
        var target = client.parse(url)
        var followed = 0
        while true {
            let step = await step(file, target)
            guard case .success((let reply, let here)) = step else { return .failed(step.fault) }
            guard reply.isRedirect, followed < Self.redirects, let location = reply.location else { return reply.outcome(now: clock.now) }
            target = client.parse(location, from: here)
            followed += 1
        }
    }

    private func step(_ file: SpoolFile, _ target: Result<DeliveryURL, AttemptFault>) async -> Result<
        (EgressReply, DeliveryURL), AttemptFault
    > {
        switch target {
        case .success(let url): await put(file, to: url).map { ($0, url) }
        case .failure(let fault): .failure(fault)
        }
    }

    private func put(_ file: SpoolFile, to url: DeliveryURL) async -> Result<EgressReply, AttemptFault> {
        let progress = TransferProgress(total: file.size)
        let body = FileBody(file: file, progress: progress, pool: pool)
        let request = EgressRequest(method: .PUT, headers: [:]) { .stream(body, length: .known(file.size)) }
        let result = await limited(by: { [stallTimeout] in await progress.untilStalled(for: stallTimeout) }) { [client] in
            await client.send(request, to: url)
        }
        // Success that is claimed before the file was sent is none: the destination cannot have it.
        if case .success(let reply) = result, (200...299).contains(reply.status), !progress.isComplete { return .failure(.invalidReply) }
        return result
    }
}

extension EgressReply {
    /// The redirects that keep method and body (RFC 9110 sections 15.4.8 and 15.4.9).
    fileprivate var isRedirect: Bool { status == 307 || status == 308 }
}

extension Result where Failure == AttemptFault {
    /// The fault of a failure; only asked for one.
    fileprivate var fault: AttemptFault {
        guard case .failure(let fault) = self else { return .impossible }
        return fault
    }
}
