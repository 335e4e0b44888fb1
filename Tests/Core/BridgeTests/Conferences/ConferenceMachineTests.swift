import Bridge
import BridgeModel
import Testing

/// The machine in virtual time.
@Suite struct ConferenceMachineTests {
    private static let lost = ConferenceFault(BridgeError(.connectionLost, "gone"))
    private static let refused = ConferenceFault(BridgeError(.conferenceRefused, "401"), isPermanent: true)

    /// A machine, its clock and its dice.
    private struct Stage {
        var machine = ConferenceMachine()
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        var random = SeededGenerator(seed: 7)

        mutating func tell(_ input: ConferenceMachine.Input) -> [ConferenceMachine.Effect] {
            machine.handle(input, now: now, using: &random)
        }

        mutating func wait(_ time: Duration) { now = now.advanced(by: time) }

        /// Waits for the deadline and tells of it; how long that was.
        mutating func expire() throws -> (Duration, [ConferenceMachine.Effect]) {
            let deadline = try #require(machine.deadline)
            let time = deadline.duration(since: now)
            now = deadline
            return (time, tell(.deadline))
        }

        /// Up to media that flows.
        mutating func goLive() {
            #expect(tell(.streamLive) == [.open(session: 1)])
            #expect(tell(.connected(session: 1)) == [.reportConnected])
        }
    }

    @Test func itWaitsForItsStreamAndGoesWithIt() {
        var stage = Stage()
        #expect(stage.machine.phase == .waiting && stage.machine.deadline == nil)
        stage.goLive()
        #expect(stage.machine.phase == .live && stage.machine.attempts == 1 && stage.machine.reason == nil)
        let effects = stage.tell(.streamEnded)
        #expect(effects.count == 2 && effects.last == .close(session: 1), "\(effects)")
        #expect(stage.machine.phase == .leaving)
        #expect(stage.tell(.closed(session: 1)) == [] && stage.machine.phase == .waiting)
        #expect(stage.tell(.streamLive) == [.open(session: 2)])
    }

    @Test func aStreamThatIsBackBeforeItsSessionIsAwayWaitsForThat() {
        var stage = Stage()
        stage.goLive()
        _ = stage.tell(.streamEnded)
        #expect(stage.tell(.streamLive) == [])
        #expect(stage.tell(.closed(session: 1)) == [.open(session: 2)])
    }

    @Test func aLostPathGetsThreeSecondsThenANewSession() throws {
        var stage = Stage()
        stage.goLive()
        stage.wait(.seconds(60))
        #expect(stage.tell(.interrupted(session: 1)) == [.restart(session: 1)] && stage.machine.phase == .interrupted)
        // One at a time.
        #expect(stage.tell(.interrupted(session: 1)) == [])
        stage.wait(.seconds(2))
        #expect(stage.tell(.connected(session: 1)) == [] && stage.machine.phase == .live)
        _ = stage.tell(.interrupted(session: 1))
        let (time, effects) = try stage.expire()
        #expect(time == .seconds(3) && effects.last == .close(session: 1))
        // It was live for long: the next session does not wait.
        #expect(stage.tell(.closed(session: 1)) == [.open(session: 2)])
        #expect(stage.machine.reason?.code == .connectionLost)
        #expect(stage.tell(.connected(session: 2)) == [.reportConnected] && stage.machine.reason == nil)
    }

    @Test func pausesDoubleUpToTheLongest() throws {
        var stage = Stage()
        _ = stage.tell(.streamLive)
        var expected = Duration.seconds(1)
        for session in 1...9 {
            // Somebody is told once.
            let news: [ConferenceMachine.Effect] = session == 3 ? [.reportTrouble(Self.lost.error, attempts: 3)] : []
            #expect(stage.tell(.failed(session: session, Self.lost)) == news + [.close(session: session)])
            #expect(stage.machine.phase == .backingOff && stage.tell(.closed(session: session)) == [])
            let (time, effects) = try stage.expire()
            #expect(time >= expected * 0.79 && time <= expected * 1.21, "\(session): \(time)")
            #expect(time <= .seconds(60) && effects == [.open(session: session + 1)])
            expected = min(expected * 2, .seconds(60))
        }
        #expect(stage.machine.attempts == 10)
    }

    /// Up to the third session, whose failure is told.
    private func troubled() throws -> Stage {
        var stage = Stage()
        _ = stage.tell(.streamLive)
        for session in 1...3 {
            _ = stage.tell(.failed(session: session, Self.lost))
            _ = stage.tell(.closed(session: session))
            if session < 3 { _ = try stage.expire() }
        }
        return stage
    }

    @Test func troubleIsOverWhenASessionIsUp() throws {
        var stage = try troubled()
        #expect(try stage.expire().1 == [.open(session: 4)])
        #expect(stage.tell(.connected(session: 4)) == [.reportTroubleEnded(.connected), .reportConnected])
        // It does not stay up: that is told in its order.
        let effects = stage.tell(.failed(session: 4, Self.lost))
        #expect(effects == [.reportDisconnected(Self.lost.error), .reportTrouble(Self.lost.error, attempts: 4), .close(session: 4)])
    }

    @Test func troubleIsOverWithItsStreamItsConferenceAndARefusal() throws {
        var stage = try troubled()
        #expect(stage.tell(.streamEnded) == [.reportTroubleEnded(.streamEnded)])
        stage = try troubled()
        #expect(stage.tell(.remove) == [.reportTroubleEnded(.removed), .finished])
        stage = try troubled()
        _ = try stage.expire()
        #expect(stage.tell(.failed(session: 4, Self.refused)) == [.close(session: 4)])
        #expect(stage.tell(.closed(session: 4)) == [.reportTroubleEnded(.failed), .reportEnded(Self.refused.error)])
    }

    @Test func theFarEndsWishIsKeptWithinBounds() throws {
        for (wish, least) in [(Duration.seconds(30), Duration.seconds(30)), (.seconds(86_400), .seconds(60)), (.seconds(-5), .zero)] {
            var stage = Stage()
            _ = stage.tell(.streamLive)
            var fault = Self.lost
            fault.retryAfter = wish
            _ = stage.tell(.failed(session: 1, fault))
            _ = stage.tell(.closed(session: 1))
            let time = try #require(stage.machine.deadline).duration(since: stage.now)
            #expect(time >= least && time <= .seconds(60))
        }
    }

    @Test func aSessionThatDoesNotComeUpIsGivenUp() throws {
        var stage = Stage()
        _ = stage.tell(.streamLive)
        let (time, effects) = try stage.expire()
        #expect(time == .seconds(20) && effects == [.close(session: 1)] && stage.machine.reason?.code == .connectionTimeout)
    }

    @Test func aRefusalForGoodIsTheEndWhateverTheStreamDoes() {
        var stage = Stage()
        _ = stage.tell(.streamLive)
        #expect(stage.tell(.failed(session: 1, Self.refused)) == [.close(session: 1)])
        #expect(stage.tell(.closed(session: 1)) == [.reportEnded(Self.refused.error)])
        #expect(stage.machine.phase == .ended && stage.machine.deadline == nil)
        #expect(stage.tell(.streamEnded) == [] && stage.tell(.streamLive) == [])
        #expect(stage.tell(.remove) == [.finished])
    }

    @Test func oneThatHadEndedIsShownAndOnlyRemoved() {
        var stage = Stage(machine: ConferenceMachine(ended: Self.refused.error))
        #expect(stage.machine.phase == .ended && stage.machine.reason == Self.refused.error)
        #expect(stage.tell(.streamLive) == [] && stage.tell(.remove) == [.finished] && stage.tell(.remove) == [])
    }

    @Test func aStreamThatEndsDuringAPauseIsWaitedFor() throws {
        var stage = Stage()
        _ = stage.tell(.streamLive)
        _ = stage.tell(.failed(session: 1, Self.lost))
        _ = stage.tell(.closed(session: 1))
        #expect(stage.tell(.streamEnded) == [] && stage.machine.phase == .waiting && stage.machine.deadline == nil)
        #expect(stage.tell(.streamLive) == [.open(session: 2)])
    }

    @Test func removalWaitsForWhatIsLeft() {
        var stage = Stage()
        stage.goLive()
        let effects = stage.tell(.remove)
        #expect(effects.count == 2 && effects.last == .close(session: 1))
        #expect(stage.tell(.closed(session: 1)) == [.finished])
        stage = Stage()
        _ = stage.tell(.streamLive)
        _ = stage.tell(.failed(session: 1, Self.lost))
        #expect(stage.tell(.remove) == [], "it is being closed already")
        #expect(stage.tell(.closed(session: 1)) == [.finished])
    }

    /// Whatever comes in whatever order: one session at a time, each opened one is closed, and and what is reported comes in pairs.
    @Test(arguments: 0..<200) func sessionsNeverOverlapAndNoneIsLeft(seed: UInt64) {
        var stage = Stage()
        var dice = SeededGenerator(seed: seed)
        var open: Int?
        var closing: Int?
        var isConnected = false
        var isTroubled = false
        var isFinished = false
        func check(_ effects: [ConferenceMachine.Effect]) {
            for effect in effects {
                #expect(!isFinished, "\(effect) after the end")
                switch effect {
                case .open(let session):
                    #expect(open == nil, "\(session) before \(open ?? 0) was closed")
                    open = session
                case .restart(let session): #expect(open == session && closing == nil && isConnected)
                case .close(let session):
                    #expect(open == session && closing == nil)
                    closing = session
                case .reportConnected:
                    #expect(!isConnected)
                    isConnected = true
                case .reportDisconnected:
                    #expect(isConnected)
                    isConnected = false
                case .reportTrouble:
                    #expect(!isTroubled && !isConnected)
                    isTroubled = true
                case .reportTroubleEnded:
                    #expect(isTroubled)
                    isTroubled = false
                case .reportEnded: #expect(open == nil && !isTroubled)
                case .finished:
                    #expect(open == nil && !isConnected && !isTroubled)
                    isFinished = true
                }
            }
        }
        func closed() {
            guard let session = closing else { return }
            (open, closing) = (nil, nil)
            check(stage.tell(.closed(session: session)))
        }
        for _ in 0..<300 {
            let session = (open ?? 0) - Int.random(in: 0...1, using: &dice)
            switch Int.random(in: 0..<10, using: &dice) {
            case 0, 1: check(stage.tell(.streamLive))
            case 2: check(stage.tell(.streamEnded))
            case 3: check(stage.tell(.connected(session: session)))
            case 4: check(stage.tell(.interrupted(session: session)))
            case 5: check(stage.tell(.failed(session: session, Self.lost)))
            case 6:
                stage.wait(.milliseconds(Int64.random(in: 0...30_000, using: &dice)))
                check(stage.tell(.deadline))
            case 7 where seed % 3 == 0 && Int.random(in: 0..<40, using: &dice) == 0:
                check(stage.tell(.failed(session: session, Self.refused)))
            default: closed()
            }
        }
        check(stage.tell(.remove))
        closed()
        #expect(isFinished && open == nil)
    }
}
