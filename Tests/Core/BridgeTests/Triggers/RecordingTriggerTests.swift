import Bridge
import BridgeModel
import Testing

@Suite struct RecordingTriggerTests {
    private let zero = MonotonicTime(nanoseconds: 0)

    // MARK: - always

    @Test func aStreamThatIsAlwaysRecordedIsRecordedFromItsFirstPacketOn() {
        var stage = TriggerStage(RecordingPolicy(.always))
        stage.tell(.streamLive(isNew: true))
        #expect(stage.effects == [.start(since: zero)])
        stage.tell(.began(RecordingID("r"), isOwn: true))
        stage.tell(.streamGone)
        stage.tell(.streamLive(isNew: false))
        stage.pass(.seconds(3600))
        #expect(stage.effects.count == 1 && stage.trigger.recording == RecordingID("r"))
    }

    @Test func aRecordingThatFailsIsFollowedByOneThatBeginsWhereItEnded() {
        var stage = TriggerStage(RecordingPolicy(.always))
        stage.tell(.streamLive(isNew: true))
        stage.tell(.began(RecordingID("r"), isOwn: true))
        stage.pass(.seconds(5))
        let end = stage.now
        stage.tell(.ended(RecordingID("r")))
        #expect(stage.effects.count == 1)
        stage.pass(.seconds(1))
        #expect(stage.effects == [.start(since: zero), .start(since: end)])
    }

    @Test func aFullDiskIsTriedLessAndLessOften() {
        var stage = TriggerStage(RecordingPolicy(.always))
        stage.tell(.streamLive(isNew: true))
        var waits: [Int64] = []
        for _ in 0..<9 {
            let before = stage.now
            stage.effects = []
            stage.tell(.startFailed)
            #expect(stage.effects.isEmpty)
            while stage.effects.isEmpty { stage.pass(.seconds(1)) }
            waits.append(stage.now.duration(since: before).components.seconds)
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test func aLongRecordingIsNoFailure() {
        var stage = TriggerStage(RecordingPolicy(.always))
        stage.obeys = true
        stage.act(.streamLive(isNew: true))
        for _ in 0..<5 {
            stage.pass(.seconds(61))
            let count = stage.begun.count
            stage.act(.ended(RecordingID("r\(count)")))
            stage.pass(.seconds(1))
            #expect(stage.begun.count == count + 1)
        }
    }

    @Test func whatAUserStopsStaysStoppedUntilTheStreamBeginsAnew() {
        var stage = TriggerStage(RecordingPolicy(.always))
        stage.obeys = true
        stage.act(.streamLive(isNew: true))
        stage.act(.stoppedByUser(RecordingID("r1")))
        stage.act(.ended(RecordingID("r1")))
        stage.pass(.seconds(3600))
        stage.act(.streamGone)
        stage.act(.streamLive(isNew: false))
        #expect(stage.begun.count == 1)
        stage.act(.streamGone)
        stage.act(.streamLive(isNew: true))
        #expect(stage.begun.count == 2)
    }

    @Test func nothingBeginsBesideARecordingThatSomebodyAskedFor() {
        var stage = TriggerStage(RecordingPolicy(.always))
        stage.obeys = true
        stage.tell(.began(RecordingID("by hand"), isOwn: false))
        stage.act(.streamLive(isNew: true))
        stage.pass(.seconds(600))
        #expect(stage.begun.isEmpty)
        // Its session ended; nobody stopped it.
        stage.act(.ended(RecordingID("by hand")))
        #expect(stage.begun.count == 1)
    }

    @Test func aRecordingThatSomebodyAskedForIsNeverStopped() {
        var stage = TriggerStage(RecordingPolicy(.event))
        stage.tell(.streamLive(isNew: true))
        stage.tell(.began(RecordingID("by hand"), isOwn: false))
        stage.tell(.event)
        stage.pass(.seconds(600))
        stage.tell(.policy(RecordingPolicy(.request)))
        #expect(stage.effects.isEmpty)
    }

    @Test func anotherPolicyEndsWhatTheFormerBegan() {
        var stage = TriggerStage(RecordingPolicy(.always))
        stage.obeys = true
        stage.act(.streamLive(isNew: true))
        stage.act(.policy(RecordingPolicy(.always)))
        #expect(stage.ended.isEmpty)
        stage.act(.policy(RecordingPolicy(.request)))
        #expect(stage.ended.count == 1)
        stage.pass(.seconds(10))
        stage.act(.policy(RecordingPolicy(.always)))
        // Of a stream that is there already no more than what comes now.
        #expect(stage.begun.last?.since == stage.now)
    }

    @Test(arguments: [RecordingPolicy(.request), RecordingPolicy(.session)]) func otherPoliciesBeginNothing(_ policy: RecordingPolicy) {
        var stage = TriggerStage(policy)
        stage.tell(.streamLive(isNew: true))
        stage.tell(.event)
        stage.pass(.seconds(3600))
        #expect(stage.effects.isEmpty && stage.trigger.deadline == nil)
    }

    // MARK: - event

    @Test func anEventsRecordingReachesBackAndEndsAfterThePostRoll() {
        var stage = TriggerStage(RecordingPolicy(.event, preRoll: .seconds(7), postRoll: .seconds(20)))
        stage.obeys = true
        stage.act(.streamLive(isNew: true))
        stage.pass(.seconds(100))
        let event = (now: stage.now, wall: stage.wall)
        stage.act(.event)
        #expect(stage.begun.map(\.since) == [event.now.advanced(by: .seconds(-7))])
        stage.pass(.seconds(60))
        #expect(stage.ended == [event.wall.advanced(by: .seconds(20))])
        #expect(stage.trigger.deadline == nil)
    }

    @Test func aFurtherEventProlongsTheRecording() {
        var stage = TriggerStage(RecordingPolicy(.event))
        stage.obeys = true
        stage.act(.streamLive(isNew: true))
        stage.act(.event)
        stage.pass(.seconds(29))
        stage.act(.event)
        let last = stage.wall
        stage.pass(.seconds(60))
        #expect(stage.begun.count == 1 && stage.ended == [last.advanced(by: .seconds(30))])
    }

    @Test func anEventWhileTheSourceIsAwayIsRecordedWhenItReturnsInTime() {
        var stage = TriggerStage(RecordingPolicy(.event))
        stage.obeys = true
        stage.act(.streamLive(isNew: true))
        stage.act(.streamGone)
        let event = stage.now
        stage.act(.event)
        #expect(stage.begun.isEmpty)
        stage.pass(.seconds(5))
        stage.act(.streamLive(isNew: false))
        #expect(stage.begun.map(\.since) == [event.advanced(by: .seconds(-10))])
        stage.act(.ended(RecordingID("r1")))
        stage.act(.streamGone)
        stage.pass(.seconds(60))
        stage.act(.streamLive(isNew: true))
        #expect(stage.begun.count == 1)
    }

    @Test func anEventRecordsAgainWhatAUserStopped() {
        var stage = TriggerStage(RecordingPolicy(.event))
        stage.obeys = true
        stage.act(.streamLive(isNew: true))
        stage.act(.event)
        stage.act(.stoppedByUser(RecordingID("r1")))
        stage.pass(.seconds(1))
        #expect(stage.begun.count == 1)
        // While it is still being closed.
        let event = stage.now
        stage.act(.event)
        stage.pass(.seconds(1))
        stage.act(.ended(RecordingID("r1")))
        #expect(stage.begun.count == 2 && stage.begun.last?.since == event.advanced(by: .seconds(-10)))
    }
}
