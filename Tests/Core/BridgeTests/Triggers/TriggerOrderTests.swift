import Bridge
import BridgeModel
import Testing

@Suite struct TriggerOrderTests {
    /// One recording at a time; only its own are stopped; no start without a source or a reason; and always a way on.
    @Test(arguments: 0..<60 as Range<UInt64>) func theRulesHoldInAnyOrder(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let schedule = WeeklySchedule(timeZone: "UTC", windows: [try #require(WeeklySchedule.Window("daily 12:00:30-12:01"))])
        let policies = [RecordingPolicy(.always), RecordingPolicy(.event), RecordingPolicy(.schedule(schedule)), RecordingPolicy(.request)]
        var stage = TriggerStage(policies[Int(seed % 4)])
        stage.zone = { _ in .zero }
        var model = TriggerModel()
        for _ in 0..<400 {
            let input = model.input(policies, &random)
            model.note(input)
            stage.tell(input)
            while !stage.effects.isEmpty {
                let effect = stage.effects.removeFirst()
                #expect(model.allows(effect), "seed \(seed): \(effect) in \(model)")
                model.carryOut(effect)
            }
            if let deadline = stage.trigger.deadline { #expect(deadline > stage.now) }
            let step = Duration.milliseconds(Int64.random(in: 1...9000, using: &random))
            stage.wall = stage.wall.advanced(by: step)
            stage.now = stage.now.advanced(by: step)
        }
        // A source, always: in the end it is recorded.
        stage.obeys = true
        if model.isStarting { stage.act(.startFailed) }
        if let id = model.running ?? model.stopping { stage.act(.ended(id)) }
        for input: RecordingTrigger.Input in [
            .policy(RecordingPolicy(.request)), .policy(RecordingPolicy(.always)), .streamGone, .streamLive(isNew: true), .deadline,
        ] { stage.act(input) }
        #expect(stage.trigger.recording != nil, "seed \(seed)")
    }
}

/// What a bridge could say next, and what the trigger may ask of it.
private struct TriggerModel {
    var isLive = false
    var isStarting = false
    var running: RecordingID?
    var isOwn = false
    var stopping: RecordingID?
    var counter = 0

    func input(_ policies: [RecordingPolicy], _ random: inout SeededGenerator) -> RecordingTrigger.Input {
        if isStarting {
            return Bool.random(using: &random) ? .began(RecordingID("r\(counter)"), isOwn: true) : .startFailed
        }
        if let stopping, Bool.random(using: &random) { return .ended(stopping) }
        switch Int.random(in: 0..<9, using: &random) {
        case 0: return isLive ? .streamGone : .streamLive(isNew: Bool.random(using: &random))
        case 1: return .event
        case 2: return .policy(policies.randomElement(using: &random) ?? policies[0])
        case 3: if let running { return .stoppedByUser(running) }
        case 4: if let running { return .ended(running) }
        case 5: if running == nil, stopping == nil { return .began(RecordingID("hand\(counter)"), isOwn: false) }
        default: break
        }
        return .deadline
    }

    mutating func note(_ input: RecordingTrigger.Input) {
        counter += 1
        switch input {
        case .streamLive: isLive = true
        case .streamGone: isLive = false
        case .began(let id, let isOwn): (running, self.isOwn, isStarting) = (id, isOwn, false)
        case .startFailed: isStarting = false
        case .stoppedByUser(let id): (running, stopping) = (nil, id)
        case .ended: (running, stopping) = (nil, nil)
        case .policy, .event, .deadline: break
        }
    }

    func allows(_ effect: RecordingTrigger.Effect) -> Bool {
        switch effect {
        case .start: isLive && !isStarting && running == nil && stopping == nil
        case .stop(let id): id == running && isOwn
        }
    }

    mutating func carryOut(_ effect: RecordingTrigger.Effect) {
        switch effect {
        case .start: isStarting = true
        case .stop(let id): (running, stopping) = (nil, id)
        }
    }
}
