import Bridge
import BridgeModel
import Testing

/// A camera that obeys, with an agent that says what the test wants.
@Suite struct CameraMachineTests {
    private static let all = CameraAbilities(
        publishes: true, torch: true, greatestZoom: 4, rotates: true, mutes: [.audio], talks: true)
    private static let (first, second) = (CameraSocketID(1), CameraSocketID(2))
    private static let (yard, hall) = (
        CameraHold(room: RoomID("yard"), seat: SeatID("1")), CameraHold(room: RoomID("hall"), seat: SeatID("1"))
    )

    private final class Desk {
        var machine = CameraMachine(ClientID("gate"))
        var now = MonotonicTime(nanoseconds: 1)

        /// What is done of an input, in words.
        func take(_ input: CameraMachine.Input) -> [String] {
            machine.handle(input, now: now).map { effect in
                switch effect {
                case .send(let number, let order, let socket): "\(number)@\(socket.rawValue) \(order)"
                case .close(let socket): "close \(socket.rawValue)"
                case .settle(let tickets, let error): "\(tickets) \(error?.code.rawValue ?? "done")"
                case .reportChange: "changed"
                }
            }
        }

        /// It is there, and has done what it was told at first.
        func come(_ abilities: CameraAbilities = all, _ socket: CameraSocketID = first) {
            _ = machine.handle(.hello(abilities, socket), now: now)
            answer(socket)
        }

        func pass(_ duration: Duration) { now = now.advanced(by: duration) }

        func answer(_ socket: CameraSocketID = first) {
            for number in 1...20 { _ = machine.handle(.done(number, socket), now: now) }
        }
    }

    private let desk = Desk()

    @Test func anAgentThatComesIsToldToBeIdleUnlessItIsWanted() {
        #expect(desk.take(.hello(Self.all, Self.first)) == ["changed", "1@1 idle", "2@1 talk(nil)"])
        #expect(desk.machine.socket == Self.first && desk.machine.wasSeen)
        // One that publishes by itself is told nothing.
        #expect(Desk().take(.hello(CameraAbilities(torch: true), Self.first)) == ["changed"])
    }

    @Test func anOrderIsDoneRefusedOrLate() {
        desk.come()
        #expect(desk.take(.order(.torch(true), 7)) == ["3@1 torch(true)"])
        #expect(desk.take(.done(3, Self.first)) == ["[7] done"])
        #expect(desk.take(.done(3, Self.first)) == [])
        #expect(desk.take(.order(.zoom(2), 8)) == ["4@1 zoom(2.0)"])
        #expect(desk.take(.refused(4, BridgeError(.unavailable, "dirty"), Self.first)) == ["[8] unavailable"])
        #expect(desk.take(.order(.zoom(3), 9)) == ["5@1 zoom(3.0)"])
        desk.now = desk.now.advanced(by: .milliseconds(4999))
        #expect(desk.take(.deadline) == [])
        desk.now = desk.now.advanced(by: .milliseconds(1))
        #expect(desk.machine.deadline == desk.now && desk.take(.deadline) == ["[9] unavailable"])
        #expect(desk.machine.deadline == nil)
        #expect(desk.take(.done(5, Self.first)) == [])
    }

    @Test func whatItCannotDoIsRefusedAtOnce() {
        #expect(desk.take(.order(.torch(true), 1)) == ["[1] unavailable"])
        desk.come(CameraAbilities(greatestZoom: 2))
        #expect(desk.take(.order(.torch(true), 2)) == ["[2] invalid_field"])
        #expect(desk.take(.order(.zoom(2.5), 3)) == ["[3] invalid_field"])
        #expect(desk.take(.order(.mute(.video, true), 4)) == ["[4] invalid_field"])
        #expect(desk.take(.order(.idle, 5)) == ["[5] invalid_field"])
        #expect(desk.take(.order(.zoom(2), 6)) == ["1@1 zoom(2.0)"])
    }

    @Test func ofOrdersThatWaitTheNewestOfAKindIsGiven() {
        desk.come()
        #expect(desk.take(.order(.zoom(1), 1)) == ["3@1 zoom(1.0)"])
        #expect(desk.take(.order(.zoom(2), 2)) == [] && desk.take(.order(.zoom(3), 3)) == [])
        // Another kind waits for none of them.
        #expect(desk.take(.order(.torch(true), 4)) == ["4@1 torch(true)"])
        #expect(desk.take(.done(3, Self.first)) == ["[1] done", "5@1 zoom(3.0)"])
        #expect(desk.take(.done(5, Self.first)) == ["[2, 3] done"])
    }

    @Test func whatHoldsIsGivenAgainToAnAgentThatComesBack() {
        desk.come()
        for order in [CameraOrder.zoom(2), .mute(.audio, true), .publish(greatestHeight: nil)] { _ = desk.take(.order(order, 1)) }
        desk.answer()
        _ = desk.take(.order(.torch(true), 9))
        #expect(desk.take(.gone(Self.first)) == ["[9] unavailable", "changed"])
        #expect(desk.machine.socket == nil && desk.machine.deadline == nil)
        let told = desk.take(.hello(Self.all, Self.second))
        #expect(told.first == "changed")
        let orders = Set(told.dropFirst().map { $0.split(separator: " ", maxSplits: 1)[1] })
        #expect(orders == ["zoom(2.0)", "mute(BridgeModel.MediaKind.audio, true)", "publish(greatestHeight: nil)", "talk(nil)"])
    }

    @Test func aNewerSocketTakesOver() {
        desk.come()
        _ = desk.take(.order(.torch(true), 1))
        let told = desk.take(.hello(Self.all, Self.second))
        #expect(told.prefix(3) == ["[1] unavailable", "close 1", "changed"])
        // The older one is nobody by now.
        #expect(desk.take(.gone(Self.first)) == [] && desk.machine.socket == Self.second)
        // The same socket may learn something.
        #expect(desk.take(.hello(CameraAbilities(), Self.second)) == ["changed"])
        #expect(desk.take(.hello(CameraAbilities(), Self.second)) == [])
    }

    @Test func seatsBeginAndEndItsStreamAndTheGreatestOfThemCounts() {
        desk.come()
        #expect(
            desk.take(.need(CameraNeed(publishes: true, greatestHeight: 360), Self.yard)) == ["3@1 publish(greatestHeight: Optional(360))"])
        desk.answer()
        #expect(desk.take(.need(CameraNeed(publishes: true, greatestHeight: 240), Self.hall)) == [])
        #expect(desk.take(.order(.idle, 1)) == ["[1] unavailable"])
        #expect(desk.take(.need(CameraNeed(publishes: true), Self.hall)) == ["4@1 publish(greatestHeight: nil)"])
        desk.answer()
        #expect(desk.take(.need(nil, Self.hall)) == ["5@1 publish(greatestHeight: Optional(360))"])
        desk.answer()
        #expect(desk.take(.need(nil, Self.yard)) == ["6@1 idle"])
        #expect(desk.take(.need(nil, Self.yard)) == [])
    }

    private let stream = CameraNeed(publishes: true)

    @Test func aLateAnswerToWhatWasAskedLastCounts() {
        desk.come()
        #expect(desk.take(.need(stream, Self.yard)) == ["3@1 publish(greatestHeight: nil)"])
        desk.pass(CameraMachine.patience)
        #expect(desk.take(.deadline) == [] && desk.take(.done(3, Self.first)) == [])
        // It is not asked again, and it is told when its seat ends.
        #expect(desk.machine.deadline == nil)
        #expect(desk.take(.need(nil, Self.yard)) == ["4@1 idle"])
        desk.pass(CameraMachine.patience)
        _ = desk.take(.deadline)
        #expect(desk.take(.need(stream, Self.yard)) == ["5@1 publish(greatestHeight: nil)"])
        // What was asked before that is nobody's.
        #expect(desk.take(.done(4, Self.first)) == [] && desk.machine.deadline != nil)
    }

    @Test func whatWasNotAnsweredIsNotTakenForUndone() {
        desk.come()
        _ = desk.take(.need(stream, Self.yard))
        desk.pass(CameraMachine.patience)
        #expect(desk.take(.deadline) == [])
        // It may send or not: it is told not to.
        #expect(desk.take(.need(nil, Self.yard)) == ["4@1 idle"])
        desk.pass(CameraMachine.patience)
        #expect(desk.take(.deadline) == [])
        desk.pass(.seconds(1))
        #expect(desk.machine.deadline == desk.now && desk.take(.deadline) == ["5@1 idle"])
    }

    @Test func whatSeatsNeedIsTriedAgainAfterPausesThatGrow() {
        desk.come()
        _ = desk.take(.need(stream, Self.yard))
        for (number, pause) in zip(3..., [1, 2, 4, 8, 16, 32, 60, 60]) {
            #expect(desk.take(.refused(number, BridgeError(.unavailable, "busy"), Self.first)) == [])
            // Another seat that changes nothing of it waits, too.
            #expect(desk.take(.need(stream, Self.hall)) == [])
            desk.pass(.seconds(pause) - .milliseconds(1))
            #expect(desk.take(.deadline) == [])
            desk.pass(.milliseconds(1))
            #expect(desk.machine.deadline == desk.now && desk.take(.deadline) == ["\(number + 1)@1 publish(greatestHeight: nil)"])
        }
        #expect(desk.take(.done(11, Self.first)) == [] && desk.machine.deadline == nil)
        // What it plays is tried in the same way, and the pauses begin anew.
        _ = desk.take(.need(CameraNeed(publishes: true, talk: StreamID("a")), Self.yard))
        desk.pass(CameraMachine.patience)
        #expect(desk.take(.deadline) == [])
        desk.pass(.seconds(1))
        #expect(desk.take(.deadline) == ["13@1 talk(Optional(a))"])
    }

    @Test func nothingIsTriedAgainThatNobodyNeedsAnyMore() {
        desk.come()
        _ = desk.take(.need(stream, Self.yard))
        _ = desk.take(.refused(3, BridgeError(.unavailable, "busy"), Self.first))
        #expect(desk.take(.need(nil, Self.yard)) == ["4@1 idle"])
        desk.answer()
        #expect(desk.machine.deadline == nil)
        // What it cannot do at all, and what a camera was to do that is gone.
        _ = desk.take(.need(stream, Self.yard))
        _ = desk.take(.refused(5, BridgeError(.invalidField, "never"), Self.first))
        #expect(desk.machine.deadline == nil)
        #expect(desk.take(.need(nil, Self.yard)) == ["6@1 idle"])
        _ = desk.take(.refused(6, BridgeError(.unavailable, "busy"), Self.first))
        #expect(desk.machine.deadline != nil)
        #expect(desk.take(.gone(Self.first)) == ["changed"] && desk.machine.deadline == nil)
    }

    @Test func whoOrdersIsToldThatItFailedAndNothingIsTriedAgain() {
        desk.come()
        for order in [CameraOrder.publish(greatestHeight: nil), .talk(StreamID("a")), .torch(true)] {
            let sent = desk.take(.order(order, 1))
            let number = Int(sent[0].prefix { $0 != "@" }) ?? 0
            #expect(desk.take(.refused(number, BridgeError(.unavailable, "busy"), Self.first)) == ["[1] unavailable"])
            #expect(desk.machine.deadline == nil)
        }
        // A seat that needs it as well is another matter.
        #expect(desk.take(.need(stream, Self.yard)).contains("6@1 publish(greatestHeight: nil)"))
    }

    @Test func aSeatThatCameBeforeTheAgentIsServedWhenItComes() {
        #expect(desk.take(.need(CameraNeed(publishes: true), Self.yard)) == [])
        #expect(!desk.machine.isForgettable && !desk.machine.wasSeen)
        #expect(desk.take(.hello(Self.all, Self.first)) == ["changed", "1@1 publish(greatestHeight: nil)", "2@1 talk(nil)"])
    }

    @Test func aStreamThatWasOrderedOutlivesTheSeats() {
        desk.come()
        #expect(desk.take(.order(.publish(greatestHeight: nil), 1)) == ["3@1 publish(greatestHeight: nil)"])
        desk.answer()
        #expect(desk.take(.need(CameraNeed(publishes: true, greatestHeight: 360), Self.yard)) == [])
        #expect(desk.take(.need(nil, Self.yard)) == [])
        #expect(desk.take(.order(.idle, 2)) == ["4@1 idle"])
    }

    @Test func itPlaysWhatTheNewestSeatWants() {
        desk.come()
        let mix = { (name: String) in CameraNeed(publishes: false, talk: StreamID(name)) }
        #expect(desk.take(.need(mix("a"), Self.yard)).first?.contains("talk") == true)
        desk.answer()
        _ = desk.take(.need(mix("b"), Self.hall))
        desk.answer()
        #expect(desk.take(.need(nil, Self.hall)) == ["5@1 talk(Optional(a))"])
        // Given again when it comes back.
        _ = desk.take(.gone(Self.first))
        #expect(desk.take(.hello(Self.all, Self.second)).contains("7@2 talk(Optional(a))"))
        desk.answer(Self.second)
        #expect(desk.take(.need(nil, Self.yard)) == ["8@2 talk(nil)"])
    }
}
