/// The body of a request, in parts as they arrive. The peer is stopped while nobody reads; read it once, from one task.
package struct WebBody: AsyncSequence, Sendable {
    /// A part of the body, never empty.
    package typealias Element = [UInt8]

    private let source: BodySource
    private let defaultLimit: Int

    init(source: BodySource, defaultLimit: Int) {
        self.source = source
        self.defaultLimit = defaultLimit
    }

    /// A body that is all there; for requests without one, and for the tests of a handler.
    package init(_ bytes: [UInt8]) {
        let source = BodySource(declaredLength: bytes.count, onDrained: {}, onFirstRead: {})
        if !bytes.isEmpty { _ = source.push(bytes) }
        source.finish(nil)
        self.init(source: source, defaultLimit: Swift.max(bytes.count, WebServerLimits().bodyBytesDefault))
    }

    /// No body.
    package static let empty = WebBody([])

    /// The length that the request declared; nil when it is sent in chunks.
    package var declaredLength: Int? { source.declaredLength }

    /// All of the body. Without a limit of its own it takes `WebServerLimits.bodyBytesDefault` bytes.
    ///
    /// - Throws: `.tooLarge` as soon as the declared length or the bytes received pass the limit: answer 413, the server then closes the
    ///   connection by itself. `.lost` when the peer went away, `.malformed` when its framing was wrong.
    package func collect(upTo limit: Int? = nil) async throws(WebBodyError) -> [UInt8] {
        let limit = limit ?? defaultLimit
        if let declaredLength, declaredLength > limit { throw .tooLarge(limit: limit) }
        var bytes: [UInt8] = []
        var iterator = makeAsyncIterator()
        while let part = try await iterator.next(isolation: nil) {
            guard bytes.count + part.count <= limit else { throw .tooLarge(limit: limit) }
            bytes += part
        }
        return bytes
    }

    /// An iterator over the parts that have not been read yet.
    package func makeAsyncIterator() -> Iterator { Iterator(source: source) }

    /// Yields the parts of one body.
    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let source: BodySource

        /// The next part, or nil at the end.
        package mutating func next(isolation actor: isolated (any Actor)?) async throws(WebBodyError) -> [UInt8]? {
            try await source.next()
        }

        /// The next part, or nil at the end.
        package mutating func next() async throws(WebBodyError) -> [UInt8]? { try await source.next() }
    }
}

/// Why a body did not come whole.
package enum WebBodyError: Error, Sendable, Equatable {
    /// It is longer than the reader takes.
    case tooLarge(limit: Int)
    /// The peer went away, or stopped sending for too long.
    case lost
    /// Its chunks are malformed.
    case malformed
}

/// The hand-over of a body from the loop to its reader.
final class BodySource: Sendable {
    private enum Part: Sendable {
        case bytes([UInt8])
        case failure(WebBodyError)
    }

    /// What may wait for the reader before the peer is stopped.
    private static let highWater = 256 * 1024

    let declaredLength: Int?
    private let parts: FlowQueue<Part>
    private let onFirstRead: @Sendable () -> Void

    /// - Parameters:
    ///   - onDrained: called when the reader has caught up after `push` returned true.
    ///   - onFirstRead: called when somebody asks for a part; more than once.
    init(declaredLength: Int?, onDrained: @escaping @Sendable () -> Void, onFirstRead: @escaping @Sendable () -> Void) {
        self.declaredLength = declaredLength
        self.onFirstRead = onFirstRead
        parts = FlowQueue(highWater: Self.highWater, onDrained: onDrained)
    }

    /// True when the peer should be stopped until `onDrained`.
    func push(_ bytes: [UInt8]) -> Bool { parts.push(.bytes(bytes), cost: bytes.count) }

    func finish(_ failure: WebBodyError?) {
        if let failure { _ = parts.push(.failure(failure), cost: 0) }
        parts.finish()
    }

    func next() async throws(WebBodyError) -> [UInt8]? {
        onFirstRead()
        switch await parts.next() {
        case .bytes(let bytes): return bytes
        case .failure(let failure): throw failure
        case nil:
            guard Task.isCancelled else { return nil }
            throw .lost
        }
    }
}
