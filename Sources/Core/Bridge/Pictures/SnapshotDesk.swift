package import BridgeModel

/// Who asks for pictures of live streams, and who gets which: requests for the same picture share one, a decoder is kept for a while for the next
/// request of its stream, and both are bounded. Pure.
package struct SnapshotDesk: Sendable {
    /// One request.
    package typealias Ticket = UInt64

    /// The bounds.
    package struct Limits: Sendable, Equatable {
        /// Decoders at once.
        package var decoders: Int
        /// Requests of one stream that wait at once.
        package var waiting = 64
        /// How long a picture serves those who ask for the same.
        package var fresh: Duration = .milliseconds(100)
        /// How long a decoder is kept after the last request.
        package var idle: Duration = .seconds(10)
        /// How long a request waits; a camera that has sent no keyframe yet is waited for.
        package var patience: Duration = .seconds(5)

        package init(decoders: Int) { self.decoders = decoders }
    }

    /// What the shell is to do.
    package enum Effect: Sendable, Equatable {
        /// Start a decoder; `started` or `ended` follows.
        case launch(StreamID)
        /// Order a picture of the stream's decoder.
        case order(StreamID, number: UInt64, PictureSpec)
        /// End the stream's decoder; it is forgotten.
        case dismiss(StreamID)
        case answer([Ticket], Picture)
        case refuse([Ticket], BridgeError)
    }

    private struct Order {
        var number: UInt64
        var tickets: [Ticket]
        var deadline: MonotonicTime
    }

    private struct Decoder {
        var isStarted = false
        var lastAsked: MonotonicTime
        var orders: [PictureSpec: Order] = [:]
        var pictures: [PictureSpec: (picture: Picture, at: MonotonicTime)] = [:]
    }

    private let limits: Limits
    private var decoders: [StreamID: Decoder] = [:]
    private var lastNumber: UInt64 = 0

    package init(limits: Limits) { self.limits = limits }

    /// When `expire` is to be called.
    package var deadline: MonotonicTime? {
        decoders.values.flatMap { decoder in
            decoder.orders.values.map(\.deadline) + (decoder.orders.isEmpty ? [decoder.lastAsked.advanced(by: limits.idle)] : [])
        }.min()
    }

    /// Somebody asks for a picture.
    package mutating func asked(_ ticket: Ticket, of stream: StreamID, _ spec: PictureSpec, now: MonotonicTime) -> [Effect] {
        var effects: [Effect] = []
        if decoders[stream] == nil {
            guard let made = makeRoom() else {
                return [
                    .refuse([ticket], BridgeError(.limitReached, "Pictures of too many streams are being made; try again in a moment."))
                ]
            }
            effects = made + [.launch(stream)]
        }
        var decoder = decoders[stream] ?? Decoder(lastAsked: now)
        decoder.lastAsked = now
        if let (picture, at) = decoder.pictures[spec], now.duration(since: at) <= limits.fresh {
            decoders[stream] = decoder
            return [.answer([ticket], picture)]
        }
        guard decoder.orders.values.reduce(0, { $0 + $1.tickets.count }) < limits.waiting else {
            return [
                .refuse([ticket], BridgeError(.limitReached, "Too many requests wait for pictures of \(stream); try again in a moment."))
            ]
        }
        if decoder.orders[spec] != nil {
            decoder.orders[spec]?.tickets.append(ticket)
        } else {
            lastNumber += 1
            decoder.orders[spec] = Order(number: lastNumber, tickets: [ticket], deadline: now.advanced(by: limits.patience))
            if decoder.isStarted { effects.append(.order(stream, number: lastNumber, spec)) }
        }
        decoders[stream] = decoder
        return effects
    }

    /// The stream's decoder takes orders.
    package mutating func started(_ stream: StreamID) -> [Effect] {
        guard decoders[stream] != nil else { return [.dismiss(stream)] }
        decoders[stream]?.isStarted = true
        let orders = decoders[stream]?.orders ?? [:]
        return orders.sorted { $0.value.number < $1.value.number }.map { .order(stream, number: $0.value.number, $0.key) }
    }

    /// A picture is there.
    package mutating func taken(_ picture: Picture, number: UInt64, of stream: StreamID, now: MonotonicTime) -> [Effect] {
        guard var decoder = decoders[stream], let (spec, order) = decoder.orders.first(where: { $0.value.number == number }) else {
            return []
        }
        decoder.orders[spec] = nil
        decoder.pictures = decoder.pictures.filter { now.duration(since: $0.value.at) <= limits.fresh }
        decoder.pictures[spec] = (picture, now)
        decoders[stream] = decoder
        return [.answer(order.tickets, picture)]
    }

    /// An order could not be done; the decoder goes on.
    package mutating func failed(_ error: BridgeError, number: UInt64, of stream: StreamID) -> [Effect] {
        guard let (spec, order) = decoders[stream]?.orders.first(where: { $0.value.number == number }) else { return [] }
        decoders[stream]?.orders[spec] = nil
        return [.refuse(order.tickets, error)]
    }

    /// The stream's decoder is gone, or could not be started.
    package mutating func ended(_ stream: StreamID, _ error: BridgeError) -> [Effect] {
        guard let decoder = decoders.removeValue(forKey: stream) else { return [] }
        return decoder.orders.isEmpty ? [] : [.refuse(Self.tickets(of: decoder), error)]
    }

    /// Time has passed.
    package mutating func expire(now: MonotonicTime) -> [Effect] {
        var effects: [Effect] = []
        for (stream, decoder) in decoders.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for (spec, order) in decoder.orders where order.deadline <= now {
                decoders[stream]?.orders[spec] = nil
                effects.append(.refuse(order.tickets, Self.tooLate(stream)))
            }
            guard decoders[stream]?.orders.isEmpty == true, decoder.lastAsked.advanced(by: limits.idle) <= now else { continue }
            decoders[stream] = nil
            effects.append(.dismiss(stream))
        }
        return effects
    }

    private static func tooLate(_ stream: StreamID) -> BridgeError {
        BridgeError(.noMedia, "No picture of \(stream) came in time; see whether its camera sends video.")
    }

    private static func tickets(of decoder: Decoder) -> [Ticket] { decoder.orders.values.flatMap(\.tickets).sorted() }

    /// A place for one more decoder: a free one, or that of the decoder that nobody has asked for longest. Nil when all are at work.
    private mutating func makeRoom() -> [Effect]? {
        guard decoders.count >= limits.decoders else { return [] }
        let idle = decoders.filter { $0.value.orders.isEmpty }.min { $0.value.lastAsked < $1.value.lastAsked }
        guard let stream = idle?.key else { return nil }
        decoders[stream] = nil
        return [.dismiss(stream)]
    }
}
