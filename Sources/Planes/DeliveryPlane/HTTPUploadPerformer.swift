internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import NIOHTTP1

/// Sends a recording to a URL: the raw file with its exact length. A presigned URL (Eyeson contract, section 7) gets no header that it might not
/// cover.
struct HTTPUploadPerformer: Sendable {
    private static let redirects = 3
    /// How long the last bytes of a file wait for a reply that comes without them. A short file lies in the kernel's buffers when its target has not
    /// read a byte of it: a success that is claimed then must not be believed, and the target cannot be asked what it has.
    private static let tailPause: Duration = .milliseconds(250)

    let client: EgressClient
    let transfer: TransferServices
    let clock: any OutboxClock

    /// Makes the request, and follows redirects that keep it; headers that a user gave, which may be secrets, go to the first origin only.
    func send(_ job: UploadJob, to destination: HTTPDestination) async -> AttemptOutcome {
        await send(job.file, to: destination.place(of: job), destination)
    }

    /// One PUT to a URL as it is.
    func put(_ job: UploadJob, to url: Redacted<String>) async -> AttemptOutcome {
        await send(job.file, to: url, HTTPDestination(url: url))
    }

    private func send(_ file: SpoolFile, to url: Redacted<String>, _ destination: HTTPDestination) async -> AttemptOutcome {
        var target = client.parse(url)
        var destination = destination
        var followed = 0
        while true {
            let step = await step(file, target, destination)
            guard case .success((let reply, let here)) = step else { return .failed(step.fault) }
            guard reply.isRedirect, followed < Self.redirects, let location = reply.location else { return reply.outcome(now: clock.now) }
            target = client.parse(location, from: here)
            if case .success(let next) = target, next.origin != here.origin { destination.headers = [] }
            followed += 1
        }
    }

    private func step(
        _ file: SpoolFile, _ target: Result<DeliveryURL, AttemptFault>, _ destination: HTTPDestination
    ) async -> Result<(EgressReply, DeliveryURL), AttemptFault> {
        switch target {
        case .success(let url): await send(file, to: url, destination).map { ($0, url) }
        case .failure(let fault): .failure(fault)
        }
    }

    private func send(_ file: SpoolFile, to url: DeliveryURL, _ destination: HTTPDestination) async -> Result<EgressReply, AttemptFault> {
        let headers = HTTPHeaders(destination.headers.map { ($0.name, $0.value.revealed) })
        return await transfer.send(0..<file.size, of: file, holdingBack: Self.tailPause) { [client] body in
            var request = EgressRequest(method: HTTPMethod(rawValue: destination.method.rawValue), headers: headers) {
                .stream(body, length: .known(file.size))
            }
            request.replied = { body.progress.replied() }
            return await client.send(request, to: url)
        }
    }
}

extension HTTPDestination {
    /// A URL that ends with a slash gets the key.
    fileprivate func place(of job: UploadJob) -> Redacted<String> {
        guard url.revealed.hasSuffix("/") else { return url }
        let name = key?.key(for: job.facts) ?? job.name
        return Redacted(url.revealed + PercentEncoding.encode(name, keepingSlashes: true))
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
