/// A request's body on its way in: decoded as it comes and handed to the reader.
struct BodyArrival {
    /// The reader's end.
    let source: BodySource
    private let expectsContinue: Bool
    private var decoder: BodyDecoder
    private var hasFailed = false
    private var hasSentContinue = false
    private var lastBytes = ContinuousClock.now

    init(_ head: RequestHead, channel: ResponseChannel, limits: WebServerLimits) {
        let expectsContinue = head.expectsContinue
        self.expectsContinue = expectsContinue
        decoder = BodyDecoder(head.bodyFraming, trailerBytes: limits.headerBytes)
        if head.bodyFraming == .none {
            source = BodySource(declaredLength: 0, onDrained: {}, onFirstRead: {})
            source.finish(nil)
        } else {
            source = BodySource(declaredLength: head.declaredLength) {
                channel.resumeBody()
            } onFirstRead: {
                if expectsContinue { channel.sendContinue() }
            }
        }
    }

    /// Whether the whole body has arrived.
    var isDone: Bool { decoder.isDone }

    /// Takes body bytes; true when the peer has to wait for the reader. After a failure the rest is thrown away.
    mutating func receive(_ input: inout ArraySlice<UInt8>) -> Bool {
        guard !hasFailed else {
            input = input[input.endIndex...]
            return false
        }
        lastBytes = .now
        do throws(RequestFault) {
            let content = try decoder.decode(&input)
            let mustPause = content.isEmpty ? false : source.push(content)
            if decoder.isDone { source.finish(nil) }
            return mustPause && !decoder.isDone
        } catch {
            fail(.malformed)
            return false
        }
    }

    /// Gives up on a body that has stopped coming, except while the client waits for our 100.
    mutating func check(now: ContinuousClock.Instant, timeout: Duration) {
        let isOurTurn = expectsContinue && !hasSentContinue
        guard !isOurTurn, now - lastBytes > timeout else { return }
        abandon()
    }

    /// The interim response, if the client waits for one (RFC 9110, 10.1.1).
    mutating func takeContinue() -> [UInt8]? {
        guard expectsContinue, !hasSentContinue, !isDone else { return nil }
        hasSentContinue = true
        lastBytes = .now
        return ResponseEncoder.continueResponse
    }

    /// No more will come.
    mutating func abandon() {
        if !isDone, !hasFailed { fail(.lost) }
    }

    private mutating func fail(_ error: WebBodyError) {
        hasFailed = true
        source.finish(error)
    }
}

extension RequestHead {
    /// The length of the body where it is known beforehand.
    fileprivate var declaredLength: Int? {
        switch bodyFraming {
        case .none: 0
        case .length(let length): length
        case .chunked: nil
        }
    }
}
