package import BridgeModel

/// A camera that obeys, as a machine: what is wanted of it and what its agent says in, orders out. Pure: no clock and no IO.
///
/// An order is a state, and of each kind (`CameraOrder.Kind`) one is under way at a time; of those that wait the newest is given, and who waits for an
/// older one is told what became of the newer. What a camera has done, and what seats need of it, is given again when its agent comes back. After an
/// order that was refused, or not answered in time, what the camera does is not known: what seats need, and that it ends with them, is tried again.
package struct CameraMachine: Sendable {
    /// Who waits for the end of an order.
    package typealias Ticket = UInt64

    /// Something that happens.
    package enum Input: Sendable, Equatable {
        /// An agent says what it can; by a newer socket it takes the place of the one before.
        case hello(CameraAbilities, CameraSocketID)
        case gone(CameraSocketID)
        case done(Int, CameraSocketID)
        case refused(Int, BridgeError, CameraSocketID)
        /// Somebody wants it, now.
        case order(CameraOrder, Ticket)
        /// What a seat needs of it from now on; nil: nothing any more.
        case need(CameraNeed?, CameraHold)
        /// `deadline` has passed.
        case deadline
    }

    /// Something to do, in this order.
    package enum Effect: Sendable, Equatable {
        case send(Int, CameraOrder, CameraSocketID)
        case close(CameraSocketID)
        /// Those who wait for it are told that it is done, or why not.
        case settle([Ticket], BridgeError?)
        /// It came, went, or can other things than before.
        case reportChange
    }

    /// How long an agent may take.
    package static let patience = Duration.seconds(5)

    /// The pause before what failed is tried again; doubled with each failure.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(60)

    private struct Slot {
        /// What the camera has done of this kind, to be given again.
        var held: CameraOrder?
        var sent: (number: Int, order: CameraOrder, tickets: [Ticket], until: MonotonicTime)?
        var next: (order: CameraOrder, tickets: [Ticket])?
        /// What was given last, and not done so far; `again` is nil for what is not tried again.
        var failed: (number: Int, order: CameraOrder, again: MonotonicTime?)?
        /// Of the same order, one after another.
        var failures = 0

        /// What was asked for last; nil when it is not known what the camera does.
        var newest: CameraOrder? {
            if let waiting = next?.order ?? sent?.order { return waiting }
            guard let failed else { return held }
            return failed.again == nil ? nil : failed.order
        }

        /// The camera does it.
        mutating func hold(_ order: CameraOrder) {
            held = order
            (failed, failures) = (nil, 0)
        }
    }

    package private(set) var abilities = CameraAbilities()
    /// Its agent's; nil: it is not connected.
    package private(set) var socket: CameraSocketID?
    /// For sentences.
    private let name: String
    private var slots: [CameraOrder.Kind: Slot] = [:]
    /// In the order in which the seats began.
    private var needs: [(hold: CameraHold, need: CameraNeed)] = []
    /// What was ordered beside the seats.
    private var ordered: (publish: CameraOrder?, talk: StreamID?)
    private var lastNumber = 0
    private var output: [Effect] = []

    package init(_ camera: ClientID) { name = "The camera \"\(camera)\"" }

    /// When to call `handle(.deadline)`; nil when nothing is waited for.
    package var deadline: MonotonicTime? { slots.values.compactMap { $0.sent?.until ?? $0.failed?.again }.min() }

    /// An agent of it has been here.
    package private(set) var wasSeen = false
    /// Nobody needs it, and it is not there.
    package var isForgettable: Bool { socket == nil && needs.isEmpty }

    package mutating func handle(_ input: Input, now: MonotonicTime) -> [Effect] {
        switch input {
        case .hello(let abilities, let socket): hello(abilities, socket, now)
        case .gone(let socket): if socket == self.socket { leave() }
        case .done(let number, let socket): finish(number, socket, nil, now)
        case .refused(let number, let error, let socket): finish(number, socket, error, now)
        case .order(let order, let ticket): take(order, ticket, now)
        case .need(let need, let hold): set(need, hold, now)
        case .deadline: expire(now)
        }
        defer { output = [] }
        return output
    }

    // MARK: - The agent

    private mutating func hello(_ abilities: CameraAbilities, _ socket: CameraSocketID, _ now: MonotonicTime) {
        if self.socket != socket {
            if let former = self.socket {
                drop()
                output.append(.close(former))
            }
            self.abilities = abilities
            self.socket = socket
            wasSeen = true
            output.append(.reportChange)
            let held = slots.values.compactMap(\.held).filter { ![.publishing, .talk].contains($0.kind) }
            for order in held where abilities.allow(order) { submit(order, [], now) }
            // What it does by itself while nobody sees it is not known: it is told at each beginning.
            tell([], now, always: true)
        } else if self.abilities != abilities {
            self.abilities = abilities
            output.append(.reportChange)
            tell([], now)
        }
    }

    private mutating func leave() {
        drop()
        socket = nil
        output.append(.reportChange)
    }

    /// What is under way is lost.
    private mutating func drop() {
        let error = BridgeError(.unavailable, "\(name) lost its connection before it had done that; try again when it is back.")
        for (kind, slot) in slots {
            settle((slot.sent?.tickets ?? []) + (slot.next?.tickets ?? []), error)
            slots[kind] = Slot(held: slot.held)
        }
    }

    private mutating func finish(_ number: Int, _ socket: CameraSocketID, _ error: BridgeError?, _ now: MonotonicTime) {
        guard socket == self.socket else { return }
        if let (kind, slot) = slots.first(where: { $0.value.sent?.number == number }), let sent = slot.sent {
            if let error { return fail(kind, error, now) }
            slots[kind]?.hold(sent.order)
            settle(sent.tickets, nil)
            proceed(kind, now)
        } else if error == nil, let (kind, slot) = slots.first(where: { $0.value.failed?.number == number }), let failed = slot.failed {
            // It comes late, but nothing else was asked since. Every other answer is nobody's.
            slots[kind]?.hold(failed.order)
        }
    }

    private mutating func expire(_ now: MonotonicTime) {
        let error = BridgeError(
            .unavailable, "\(name) did not answer within \(Self.patience.components.seconds) s; look whether it is still reachable.")
        for (kind, slot) in slots {
            if let sent = slot.sent {
                if sent.until <= now { fail(kind, error, now) }
            } else if let failed = slot.failed, let again = failed.again, again <= now {
                slots[kind]?.failed?.again = nil
                if isTriedAgain(kind), abilities.allow(failed.order) { submit(failed.order, [], now) }
            }
        }
    }

    /// What was sent is not done, or nobody knows.
    private mutating func fail(_ kind: CameraOrder.Kind, _ error: BridgeError, _ now: MonotonicTime) {
        guard let sent = slots[kind]?.sent, let failures = slots[kind].map({ $0.failures + 1 }) else { return }
        settle(sent.tickets, error)
        let pause = min(Self.longestPause, Self.firstPause * (1 << min(failures - 1, 6)))
        // What it cannot do at all, it cannot do later.
        let isHopeless = error.code == .invalidField || !isTriedAgain(kind)
        slots[kind]?.failures = failures
        slots[kind]?.failed = (sent.number, sent.order, isHopeless ? nil : now.advanced(by: pause))
        proceed(kind, now)
    }

    /// Seats need it, or nobody needs anything any more. Whoever orders is told that it failed, and orders again.
    private func isTriedAgain(_ kind: CameraOrder.Kind) -> Bool {
        switch kind {
        case .publishing: ordered.publish == nil || needs.contains(where: \.need.publishes)
        case .talk: ordered.talk == nil
        case .torch, .zoom, .rotation, .mute: false
        }
    }

    // MARK: - What is wanted

    private mutating func take(_ order: CameraOrder, _ ticket: Ticket, _ now: MonotonicTime) {
        if let refusal = refusal(of: order) { return settle([ticket], refusal) }
        switch order {
        case .publish:
            ordered.publish = order
            tell([ticket], now)
        case .idle:
            ordered.publish = nil
            tell([ticket], now)
        case .talk(let stream):
            ordered.talk = stream
            tell([ticket], now, about: .talk)
        default: submit(order, [ticket], now)
        }
    }

    private func refusal(of order: CameraOrder) -> BridgeError? {
        guard socket != nil else {
            return BridgeError(.unavailable, "\(name) is not connected; start its agent, or wait until it is back.")
        }
        guard abilities.allow(order) else {
            return BridgeError(.invalidField, "\(name) cannot do that; its abilities say what it can.")
        }
        guard order != .idle || !needs.contains(where: \.need.publishes) else {
            return BridgeError(.unavailable, "\(name) has a seat in a room, and sends for as long as it has; end that seat.")
        }
        return nil
    }

    private mutating func set(_ need: CameraNeed?, _ hold: CameraHold, _ now: MonotonicTime) {
        let place = needs.firstIndex { $0.hold == hold }
        switch (need, place) {
        case (let need?, let place?): needs[place].need = need
        case (let need?, nil): needs.append((hold, need))
        case (nil, let place?): needs.remove(at: place)
        case (nil, nil): return
        }
        tell([], now)
    }

    /// What seats and orders together make of it.
    private var publishing: CameraOrder {
        let seats = needs.map(\.need).filter(\.publishes)
        var heights = seats.map(\.greatestHeight)
        if case .publish(let height)? = ordered.publish { heights.append(height) }
        guard !heights.isEmpty else { return .idle }
        return .publish(greatestHeight: heights.contains(nil) ? nil : heights.compactMap { $0 }.max())
    }

    /// The stream that it is to play; nil: none.
    package var spoken: StreamID? { ordered.talk ?? needs.last { $0.need.talk != nil }?.need.talk }

    private var talk: CameraOrder { .talk(spoken) }

    /// Tells what it does not do yet; an order of somebody's, in any case.
    private mutating func tell(_ tickets: [Ticket], _ now: MonotonicTime, about kind: CameraOrder.Kind = .publishing, always: Bool = false)
    {
        guard socket != nil else { return }
        for order in [publishing, talk] where abilities.allow(order) {
            let isAsked = order.kind == kind && !tickets.isEmpty
            if always || isAsked || isNews(order) { submit(order, isAsked ? tickets : [], now) }
        }
    }

    /// It was not asked for last, or it failed and is needed all the same.
    private func isNews(_ order: CameraOrder) -> Bool {
        guard let slot = slots[order.kind], slot.newest == nil else { return slots[order.kind]?.newest != order }
        return slot.failed?.order != order || isTriedAgain(order.kind)
    }

    // MARK: - Orders

    private mutating func submit(_ order: CameraOrder, _ tickets: [Ticket], _ now: MonotonicTime) {
        var slot = slots[order.kind] ?? Slot()
        slot.next = (order, (slot.next?.tickets ?? []) + tickets)
        slots[order.kind] = slot
        if slot.sent == nil { proceed(order.kind, now) }
    }

    /// The next one of this kind, if one waits.
    private mutating func proceed(_ kind: CameraOrder.Kind, _ now: MonotonicTime) {
        slots[kind]?.sent = nil
        guard let socket, let next = slots[kind]?.next else { return }
        lastNumber += 1
        if slots[kind]?.failed?.order != next.order { slots[kind]?.failures = 0 }
        slots[kind]?.failed = nil
        slots[kind]?.next = nil
        slots[kind]?.sent = (lastNumber, next.order, next.tickets, now.advanced(by: Self.patience))
        output.append(.send(lastNumber, next.order, socket))
    }

    private mutating func settle(_ tickets: [Ticket], _ error: BridgeError?) {
        if !tickets.isEmpty { output.append(.settle(tickets, error)) }
    }
}
