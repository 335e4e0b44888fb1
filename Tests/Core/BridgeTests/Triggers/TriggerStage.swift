import Bridge
import BridgeModel

/// A trigger in virtual time. Recordings begin and end as told.
struct TriggerStage {
    var trigger: RecordingTrigger
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    /// 2026-03-28T12:00:00Z, a Saturday; in the night that follows Berlin puts its clocks forward, at 01:00 UTC.
    var wall = WallTime(milliseconds: 1_774_699_200_000)
    var zone: @Sendable (WallTime) -> Duration? = { _ in nil }
    var effects: [RecordingTrigger.Effect] = []
    var counter = 0

    init(_ policy: RecordingPolicy) { trigger = RecordingTrigger(policy: policy) }

    mutating func tell(_ input: RecordingTrigger.Input) {
        effects += trigger.handle(input, at: .init(now: now, wall: wall, zoneOffset: zone(wall)))
    }

    /// Lets time pass, and tells of each deadline in its turn.
    mutating func pass(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = trigger.deadline, deadline <= end {
            move(to: max(deadline, now))
            tell(.deadline)
            obey()
        }
        move(to: end)
    }

    private mutating func move(to moment: MonotonicTime) {
        wall = wall.advanced(by: moment.duration(since: now))
        now = moment
    }

    /// Begins what is to begin, and ends what is to end.
    var obeys = false
    var begun: [(since: MonotonicTime, at: WallTime)] = []
    var ended: [WallTime] = []

    mutating func obey() {
        guard obeys else { return }
        while !effects.isEmpty {
            switch effects.removeFirst() {
            case .start(let since):
                counter += 1
                begun.append((since, wall))
                tell(.began(RecordingID("r\(counter)"), isOwn: true))
            case .stop(let id):
                ended.append(wall)
                tell(.ended(id))
            }
        }
    }

    mutating func act(_ input: RecordingTrigger.Input) {
        tell(input)
        obey()
    }
}
