import Dispatch
import Glibc

/// SIGTERM, SIGINT and SIGHUP as a sequence. Kept for as long as the program runs.
final class ProcessSignals {
    enum Received: Sendable {
        /// SIGTERM or SIGINT.
        case stop
        /// SIGHUP: read files again.
        case reload
    }

    let received: AsyncStream<Received>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Received.self)
        received = stream
        sources = [(SIGTERM, Received.stop), (SIGINT, .stop), (SIGHUP, .reload)].map { number, meaning in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(meaning) }
            source.resume()
            return source
        }
        // A peer that is gone is an error of the call, not the end of the bridge.
        signal(SIGPIPE, SIG_IGN)
    }
}
